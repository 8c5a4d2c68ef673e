//! Order, duplicates and budgets.

use alloc::{
    format,
    string::{String, ToString as _},
    vec,
    vec::Vec,
};

use bytes::Bytes;
use proptest::prelude::*;

use super::harness::{FAR, Far, chunk};
use crate::{
    Capabilities, Cause, Chunk, Input, Limits, Stream, Violation, session::order::Payload,
};

/// <https://github.com/openai/codex/issues/18020>
#[test]
fn events_out_of_order_are_delivered_in_order() {
    let mut far = Far::new();
    far.err(2, "warn\n");
    far.out(4, "two\n");
    far.exited(5, 0);
    far.out(3, "ne\n");
    assert!(far.events().is_empty());
    far.out(1, "o");
    far.closed(6);
    let expected = ["stderr warn", "one", "two", "exit code 0", "end: the process ended"];
    assert_eq!(far.events(), expected);
}

#[test]
fn duplicates_are_dropped_and_counted() {
    let mut far = Far::new();
    for seq in [1, 1, 3, 3, 2, 1, 3, 0] {
        far.out(seq, &format!("{seq}\n"));
    }
    assert_eq!(far.events(), ["1", "2", "3"]);
    assert_eq!(far.session.stats().duplicates, 5);
}

/// <https://github.com/moby/moby/issues/43860>
#[test]
fn output_after_the_exit_is_delivered() {
    let mut far = Far::new();
    far.exited(1, 3);
    for seq in 2..=150 {
        far.out(seq, &format!("{seq}\n"));
    }
    far.closed(151);
    let events = far.events();
    assert_eq!(events.len(), 1 + 149 + 1);
    assert_eq!(events.first().map(String::as_str), Some("exit code 3"));
    assert!(events.last().unwrap().starts_with("end"));
}

/// <https://github.com/openai/codex/issues/31576>
#[test]
fn full_reorder_buffer_sheds_the_highest_and_replays_them() {
    let limits = Limits { reorder_events: 4, ..Limits::default() };
    let mut far = Far::with(FAR, limits);
    for seq in 2..=9 {
        far.out(seq, &format!("{seq}\n"));
    }
    assert_eq!(far.session.stats().shed, 4);
    let (_, after) = far.replay().unwrap();
    assert_eq!(after, 0);
    far.out(1, "1\n");
    assert_eq!(far.events(), ["1", "2", "3", "4", "5"]);
    far.session.handle(far.now, Input::LinkDown { reason: "test".into() });
    far.handle(Input::LinkUp { identity: "same".into() });
    far.page(&[(6, "6\n"), (7, "7\n"), (8, "8\n"), (9, "9\n")], 10);
    assert_eq!(far.events(), ["6", "7", "8", "9"]);
}

#[test]
fn without_replay_a_full_reorder_buffer_is_an_end_that_names_the_limit() {
    let limits = Limits { reorder_events: 4, ..Limits::default() };
    let mut far = Far::with(Capabilities::local(), limits);
    for seq in 2..=6 {
        far.out(seq, "x\n");
    }
    let Cause::Overflow { limit, .. } = far.end().cause else { panic!() };
    assert_eq!(limit, "reorder_bytes");
}

/// <https://github.com/openai/codex/issues/31576>
#[test]
fn two_different_closes_are_a_conflict_not_a_hang() {
    let mut far = Far::new();
    far.closed(5);
    far.closed(5);
    assert!(far.events().is_empty());
    far.closed(6);
    let conflict = Violation::ConflictingClose { first: 5, second: 6 };
    assert_eq!(far.end().cause, Cause::Violation(conflict));
}

#[test]
fn events_above_the_close_are_a_conflict_in_either_order() {
    let conflict = Cause::Violation(Violation::EventAfterClose { closed: 3, event: 4 });
    let mut far = Far::new();
    far.closed(3);
    far.out(4, "x\n");
    assert_eq!(far.end().cause, conflict);
    let mut far = Far::new();
    far.out(4, "x\n");
    far.closed(3);
    assert_eq!(far.end().cause, conflict);
}

#[test]
fn two_different_exits_are_a_conflict() {
    let mut far = Far::new();
    far.exited(5, 0);
    far.exited(6, 0);
    let conflict = Violation::ConflictingExit { first: 5, second: 6 };
    assert_eq!(far.end().cause, Cause::Violation(conflict));
}

#[test]
fn an_exit_that_comes_again_is_a_duplicate() {
    let mut far = Far::new();
    far.exited(1, 0);
    far.exited(1, 0);
    far.exited(1, 0);
    assert_eq!(far.events(), ["exit code 0"]);
    assert_eq!(far.session.stats().duplicates, 2);
}

#[test]
fn a_close_in_the_place_of_what_was_taken_is_a_conflict() {
    for closed in [1, 2] {
        let mut far = Far::new();
        far.out(1, "x\n");
        far.out(2, "x\n");
        far.closed(closed);
        let conflict = Violation::EventAfterClose { closed, event: 2 };
        assert_eq!(far.end().cause, Cause::Violation(conflict));
    }
}

/// What came in order before the fault is delivered, what came with it or after it is not.
/// <https://github.com/openai/codex/issues/31805>
#[test]
fn no_message_is_delivered_after_a_fatal_cause() {
    let mut far = Far::new();
    far.out(1, "before\n");
    far.out(3, "held\n");
    far.handle(Input::Failed { message: "gone".into() });
    far.out(2, "after\n");
    assert_eq!(far.events(), ["before", "end: the executor gave the process up: gone"]);
    far.out(4, "late\n");
    assert!(far.events().is_empty());
}

#[test]
fn what_waits_keeps_no_larger_buffer_alive() {
    let buffer = Bytes::from(vec![b'x'; 1 << 20]);
    let data = buffer.slice(..10);
    let mut far = Far::new();
    far.handle(Input::Output(Chunk { seq: 2, stream: Stream::Stdout, data }));
    assert!(buffer.is_unique(), "ten bytes are charged, so ten bytes are kept");
}

#[test]
fn what_waits_is_charged_with_its_bytes_and_itself() {
    let own = size_of::<Payload>();
    let mut far = Far::new();
    far.out(2, &"x".repeat(100));
    assert_eq!(far.session.sequencer.held_bytes(), 100 + own);
    far.exited(4, 0);
    assert_eq!(far.session.sequencer.held_bytes(), 100 + 2 * own);
}

#[test]
fn a_jump_to_the_end_of_the_numbers_costs_nothing() {
    let mut far = Far::new();
    far.out(u64::MAX, "x\n");
    far.out(u64::MAX - 1, "x\n");
    assert!(far.events().is_empty());
    assert!(far.session.sequencer.held_bytes() < 500);
}

#[test]
fn back_pressure_pauses_and_resumes() {
    let limits = Limits { inbox_bytes: 1000, ..Limits::default() };
    let mut far = Far::with(Capabilities::local(), limits);
    assert!(far.session.wants_input());
    far.out(1, &"x".repeat(1000));
    assert!(!far.session.wants_input());
    assert!(far.events().is_empty());
    assert!(far.session.wants_input());
}

#[test]
fn an_executor_that_does_not_pause_is_asked_again() {
    let limits = Limits { inbox_bytes: 1000, ..Limits::default() };
    let mut far = Far::with(FAR, limits);
    let line = "x".repeat(499) + "\n";
    for seq in 1..=10 {
        far.out(seq, &line);
    }
    assert!(far.session.stats().shed > 0);
    assert_eq!(far.replay(), None, "not before there is room");
    let read = far.events().len();
    assert!(read < 10);
    let (_, after) = far.replay().unwrap();
    assert_eq!(usize::try_from(after).unwrap(), read);
}

proptest! {
    /// Any order with any repetition of the true events, cut anywhere, delivers the true lines.
    #[test]
    fn any_schedule_delivers_the_true_lines(
        cuts in prop::collection::vec(1usize..40, 1..60),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..200),
    ) {
        let text: String = (0..60).flat_map(|line| ["line ".into(), line.to_string(), "\n".into()]).collect();
        let mut rest = text.as_str();
        let mut pieces = Vec::new();
        for cut in cuts {
            let (piece, tail) = rest.split_at(cut.min(rest.len()));
            pieces.push(piece);
            rest = tail;
        }
        pieces.push(rest);
        let mut far = Far::new();
        for index in order {
            let at = index.index(pieces.len());
            far.handle(Input::Output(chunk(at as u64 + 1, pieces[at])));
        }
        let mut events = far.events();
        for (at, piece) in pieces.iter().enumerate() {
            far.handle(Input::Output(chunk(at as u64 + 1, piece)));
            events.extend(far.events());
        }
        prop_assert_eq!(events, text.lines().collect::<Vec<_>>());
        prop_assert_eq!(far.session.sequencer.held_bytes(), 0);
    }
}
