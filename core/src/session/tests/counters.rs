//! Every counter counts, each by its own rule.

use alloc::{string::String, vec, vec::Vec};

use super::harness::{FAR, Far, chunk};
use crate::{
    Action, BadReason, Call, Calls, Capabilities, Chunk, Decode, Decoded, Exit, FailedCall, Id,
    Input, Limits, Line, Page, ReplayId, Session, Stats, Stream, Timestamp, WriteId, WriteOutcome,
};

/// A line is a message; `-` is left out, `!` and `{` without `}` are no messages, and digits answer
/// the calls of these ids.
struct Picky;

impl Decode for Picky {
    type Message = Vec<Id>;

    fn decode(&mut self, line: &mut Line<'_>, _: &Calls) -> Result<Decoded<Vec<Id>>, BadReason> {
        let text = String::from_utf8_lossy(line.as_slice());
        if text == "-" {
            return Ok(Decoded::Ignored);
        }
        if text.starts_with('!') || text.starts_with('{') && !text.ends_with('}') {
            return Err(BadReason::NotJson);
        }
        let digits = text.chars().filter_map(|char| char.to_digit(10));
        Ok(Decoded::Message(digits.map(|digit| Id::Int(digit.into())).collect()))
    }

    fn answers(&self, ids: &Vec<Id>) -> Option<Id> {
        ids.first().cloned()
    }

    fn answers_also<'a>(&self, ids: &'a Vec<Id>) -> &'a [Id] {
        ids.get(1..).unwrap_or_default()
    }

    fn answer_failed(&self, _: &FailedCall) -> Option<Vec<Id>> {
        Some(Vec::new())
    }
}

fn picky(capabilities: Capabilities) -> Session<Picky> {
    let limits = Limits { max_line: 10, stderr_line: 3, ..Limits::default() };
    Session::new(Picky, capabilities, limits).unwrap()
}

fn say(session: &mut Session<Picky>, seq: u64, stream: Stream, text: &'static str) {
    let chunk = Chunk { seq, stream, data: text.into() };
    session.handle(Timestamp::ORIGIN, Input::Output(chunk));
    while session.poll_event().is_some() {}
}

#[test]
fn every_kind_of_line_is_counted() {
    let mut session = picky(Capabilities::local());
    say(&mut session, 1, Stream::Stdout, "a\nb\nc\n");
    say(&mut session, 2, Stream::Stdout, "-\n-\n");
    say(&mut session, 3, Stream::Stdout, "!\n!\n!\n{\n{\n");
    say(&mut session, 4, Stream::Stdout, "01234567890\n01234567890\n");
    say(&mut session, 5, Stream::Stdout, "!{}\n!{}\n");
    say(&mut session, 6, Stream::Stderr, "one\ntwo\nthree\nfour\n");
    let expected = Stats {
        events: 6,
        stdout_bytes: 6 + 4 + 10 + 24 + 8,
        stderr_bytes: 19,
        messages: 3 + 2,
        ignored: 2,
        noise: 3 + 2,
        salvaged: 2,
        malformed: 2,
        oversized: 2,
        stderr_lines: 4,
        stderr_truncated: 2,
        ..Stats::default()
    };
    assert_eq!(*session.stats(), expected);
}

fn call(session: &mut Session<Picky>, id: i64) {
    let call = Call { id: Id::Int(id), method: "m".into() };
    session.send_call("call".into(), Some(call)).unwrap();
}

fn write(session: &mut Session<Picky>) -> WriteId {
    let Some(Action::Write { id, .. }) = session.poll_action() else { panic!() };
    id
}

fn written(session: &mut Session<Picky>, id: WriteId) {
    let outcome = WriteOutcome::Accepted;
    session.handle(Timestamp::ORIGIN, Input::Written { id, outcome });
}

#[test]
fn what_is_sent_and_answered_is_counted() {
    let mut session = picky(FAR);
    (1..=3).for_each(|id| call(&mut session, id));
    let first = write(&mut session);
    for _ in 0..2 {
        session.handle(Timestamp::ORIGIN, Input::LinkDown { reason: "cut".into() });
        session.handle(Timestamp::ORIGIN, Input::LinkUp { identity: "same".into() });
        assert_eq!(write(&mut session), first);
    }
    (0..3).for_each(|_| written(&mut session, first));
    session.send("note".into()).unwrap();
    let second = write(&mut session);
    written(&mut session, second);
    // The answers to all of them are lost, and come late all the same.
    session.calls.fail_all(&crate::CallFailure::Unknown, 10);
    say(&mut session, 1, Stream::Stdout, "1\n2\n43\n");
    let expected = Stats {
        events: 1,
        stdout_bytes: 7,
        messages: 1,
        sent: 4,
        calls: 3,
        failed_calls: 3,
        late_answers: 2,
        writes: 2,
        written_bytes: 3 * 5 + 5,
        repeated_writes: 2,
        stale_answers: 2,
        link_losses: 2,
        ..Stats::default()
    };
    // Number 4 is nobody's answer, so the message is delivered; what it answers also came late.
    assert_eq!(*session.stats(), Stats { late_answers: 3, ..expected });
}

#[test]
fn what_happens_to_events_is_counted() {
    let limits = Limits { reorder_events: 2, replay_retries: 5, ..Limits::default() };
    let mut far = Far::with(FAR, limits);
    for seq in [3, 4, 6, 7, 3, 4, 3] {
        far.out(seq, "x\n");
    }
    far.handle(Input::Lagged { skipped: 5 });
    far.handle(Input::Lagged { skipped: 2 });
    for _ in 0..2 {
        let (request, _) = far.replay().unwrap();
        let message = "busy".into();
        far.handle(Input::ReplayFailed { request, message, retryable: true });
        far.now = far.session.poll_timeout().unwrap().at;
        far.handle(Input::Tick);
    }
    let request = ReplayId(99);
    let nobody = Page { request, ..far.empty_page(9) };
    far.answer(nobody);
    far.handle(Input::ReplayFailed { request, message: "late".into(), retryable: false });
    far.handle(Input::LinkDown { reason: "cut".into() });
    far.handle(Input::LinkUp { identity: "same".into() });
    // 1, 2, 5 and 6 are gone, and what follows a hole up to the next newline is nobody's line.
    far.page(&[(7, "x\n")], 8);
    far.page(&[], 8);
    assert_eq!(far.events(), ["lost 1-2", "x", "lost 5-6"]);
    let expected = Stats {
        events: 2,
        stdout_bytes: 4,
        duplicates: 3,
        reordered: 5,
        reorder_peak: 2,
        shed: 3, // 7 comes too early once more, with its page
        lagged: 7,
        replays: 5,
        pages: 2,
        stale_answers: 2,
        replay_failures: 2,
        lost: 4,
        messages: 1,
        link_losses: 1,
        ..Stats::default()
    };
    assert_eq!(*far.session.stats(), expected);
}

/// A page tells the exit and the close each time; they come once.
#[test]
fn ends_that_are_told_again_are_no_duplicates() {
    let mut far = Far::new();
    far.exited(3, 0);
    far.closed(4);
    far.handle(Input::Lagged { skipped: 1 });
    for (seq, text) in [(1, "one\n"), (2, "two\n")] {
        let page = far.empty_page(5);
        let chunks = vec![chunk(seq, text)];
        far.answer(Page { chunks, exit: Some(Exit::Code(0)), closed: true, ..page });
    }
    assert_eq!(far.events(), ["one", "two", "exit code 0", "end: the process ended"]);
    assert_eq!(far.session.stats().duplicates, 0);
}
