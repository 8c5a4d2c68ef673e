//! Exit, close, link and end.

use core::time::Duration;

use super::harness::{FAR, Far, millis};
use crate::{
    Action, Capabilities, Cause, Exit, Input, Limits, TimeoutReason, Timestamp, WriteOutcome,
};

/// Lets every timer fire, one after the other, and collects the actions. Ends by itself, or the
/// session has a busy loop.
fn run_timers(far: &mut Far) -> alloc::vec::Vec<Action> {
    let mut actions = alloc::vec::Vec::new();
    let mut last = None;
    loop {
        while let Some(action) = far.session.poll_action() {
            actions.push(action);
        }
        let Some(timeout) = far.session.poll_timeout() else { return actions };
        assert!(last < Some(timeout.at), "{timeout:?} was handled before");
        last = Some(timeout.at);
        far.now = timeout.at;
        far.handle(Input::Tick);
    }
}

/// <https://github.com/openai/codex/issues/18977>
#[test]
fn answer_then_exit_is_delivered_and_then_a_typed_end() {
    let mut far = Far::local();
    far.out(1, "answer\n");
    far.exited(2, 0);
    far.closed(3);
    assert_eq!(far.events(), ["answer", "exit code 0", "end: the process ended"]);
    assert!(far.session.is_ended());
    assert!(far.events().is_empty());
}

/// <https://github.com/supercorp-ai/supergateway/issues/139>
#[test]
fn death_before_the_first_message_tells_exit_code_and_stderr() {
    let mut far = Far::local();
    far.err(1, "Error: no API key\n\n");
    far.exited(2, 3);
    far.closed(3);
    let end = far.end();
    assert_eq!(end.exit, Some(Exit::Code(3)));
    assert!(!end.retryable, "it would only die again");
    assert_eq!(
        alloc::format!("{end}"),
        "the process ended with exit code 3; its last words on stderr: \"Error: no API key\""
    );
}

/// <https://github.com/odysseus-dev/odysseus/issues/6300>
#[test]
fn an_empty_stderr_says_so() {
    let mut far = Far::local();
    far.exited(1, 1);
    far.closed(2);
    let text = alloc::format!("{}", far.end());
    assert_eq!(text, "the process ended with exit code 1; it wrote nothing to stderr");
}

/// <https://github.com/cloudflare/sandbox-sdk/issues/873>
#[test]
fn a_stream_without_a_close_is_incomplete() {
    let mut far = Far::local();
    far.out(1, "one\n");
    far.handle(Input::Ended);
    assert_eq!(far.events()[0], "one");
    assert_eq!(far.session.exit(), None);
    let mut far = Far::local();
    far.handle(Input::Ended);
    let end = far.end();
    assert_eq!(end.cause, Cause::Incomplete);
    assert!(end.retryable);
}

#[test]
fn a_descendant_that_holds_the_output_ends_the_session_in_time() {
    let mut far = Far::local();
    far.exited(1, 0);
    let timeout = far.session.poll_timeout().unwrap();
    assert_eq!(
        (timeout.at, timeout.reason),
        (far.now + millis(2000), TimeoutReason::CloseAfterExit)
    );
    far.wait(millis(1999));
    far.out(2, "still here\n");
    far.wait(millis(1999));
    assert_eq!(far.events(), ["exit code 0", "still here"]);
    far.wait(millis(1));
    let Cause::OutputHeldOpen { limit, .. } = far.end().cause else { panic!() };
    assert_eq!(limit, "exit_idle");
    assert_eq!(far.session.poll_action(), Some(Action::Terminate), "the descendant, too");
    assert_eq!(far.session.poll_action(), None);
}

#[test]
fn a_descendant_that_keeps_talking_ends_the_session_in_time() {
    let mut far = Far::local();
    far.exited(1, 0);
    for seq in 2..62 {
        far.wait(Duration::from_secs(1));
        far.out(seq, "x\n");
    }
    let Cause::OutputHeldOpen { limit, .. } = far.end().cause else { panic!() };
    assert_eq!(limit, "exit_linger");
}

#[test]
fn a_reader_that_pauses_is_not_taken_for_a_descendant() {
    let limits = Limits { inbox_bytes: 100, ..Limits::default() };
    let mut far = Far::with(Capabilities::local(), limits);
    far.exited(1, 0);
    far.out(2, &("x".repeat(200) + "\n"));
    far.wait(Duration::from_secs(600));
    assert_eq!(far.session.poll_timeout(), None, "nothing is read, so nothing can come");
    assert_eq!(far.events().len(), 2);
    far.wait(millis(1));
    far.wait(millis(1000));
    far.out(3, "rest\n");
    far.closed(4);
    assert_eq!(far.events(), ["rest", "end: the process ended"]);
}

#[test]
fn output_that_cannot_come_or_is_late_is_not_taken_for_held_open() {
    let nothing = Capabilities { replay: false, ..FAR };
    let mut far = Far::with(nothing.clone(), Limits::default());
    far.exited(1, 0);
    far.handle(Input::LinkDown { reason: "cut".into() });
    far.wait(Duration::from_secs(20));
    assert_eq!(far.events(), ["exit code 0"]);
    let mut far = Far::with(nothing, Limits::default());
    far.exited(1, 0);
    far.out(3, "three\n");
    far.wait(Duration::from_secs(4));
    assert_eq!(far.events(), ["exit code 0"]);
    far.out(2, "two\n");
    assert_eq!(far.events(), ["two", "three"]);
}

#[test]
fn output_that_is_being_fetched_is_not_taken_for_held_open() {
    let mut far = Far::new();
    far.handle(Input::LinkUp { identity: "one".into() });
    far.exited(1, 0);
    far.handle(Input::LinkUp { identity: "one".into() });
    assert!(far.replay().is_some());
    far.wait(Duration::from_secs(9));
    assert_eq!(far.events(), ["exit code 0"]);
}

/// <https://github.com/modelcontextprotocol/python-sdk/issues/555>
#[test]
fn close_goes_through_its_steps_and_ends() {
    let mut far = Far::local();
    far.session.close(far.now);
    let actions = run_timers(&mut far);
    assert_eq!(
        actions,
        [Action::CloseStdin, Action::Interrupt, Action::Terminate, Action::Terminate]
    );
    assert_eq!(far.now, Timestamp::ORIGIN + Duration::from_secs(7));
    let Cause::CloseTimedOut { waited } = far.end().cause else { panic!() };
    assert_eq!(waited, Duration::from_secs(7));
}

#[test]
fn close_leaves_out_what_the_executor_cannot_do() {
    let mut far = Far::with(Capabilities { interrupt: false, ..FAR }, Limits::default());
    far.session.close(far.now);
    assert_eq!(far.session.poll_action(), Some(Action::Terminate), "no stdin to close, no wait");
    far.exited(1, 137);
    far.closed(2);
    assert_eq!(far.end().cause, Cause::Requested);
}

#[test]
fn close_writes_what_was_sent_before_it() {
    let mut far = Far::new();
    far.session.send("bye".into()).unwrap();
    far.session.close(far.now);
    let Some(Action::Write { id, .. }) = far.session.poll_action() else { panic!() };
    assert_eq!(far.session.poll_action(), None);
    far.handle(Input::Written { id, outcome: WriteOutcome::Accepted });
    assert_eq!(far.session.poll_action(), Some(Action::Interrupt));
}

/// <https://github.com/librefang/librefang/issues/4052>
#[test]
fn close_twice_is_close_once() {
    let mut far = Far::local();
    far.session.close(far.now);
    assert_eq!(far.session.poll_action(), Some(Action::CloseStdin));
    far.wait(millis(1000));
    far.session.close(far.now);
    assert_eq!(far.session.poll_action(), None);
    let timeout = far.session.poll_timeout().unwrap();
    assert_eq!(timeout.at, Timestamp::ORIGIN + Duration::from_secs(2), "the first plan holds");
}

/// <https://github.com/mcpjungle/MCPJungle/issues/207>
#[test]
fn output_during_the_close_is_delivered() {
    let mut far = Far::local();
    far.session.close(far.now);
    far.out(1, "late answer\n");
    far.exited(2, 0);
    far.closed(3);
    assert_eq!(far.events(), ["late answer", "exit code 0", "end: the process ended as requested"]);
}

/// <https://github.com/huiliyi37/Tianshu-harness/issues/148>
#[test]
fn local_close_does_not_wait_for_a_reconnect() {
    let mut far = Far::new();
    far.handle(Input::LinkDown { reason: "cut".into() });
    far.session.close(far.now);
    assert!(matches!(far.end().cause, Cause::SessionLost { .. }));
    let mut far = Far::new();
    far.session.close(far.now);
    far.handle(Input::LinkDown { reason: "cut".into() });
    assert!(matches!(far.end().cause, Cause::SessionLost { .. }));
}

#[test]
fn a_link_that_stays_down_ends_the_session_at_its_deadline() {
    let mut far = Far::new();
    far.out(1, "one\n");
    far.handle(Input::LinkDown { reason: "cut".into() });
    far.wait(Duration::from_secs(24));
    assert_eq!(far.events(), ["one"]);
    far.wait(Duration::from_secs(1));
    let end = far.end();
    assert!(end.retryable);
    let Cause::SessionLost { reason } = end.cause else { panic!("{end}") };
    assert_eq!(reason, "the link stayed down for 25s (`link_down`): cut");
}

/// <https://github.com/openai/codex/issues/16344>
#[test]
fn another_executor_in_its_place_is_a_lost_session() {
    let mut far = Far::new();
    far.handle(Input::LinkUp { identity: "epoch 1".into() });
    far.handle(Input::LinkDown { reason: "cut".into() });
    far.handle(Input::LinkUp { identity: "epoch 2".into() });
    assert!(matches!(far.end().cause, Cause::SessionLost { .. }));
}

#[test]
fn terminate_skips_the_questions_even_during_a_close() {
    let mut far = Far::local();
    far.session.close(far.now);
    assert_eq!(far.session.poll_action(), Some(Action::CloseStdin));
    far.session.terminate(far.now);
    far.session.terminate(far.now);
    assert_eq!(run_timers(&mut far), [Action::Terminate, Action::Terminate]);
    assert_eq!(far.now, Timestamp::ORIGIN + Duration::from_secs(3));
}

#[test]
fn terminate_twice_is_terminate_once() {
    let mut far = Far::new();
    far.session.terminate(far.now);
    assert_eq!(far.session.poll_action(), Some(Action::Terminate));
    far.wait(millis(1000));
    far.session.terminate(far.now);
    assert_eq!(far.session.poll_action(), None);
    let timeout = far.session.poll_timeout().unwrap();
    assert_eq!(timeout.at, Timestamp::ORIGIN + Duration::from_secs(3), "the first one holds");
}

#[test]
fn how_far_it_has_come_can_be_asked() {
    let look = |far: &Far| {
        let session = &far.session;
        (session.is_ending(), session.is_over(), session.is_ended())
    };
    let mut far = Far::local();
    assert_eq!(look(&far), (false, false, false));
    far.handle(Input::Failed { message: "gone".into() });
    assert_eq!(look(&far), (true, false, false), "the process may live");
    assert_eq!(far.session.poll_action(), Some(Action::Terminate));
    assert_eq!(look(&far), (true, true, false));
    far.end();
    assert_eq!(look(&far), (true, true, true));
    let mut far = Far::local();
    far.closed(1);
    assert_eq!(look(&far), (true, true, false));
}

#[test]
fn the_end_is_known_before_it_is_read() {
    let mut far = Far::local();
    far.out(1, "unread\n");
    far.err(2, "last words");
    assert_eq!(far.session.end(), None);
    far.closed(3);
    let known = far.session.end().unwrap();
    assert_eq!(&known.stderr_tail[..], b"last words");
    assert_eq!(far.end(), known);
}

#[test]
fn every_end_has_a_text() {
    for input in [
        Input::Failed { message: "f".into() },
        Input::SessionLost { reason: "r".into() },
        Input::Ended,
        Input::Closed { seq: 1 },
    ] {
        let mut far = Far::local();
        far.handle(input);
        assert!(!alloc::format!("{}", far.end()).is_empty());
    }
}

#[test]
fn time_that_goes_backwards_is_harmless() {
    let mut far = Far::new();
    far.wait(Duration::from_secs(10));
    far.now = Timestamp::ORIGIN;
    far.handle(Input::LinkDown { reason: "cut".into() });
    far.wait(Duration::from_secs(25));
    assert!(far.events().is_empty(), "the link went down at 10 s");
}

/// With what it has on the heap before the first input: its limits and its counters.
#[test]
fn an_idle_session_is_small() {
    use crate::{JsonRpc, Session, Stats};
    let size = size_of::<Session<JsonRpc>>() + size_of::<Limits>() + size_of::<Stats>();
    assert!(size < 2048, "{size} bytes");
}
