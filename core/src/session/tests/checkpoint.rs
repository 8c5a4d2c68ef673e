//! Sessions that go on in another process.

mod schedule;

use core::time::Duration;

use super::harness::{FAR, Far, chunk, millis};
use crate::{
    Action, Capabilities, Cause, Checkpoint, Delivery, Exit, Input, Limits, Page, ReplayId,
    Session, TimeoutReason, Timestamp, WriteId, WriteOutcome,
};

/// The session of a new process, before its link is up.
fn taken_over(far: &Far, capabilities: Capabilities, limits: Limits) -> Far {
    let json = far.session.checkpoint().to_json();
    let checkpoint = Checkpoint::from_json(json.as_bytes()).unwrap();
    let session = Session::restore(super::harness::Lines, capabilities, limits, checkpoint);
    Far { session: session.unwrap(), now: Timestamp::ORIGIN }
}

fn restored(far: &Far) -> Far {
    taken_over(far, FAR, Limits::default())
}

fn linked(far: &mut Far) {
    far.handle(Input::LinkUp { identity: "one".into() });
}

/// Answers the replay that a restored session asks for with nothing new.
fn caught_up(far: &mut Far, next: u64) {
    linked(far);
    far.page(&[], next);
}

fn write(far: &mut Far) -> (WriteId, bytes::Bytes) {
    match far.session.poll_action() {
        Some(Action::Write { id, data }) => (id, data),
        other => panic!("expected a write, not {other:?}"),
    }
}

fn accept(far: &mut Far, id: WriteId) {
    far.handle(Input::Written { id, outcome: WriteOutcome::Accepted });
}

#[test]
fn an_idle_session_is_small() {
    let far = Far::new();
    let size = far.session.checkpoint().to_json().len();
    assert!(size < 300, "{size} bytes");
}

/// <https://github.com/cloudflare/agents/issues/1607>
#[test]
fn unread_output_is_read_by_the_next_process() {
    let mut far = Far::new();
    linked(&mut far);
    far.out(1, "one\ntwo\nhal");
    far.err(2, "warn");
    assert_eq!(far.session.poll_event().map(|event| super::harness::short(&event)).unwrap(), "one");
    let mut next = restored(&far);
    assert_eq!(next.events(), ["two"]);
    linked(&mut next);
    assert_eq!(next.replay().unwrap().1, 2, "what is in the checkpoint is not asked for");
    next.out(3, "f\n");
    next.err(4, "ing\n");
    assert_eq!(next.events(), ["half", "stderr warning"]);
}

#[test]
fn ids_continue() {
    let mut far = Far::new();
    linked(&mut far);
    far.handle(Input::Lagged { skipped: 1 });
    let (replay, _) = far.replay().unwrap();
    let send = far.session.send("one".into()).unwrap();
    let (id, _) = write(&mut far);
    accept(&mut far, id);
    let mut next = restored(&far);
    linked(&mut next);
    assert!(next.replay().unwrap().0 > replay);
    assert!(next.session.send("two".into()).unwrap() > send);
    assert!(write(&mut next).0 > id);
}

/// <https://github.com/openai/codex/issues/23395>
#[test]
fn the_write_in_flight_is_repeated_with_its_id_and_its_bytes() {
    let limits = Limits { max_write: 9, ..Limits::default() };
    let mut far = Far::with(FAR, limits.clone());
    linked(&mut far);
    for message in ["a long message", "two", "three"] {
        far.session.send(message.into()).unwrap();
    }
    let mut stdin = alloc::vec::Vec::new();
    for _ in 0..3 {
        let first = write(&mut far);
        let mut next = taken_over(&far, FAR, limits.clone());
        assert_eq!(next.session.poll_action(), None, "not before the link is up");
        caught_up_after_writes(&mut next, &first);
        stdin.extend_from_slice(&first.1);
        far = next;
    }
    assert_eq!(stdin, b"a long message\ntwo\nthree\n");
    let accepted = [1, 2, 3].map(|id| (id, Delivery::Accepted));
    assert_eq!(far.settled(), accepted);
}

fn caught_up_after_writes(far: &mut Far, expected: &(WriteId, bytes::Bytes)) {
    linked(far);
    assert_eq!(&write(far), expected);
    accept(far, expected.0);
}

#[test]
fn a_write_that_the_process_was_not_ready_for_is_sent_again() {
    let mut far = Far::new();
    linked(&mut far);
    far.session.send("one".into()).unwrap();
    let (id, _) = write(&mut far);
    far.handle(Input::Written { id, outcome: WriteOutcome::Starting });
    let plain = Capabilities { write_deduplication: false, ..FAR };
    let mut next = taken_over(&far, plain, Limits::default());
    linked(&mut next);
    assert_eq!(write(&mut next).0, id, "it did not arrive, and is no unknown one");
}

/// <https://github.com/optimikelabs/optimike-obsidian-mcp/issues/98>
#[test]
fn without_deduplication_the_write_in_flight_is_unknown() {
    let plain = Capabilities { write_deduplication: false, ..FAR };
    let mut far = Far::with(plain.clone(), Limits::default());
    linked(&mut far);
    far.session.send("mutate".into()).unwrap();
    write(&mut far);
    far.session.send("later".into()).unwrap();
    let mut next = taken_over(&far, plain, Limits::default());
    assert_eq!(next.settled(), [(1, Delivery::Unknown)]);
    linked(&mut next);
    assert_eq!(write(&mut next).1, "later\n");
}

#[test]
fn another_executor_ends_the_session() {
    let mut far = Far::new();
    linked(&mut far);
    far.out(1, "unread\n");
    let mut next = restored(&far);
    next.handle(Input::LinkUp { identity: "two".into() });
    assert!(matches!(next.session.end().unwrap().cause, Cause::SessionLost { .. }));
    assert_eq!(next.events()[0], "unread");
    assert_eq!(next.session.poll_action(), Some(Action::Terminate));
}

#[test]
fn an_ended_session_yields_what_was_unread_and_nothing_else() {
    let mut far = Far::new();
    linked(&mut far);
    far.session.send("one".into()).unwrap();
    far.out(1, "last\n");
    far.exited(2, 3);
    far.closed(3);
    let mut next = restored(&far);
    assert_eq!(next.events(), ["last", "exit code 3", "end: the process ended"]);
    assert_eq!(next.session.end(), far.session.end());
    assert_eq!((next.session.poll_action(), next.session.poll_timeout()), (None, None));

    let mut again = restored(&next);
    assert!(again.session.is_ended() && again.session.is_over());
    linked(&mut again);
    again.out(4, "too late\n");
    assert!(again.events().is_empty());
    assert_eq!(again.session.poll_action(), None);
    assert_eq!(again.settled().len(), 1, "the outcome of the send was not polled before");
}

#[test]
fn the_link_may_be_away_from_the_first_moment_on() {
    let mut far = Far::new();
    linked(&mut far);
    let mut next = restored(&far);
    next.now = Timestamp::from_origin(Duration::from_secs(1_000_000));
    let timeout = next.session.poll_timeout().unwrap();
    assert_eq!((timeout.at, timeout.reason), (Timestamp::ORIGIN, TimeoutReason::LinkUp));
    next.wait(Duration::ZERO);
    assert_eq!(next.session.poll_timeout().unwrap().at, next.now + Duration::from_secs(25));
    next.wait(Duration::from_secs(25));
    assert!(matches!(next.end().cause, Cause::SessionLost { .. }));
}

#[test]
fn a_close_goes_on_with_the_step_it_had_reached() {
    let mut far = Far::new();
    linked(&mut far);
    far.session.close(far.now);
    assert_eq!(far.session.poll_action(), Some(Action::Interrupt), "FAR cannot close stdin");
    let mut next = restored(&far);
    next.now = Timestamp::from_origin(Duration::from_secs(7));
    linked(&mut next);
    assert_eq!(next.session.poll_action(), Some(Action::Interrupt));
    next.wait(millis(1999));
    assert!(matches!(next.session.poll_action(), Some(Action::Replay { .. })));
    next.wait(millis(1));
    assert_eq!(next.session.poll_action(), Some(Action::Terminate));
    next.exited(1, 0);
    next.closed(2);
    assert_eq!(next.end().cause, Cause::Requested);
}

#[test]
fn a_close_that_goes_on_counts_its_wait_from_there() {
    let mut far = Far::new();
    linked(&mut far);
    far.session.terminate(far.now);
    let mut next = restored(&far);
    next.now = Timestamp::from_origin(Duration::from_secs(7));
    linked(&mut next);
    next.wait(Duration::from_secs(3));
    assert_eq!(next.end().cause, Cause::CloseTimedOut { waited: Duration::from_secs(3) });
}

#[test]
fn a_close_of_stdin_and_a_termination_are_asked_for_again() {
    let mut far = Far::local();
    far.session.close_stdin();
    assert_eq!(far.session.poll_action(), Some(Action::CloseStdin));
    let mut next = taken_over(&far, Capabilities::local(), Limits::default());
    linked(&mut next);
    assert!(next.session.send("more".into()).is_err());
    assert_eq!(next.session.poll_action(), Some(Action::CloseStdin));
    assert_eq!(next.session.poll_action(), None);

    next.handle(Input::Failed { message: "gone".into() });
    assert_eq!(next.session.poll_action(), Some(Action::Terminate));
    let mut last = taken_over(&next, Capabilities::local(), Limits::default());
    assert_eq!(last.session.poll_action(), Some(Action::Terminate));
    assert!(last.session.is_over());
}

#[test]
fn the_wait_for_the_close_after_an_exit_begins_anew() {
    let mut far = Far::new();
    linked(&mut far);
    far.exited(1, 0);
    far.wait(millis(1900));
    let mut next = restored(&far);
    next.now = Timestamp::from_origin(Duration::from_secs(100));
    caught_up(&mut next, 2);
    assert_eq!(next.events(), ["exit code 0"]);
    next.wait(millis(1999));
    assert!(next.session.end().is_none());
    next.wait(millis(1));
    assert!(matches!(next.end().cause, Cause::OutputHeldOpen { .. }));
}

/// A page tells an exit without its number: what was known about it must not be forgotten.
#[test]
fn an_exit_that_came_early_keeps_its_number() {
    let mut far = Far::new();
    linked(&mut far);
    far.exited(3, 0);
    far.closed(4);
    let mut next = restored(&far);
    linked(&mut next);
    let page = next.empty_page(5);
    next.answer(Page { exit: Some(Exit::Code(0)), closed: true, ..page });
    assert_eq!(next.events(), ["lost 1-2", "exit code 0", "end: the process ended"]);
}

#[test]
fn what_came_early_is_asked_for_again() {
    let mut far = Far::new();
    linked(&mut far);
    far.out(1, "one\n");
    far.out(3, "three\n");
    let mut next = restored(&far);
    linked(&mut next);
    assert_eq!(next.replay(), Some((ReplayId(0), 1)));
    let chunks = [chunk(2, "two\n"), chunk(3, "three\n")].to_vec();
    let request = ReplayId(0);
    next.answer(Page { request, chunks, next: 4, exit: None, closed: false, failure: None });
    assert_eq!(next.events(), ["one", "two", "three"]);
}

#[test]
fn a_session_that_was_never_told_its_executor_takes_any() {
    let mut far = Far::new();
    far.out(1, "one\n");
    let mut next = restored(&far);
    linked(&mut next);
    assert_eq!(next.replay().unwrap().1, 1);
    next.handle(Input::LinkUp { identity: "two".into() });
    assert!(matches!(next.session.end().unwrap().cause, Cause::SessionLost { .. }));
}

#[test]
fn what_is_full_stays_full() {
    let limits = Limits { inbox_bytes: 10, max_message: 5, outbox_bytes: 6, ..Limits::default() };
    let mut far = Far::with(FAR, limits.clone());
    far.out(1, "more than ten bytes\n");
    far.session.send("five!".into()).unwrap();
    let mut next = taken_over(&far, FAR, limits);
    assert!(!next.session.wants_input());
    assert!(next.session.send("x".into()).is_err());
    assert_eq!(next.events(), ["more than ten bytes"]);
    assert!(next.session.wants_input());
}

/// Nothing brings back what was not taken, but its place is known.
#[test]
fn without_replay_an_early_end_is_waited_for_and_reached() {
    let nothing = Capabilities { lossless: false, replay: false, ..FAR };
    let mut far = Far::with(nothing.clone(), Limits::default());
    far.exited(2, 0);
    far.closed(3);
    let mut next = taken_over(&far, nothing, Limits::default());
    next.now = Timestamp::from_origin(Duration::from_secs(100));
    linked(&mut next);
    assert!(next.events().is_empty());
    next.wait(millis(100));
    assert_eq!(next.events(), ["lost 1-1", "exit code 0", "end: the process ended"]);
}

#[test]
fn without_replay_the_wait_after_an_exit_begins_anew_too() {
    let mut far = Far::local();
    far.exited(1, 0);
    let mut next = taken_over(&far, Capabilities::local(), Limits::default());
    next.now = Timestamp::from_origin(Duration::from_secs(100));
    linked(&mut next);
    assert_eq!(next.events(), ["exit code 0"]);
    next.wait(millis(2000));
    assert!(matches!(next.end().cause, Cause::OutputHeldOpen { .. }));
}
