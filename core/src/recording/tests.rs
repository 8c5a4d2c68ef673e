use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    Action, Chunk, Event, Exit, JsonRpc, Limits, Page, Session, Stream, Timestamp, WriteOutcome,
};

/// A session with its recording so far.
struct Recorded {
    session: Session<JsonRpc>,
    text: String,
    entries: usize,
    out: Vec<String>,
}

impl Recorded {
    fn new(capabilities: Capabilities, settings: impl Into<Settings>) -> Self {
        let mut session = Session::new(JsonRpc, capabilities, settings).unwrap();
        let text = session.start_recording().to_line();
        Self { session, text, entries: 0, out: Vec::new() }
    }

    fn local() -> Self {
        Self::new(Capabilities::local(), Limits::default())
    }

    fn handle(&mut self, millis: u64, input: Input) {
        self.session.handle(Timestamp::from_origin(Duration::from_millis(millis)), input);
    }

    fn chunk(&mut self, seq: u64, data: &[u8]) {
        let data = Bytes::copy_from_slice(data);
        self.handle(seq, Input::Output(Chunk { seq, stream: Stream::Stdout, data }));
    }

    fn poll_event(&mut self) {
        let event = self.session.poll_event();
        self.out.extend(event.map(|event| format!("{event:?}")));
    }

    fn poll_action(&mut self) -> Option<Action> {
        let action = self.session.poll_action();
        self.out.extend(action.as_ref().map(|action| format!("{action:?}")));
        action
    }

    fn whole(&mut self) -> String {
        while let Some(entry) = self.session.poll_entry() {
            self.text += &entry.to_line();
            self.entries += 1;
        }
        format!("{}{}", self.text, Recording::footer(self.entries))
    }
}

fn played(text: &str) -> Vec<String> {
    let recording = Recording::parse(text.as_bytes()).unwrap();
    let player = Player::new(JsonRpc, recording).unwrap();
    player
        .filter_map(|step| match step {
            Step::Event { event, .. } => Some(format!("{event:?}")),
            Step::Action { action, .. } => Some(format!("{action:?}")),
            _ => None,
        })
        .collect()
}

#[test]
fn a_recording_plays_to_the_identical_events() {
    let mut recorded = Recorded::local();
    recorded.session.send(r#"{"jsonrpc":"2.0","id":1.0,"method":"ping"}"#.into()).unwrap();
    let Some(Action::Write { id, .. }) = recorded.poll_action() else { panic!() };
    recorded.handle(1, Input::Written { id, outcome: WriteOutcome::Accepted });
    recorded.chunk(1, b"banner\n\xFF\xFE\n{\"jsonrpc\":\"2.0\",\"id\":1.0,");
    recorded.poll_event();
    recorded.chunk(2, b"\"result\":{}}\n");
    recorded.session.close(Timestamp::from_origin(Duration::from_secs(1)));
    recorded.poll_action();
    recorded.handle(9, Input::Exited { seq: 3, exit: Exit::Signal(9) });
    recorded.handle(9, Input::Closed { seq: 4 });
    (0..9).for_each(|_| recorded.poll_event());
    let text = recorded.whole();
    assert_eq!(played(&text), recorded.out);
    assert_eq!(recorded.out.len(), 7);
}

/// Replay requests are numbered as they are polled, and pages name them.
#[test]
fn a_recording_keeps_the_order_of_polls_and_inputs() {
    let far = Capabilities { replay: true, ..Capabilities::default() };
    let mut recorded = Recorded::new(far, Limits { inbox_bytes: 200, ..Limits::default() });
    let Some(Action::Replay { request, .. }) = recorded.poll_action() else { panic!() };
    let chunks =
        (1..9).map(|seq| Chunk { seq, stream: Stream::Stderr, data: "0123456789\n".into() });
    recorded.handle(
        0,
        Input::Replayed(Page {
            request,
            chunks: chunks.collect(),
            next: 9,
            exit: None,
            closed: false,
            failure: None,
        }),
    );
    for _ in 0..20 {
        recorded.poll_event();
        recorded.poll_action();
    }
    assert!(recorded.session.stats().shed > 0, "back-pressure is part of the story");
    let text = recorded.whole();
    assert_eq!(played(&text), recorded.out);
}

/// A poll without an event makes room, too: a long line is read piece by piece.
#[test]
fn a_recording_keeps_the_polls_that_only_made_room() {
    let limits = Limits { inbox_bytes: 300, ..Limits::default() };
    let mut recorded = Recorded::new(Capabilities::local(), limits);
    for seq in 1..20 {
        recorded.chunk(seq, &[b'x'; 200]);
        recorded.poll_event();
    }
    recorded.chunk(20, b"\n");
    recorded.poll_event();
    assert_eq!(recorded.out.len(), 1);
    assert_eq!(played(&recorded.whole()), recorded.out);
}

#[test]
fn polls_in_a_row_are_one_entry_and_every_step_has_its_time() {
    let far = Capabilities { replay: true, ..Capabilities::default() };
    let mut recorded = Recorded::new(far, Limits::default());
    recorded.session.send("one".into()).unwrap();
    recorded.session.send("two".into()).unwrap();
    recorded.handle(10, Input::Lagged { skipped: 1 });
    let Some(Action::Write { id, .. }) = recorded.poll_action() else { panic!() };
    assert!(matches!(recorded.poll_action(), Some(Action::Replay { .. })));
    recorded.handle(20, Input::Written { id, outcome: WriteOutcome::Accepted });
    assert!(recorded.session.poll_settled().is_some() && recorded.session.poll_settled().is_some());
    recorded.chunk(1, b"noise\nnoise\n");
    recorded.poll_event();
    recorded.poll_event();
    recorded.session.terminate(Timestamp::from_origin(Duration::from_millis(30)));
    let text = recorded.whole();
    let counts = ["{\"actions\":2}\n", "{\"settled\":2}\n", "{\"events\":2}\n"];
    assert!(counts.iter().all(|count| text.contains(count)), "{text}");

    let player = Player::new(JsonRpc, Recording::parse(text.as_bytes()).unwrap()).unwrap();
    let told = player.map(|step| match step {
        Step::In { at, .. } => (at, "in"),
        Step::Event { at, .. } => (at, "event"),
        Step::Action { at, .. } => (at, "action"),
        Step::Settled { at, .. } => (at, "settled"),
    });
    let told: Vec<_> = told.map(|(at, what)| (at.since_origin().as_millis(), what)).collect();
    let (start, actions) = ([(0, "in"); 2], [(10, "action"); 2]);
    let (settled, events) = ([(20, "settled"); 2], [(20, "event"); 2]);
    let expected = [
        &start[..],
        &[(10, "in")],
        &actions,
        &[(20, "in")],
        &settled,
        &[(20, "in")],
        &events,
        &[(30, "in")],
    ];
    assert_eq!(told, expected.concat());
}

#[test]
fn a_step_gives_its_event_out() {
    let at = Timestamp::ORIGIN;
    let event = Event::<()>::Exited(Exit::Code(3));
    assert_eq!(Step::Event { at, event: event.clone() }.event(), Some(event));
    assert_eq!(Step::<()>::Action { at, action: Action::Terminate }.event(), None);
}

#[test]
fn nothing_is_noted_before_recording_starts() {
    let mut session = Session::new(JsonRpc, Capabilities::local(), Limits::default()).unwrap();
    session.close_stdin();
    assert_eq!(session.poll_entry(), None);
}

#[test]
fn every_cut_is_found_and_what_is_whole_can_be_played() {
    let mut recorded = Recorded::local();
    recorded.chunk(1, b"one\n");
    recorded.poll_event();
    recorded.chunk(2, b"two\n");
    let text = recorded.whole();
    let header = text.find('\n').unwrap() + 1;
    for cut in header..text.len() {
        let cut_text = &text.as_bytes()[..cut];
        let lines = memchr::memchr_iter(b'\n', cut_text).count();
        let truncated = RecordingError::Truncated { lines };
        assert_eq!(Recording::parse(cut_text), Err(truncated.clone()), "{cut}");
        let (prefix, damage) = Recording::parse_prefix(cut_text).unwrap();
        assert_eq!((prefix.entries.len(), damage), (lines - 1, Some(truncated)));
    }
    for cut in 0..header - 1 {
        assert_eq!(
            Recording::parse(&text.as_bytes()[..cut]),
            Err(RecordingError::Foreign),
            "{cut}"
        );
    }
}

#[test]
fn damage_names_its_line() {
    let mut recorded = Recorded::local();
    recorded.chunk(1, b"one\n");
    recorded.poll_event();
    let text = recorded.whole().replace("\"seq\":1", "\"seq\":-1");
    let Err(RecordingError::Corrupt { line, .. }) = Recording::parse(text.as_bytes()) else {
        panic!()
    };
    assert_eq!(line, 2);
    let missing = recorded.whole().replace("{\"events\":1}\n", "");
    assert_eq!(Recording::parse(missing.as_bytes()), Err(RecordingError::Truncated { lines: 2 }));
}

#[test]
fn other_versions_and_other_files_are_told_apart() {
    let text = Recorded::local().whole();
    let future = text.replacen("\"version\":1", "\"version\":2", 1);
    let error = Recording::parse(future.as_bytes()).unwrap_err();
    assert_eq!(error, RecordingError::FutureVersion { found: 2, supported: 1 });
    let foreign = text.replacen("farpipe-recording", "something-else", 1);
    assert_eq!(Recording::parse(foreign.as_bytes()), Err(RecordingError::Foreign));
    assert_eq!(Recording::parse(b""), Err(RecordingError::Foreign));
    let stuck = text.replacen("\"max_write\":262144", "\"max_write\":0", 1);
    let error = Recording::parse(stuck.as_bytes()).unwrap_err();
    assert!(
        matches!(error, RecordingError::InvalidLimits(_))
            && error.to_string().contains("max_write")
    );
}

proptest! {
    #[test]
    fn any_session_plays_to_what_it_was(
        steps in prop::collection::vec((0u8..6, 1u64..30, "[a-c{}\n\"]{0,20}"), 0..80),
    ) {
        let far = Capabilities { replay: true, ..Capabilities::default() };
        let limits = Limits { inbox_bytes: 300, reorder_events: 3, max_line: 10, ..Limits::default() };
        let mut recorded = Recorded::new(far, limits);
        for (at, (step, seq, text)) in steps.into_iter().enumerate() {
            match step {
                0 | 1 => recorded.chunk(seq, text.as_bytes()),
                2 => recorded.poll_event(),
                3 => drop(recorded.poll_action()),
                4 => drop(recorded.session.send(text.into())),
                _ => recorded.handle(at as u64 * 60, Input::Lagged { skipped: 1 }),
            }
        }
        let text = recorded.whole();
        prop_assert_eq!(played(&text), recorded.out);
    }

    #[test]
    fn any_text_is_survived(lines in prop::collection::vec("[ -~]{0,40}", 0..6)) {
        let mut text = Recorded::local().whole();
        let end = text.find('\n').unwrap() + 1;
        text.truncate(end);
        text += &lines.join("\n");
        let (recording, _) = Recording::parse_prefix(text.as_bytes()).unwrap();
        Player::new(JsonRpc, recording).unwrap().for_each(drop);
    }
}
