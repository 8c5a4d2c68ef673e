//! What goes to the process.

use core::time::Duration;

use super::harness::{FAR, Far};
use crate::{Action, Capabilities, Delivery, Input, Limits, Rejected, WriteId, WriteOutcome};

fn next_write(far: &mut Far) -> Option<(WriteId, bytes::Bytes)> {
    match far.session.poll_action()? {
        Action::Write { id, data } => Some((id, data)),
        _ => None,
    }
}

fn accept(far: &mut Far, id: WriteId) {
    far.handle(Input::Written { id, outcome: WriteOutcome::Accepted });
}

/// <https://github.com/langchain4j/langchain4j/issues/2667>
#[test]
fn one_write_is_in_flight_and_order_is_kept() {
    let mut far = Far::new();
    far.session.send("one".into()).unwrap();
    let (first, data) = next_write(&mut far).unwrap();
    assert_eq!(data, "one\n");
    far.session.send("two".into()).unwrap();
    far.session.send("three".into()).unwrap();
    assert_eq!(next_write(&mut far), None);
    accept(&mut far, first);
    assert_eq!(next_write(&mut far).unwrap().1, "two\nthree\n");
    assert_eq!(far.settled(), [(1, Delivery::Accepted)]);
}

/// <https://github.com/openai/codex/issues/23395>
#[test]
fn unanswered_write_is_repeated_with_its_id_after_the_link_is_back() {
    let mut far = Far::new();
    far.session.send("one".into()).unwrap();
    let first = next_write(&mut far).unwrap();
    far.handle(Input::LinkDown { reason: "cut".into() });
    far.session.send("two".into()).unwrap();
    assert_eq!(far.session.poll_action(), None, "nothing is asked of a link that is down");
    far.handle(Input::LinkUp { identity: "same".into() });
    assert_eq!(next_write(&mut far), Some(first.clone()));
    accept(&mut far, first.0);
    accept(&mut far, first.0);
    assert_eq!(far.settled(), [(1, Delivery::Accepted)]);
    assert_eq!(far.session.stats().repeated_writes, 1);
}

/// <https://github.com/optimikelabs/optimike-obsidian-mcp/issues/98>
#[test]
fn a_call_of_unknown_outcome_is_not_repeated_where_nothing_deduplicates() {
    let plain = Capabilities { write_deduplication: false, ..FAR };
    let mut far = Far::with(plain, Limits::default());
    far.session.send("mutate".into()).unwrap();
    assert!(next_write(&mut far).is_some());
    far.handle(Input::LinkDown { reason: "cut".into() });
    far.handle(Input::LinkUp { identity: "same".into() });
    assert_eq!(far.settled(), [(1, Delivery::Unknown)]);
    assert_eq!(next_write(&mut far), None);
}

#[test]
fn a_write_without_an_answer_is_repeated_after_its_time() {
    let mut far = Far::new();
    far.session.send("one".into()).unwrap();
    let first = next_write(&mut far).unwrap();
    let timeout = far.session.poll_timeout().unwrap();
    assert_eq!(timeout.at.since_origin(), Duration::from_secs(10));
    far.wait(Duration::from_secs(10));
    assert_eq!(next_write(&mut far), Some(first));
}

#[test]
fn what_was_never_handed_out_is_rejected_when_the_process_closes() {
    let mut far = Far::new();
    far.session.send("one".into()).unwrap();
    far.closed(1);
    assert_eq!(far.settled(), [(1, Delivery::Rejected(Rejected::SessionEnded))]);
    assert!(far.session.send("two".into()).is_err());
    assert_eq!(far.session.poll_action(), None);
}

#[test]
fn an_unanswered_write_is_unknown_at_the_end() {
    let mut far = Far::new();
    far.session.send("one".into()).unwrap();
    assert!(next_write(&mut far).is_some());
    far.closed(1);
    assert!(far.settled().is_empty(), "the answer may still come");
    far.end();
    assert_eq!(far.settled(), [(1, Delivery::Unknown)]);
}

#[test]
fn a_link_that_goes_after_the_close_leaves_no_send_open() {
    let mut far = Far::new();
    far.session.send("one".into()).unwrap();
    assert!(next_write(&mut far).is_some());
    far.closed(1);
    far.handle(Input::LinkDown { reason: "cut".into() });
    assert_eq!(far.settled(), [(1, Delivery::Unknown)]);
}

#[test]
fn stdin_closes_behind_the_last_message_and_output_goes_on() {
    let mut far = Far::local();
    far.session.send("one".into()).unwrap();
    far.session.close_stdin();
    let (id, _) = next_write(&mut far).unwrap();
    assert_eq!(far.session.poll_action(), None);
    accept(&mut far, id);
    assert_eq!(far.session.poll_action(), Some(Action::CloseStdin));
    far.out(1, "answer\n");
    assert_eq!(far.events(), ["answer"]);
}

/// Nothing answers a close of stdin: one that went out just before the link was lost may be lost.
#[test]
fn a_close_of_stdin_is_repeated_after_a_link_loss() {
    let mut far = Far::with(Capabilities { close_stdin: true, ..FAR }, Limits::default());
    far.handle(Input::LinkUp { identity: "one".into() });
    far.session.close_stdin();
    assert_eq!(far.session.poll_action(), Some(Action::CloseStdin));
    assert_eq!(far.session.poll_action(), None);
    far.handle(Input::LinkDown { reason: "cut".into() });
    far.handle(Input::LinkUp { identity: "one".into() });
    let mut actions = core::iter::from_fn(|| far.session.poll_action());
    assert!(actions.any(|action| action == Action::CloseStdin));
}
