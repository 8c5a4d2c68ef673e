//! Gaps, replays and losses.

use core::time::Duration;

use super::harness::{FAR, Far, chunk, millis};
use crate::{Action, Capabilities, Cause, Exit, Input, Limits, Page, TimeoutReason, Violation};

/// An executor whose feed may drop events.
const LOSSY: Capabilities = Capabilities { lossless: false, ..FAR };

fn linked(far: &mut Far) {
    far.handle(Input::LinkUp { identity: "one".into() });
}

/// The link goes and comes back to the same executor.
fn relink(far: &mut Far) {
    far.handle(Input::LinkDown { reason: "test".into() });
    linked(far);
}

/// <https://github.com/openai/codex/issues/18088>
#[test]
fn lagged_does_not_close_and_the_missing_range_is_fetched() {
    let mut far = Far::with(LOSSY, Limits::default());
    far.out(1, "one\n");
    far.handle(Input::Lagged { skipped: 2 });
    far.out(4, "four\n");
    far.page(&[(2, "two\n"), (3, "three\n"), (4, "four\n")], 5);
    assert_eq!(far.events(), ["one", "two", "three", "four"]);
    far.page(&[], 5);
    far.out(5, "five\n");
    assert_eq!(far.events(), ["five"]);
    assert_eq!(far.session.stats().lost, 0);
    assert_eq!(far.replay(), None);
}

/// <https://github.com/openai/codex/issues/18020>
/// <https://github.com/openai/codex/issues/37207>
#[test]
fn output_and_exit_from_before_the_subscription_are_delivered() {
    let mut far = Far::with(Capabilities { from_start: false, ..FAR }, Limits::default());
    far.page(&[(1, "early\n")], 2);
    let page = far.empty_page(4);
    far.answer(Page { exit: Some(Exit::Code(2)), closed: true, ..page });
    assert_eq!(far.events(), ["early", "exit code 2", "end: the process ended"]);
}

#[test]
fn a_gap_is_given_time_before_it_is_asked_for() {
    let mut far = Far::with(LOSSY, Limits::default());
    far.out(2, "two\n");
    assert_eq!(far.replay(), None);
    assert_eq!(far.session.poll_timeout().unwrap().reason, TimeoutReason::Gap);
    far.wait(millis(100));
    assert!(far.replay().is_some());
}

#[test]
fn a_gap_that_closes_by_itself_is_not_asked_for() {
    let mut far = Far::with(LOSSY, Limits::default());
    far.out(2, "two\n");
    far.wait(millis(99));
    far.out(1, "one\n");
    assert_eq!(far.session.poll_timeout(), None);
    far.wait(millis(500));
    assert_eq!(far.replay(), None);
}

/// <https://github.com/openai/codex/issues/28288>
#[test]
fn lost_output_is_reported_and_nothing_is_joined_across_it() {
    let mut far = Far::new();
    far.out(1, "whole\n{\"half\":");
    relink(&mut far);
    far.page(&[(4, "tail of another\n{\"ok\":1}\n")], 5);
    assert_eq!(far.events(), ["whole", "lost 2-3", "{\"ok\":1}"]);
    assert_eq!(far.session.stats().lost, 2);
    far.page(&[], 5);
    assert!(far.events().is_empty(), "told once");
}

/// <https://github.com/boxlite-ai/boxlite/issues/1022>
#[test]
fn eviction_without_a_word_from_the_server_is_reported() {
    let mut far = Far::with(Capabilities { from_start: false, ..FAR }, Limits::default());
    far.page(&[(501, "x\n"), (502, "later\n")], 503);
    far.page(&[], 503);
    assert_eq!(far.events(), ["lost 1-500", "later"]);
}

#[test]
fn everything_evicted_shows_only_in_the_next_number() {
    let mut far = Far::new();
    relink(&mut far);
    far.page(&[], 40);
    assert_eq!(far.events(), ["lost 1-39"]);
    far.out(40, "rest of a line\nnew\n");
    assert_eq!(far.events(), ["new"]);
}

/// <https://github.com/openai/codex/issues/31576>
#[test]
fn missing_exit_is_rebuilt_from_the_answer() {
    let mut far = Far::new();
    far.out(1, "one\n");
    relink(&mut far);
    let page = far.empty_page(4);
    let chunks = [chunk(3, "three\n")].to_vec();
    far.answer(Page { chunks, exit: Some(Exit::Code(7)), closed: true, ..page });
    assert_eq!(far.events(), ["one"], "the exit may be the missing number");
    let page = far.empty_page(5);
    far.answer(Page { exit: Some(Exit::Code(7)), closed: true, ..page });
    assert_eq!(far.events(), ["exit code 7", "three", "end: the process ended"]);
    assert_eq!(far.session.stats().lost, 0);
}

/// <https://github.com/openai/codex/issues/31576>
#[test]
fn missing_exit_and_close_are_no_gap() {
    let mut far = Far::new();
    far.out(1, "one\n");
    relink(&mut far);
    let page = far.empty_page(4);
    far.answer(Page { exit: Some(Exit::Code(0)), closed: true, ..page });
    assert_eq!(far.events(), ["one", "exit code 0", "end: the process ended"]);
    assert_eq!(far.session.stats().lost, 0);
}

#[test]
fn a_loss_beside_the_exit_counts_every_number_that_may_be_output() {
    let mut far = Far::new();
    relink(&mut far);
    let page = far.empty_page(10);
    far.answer(Page { exit: Some(Exit::Code(1)), closed: true, ..page });
    assert_eq!(far.events(), ["lost 1-8", "end: the process ended"]);
    assert_eq!(far.session.exit(), Some(Exit::Code(1)));
}

#[test]
fn a_parked_exit_is_not_taken_for_the_missing_number() {
    let mut far = Far::new();
    relink(&mut far);
    far.exited(2, 0);
    let page = far.empty_page(3);
    far.answer(Page { exit: Some(Exit::Code(0)), ..page });
    assert_eq!(far.events(), ["lost 1-1", "exit code 0"]);
}

/// <https://github.com/openai/codex/issues/18020>
/// Before the exit is known, what is lost is output.
#[test]
fn a_loss_before_the_exit_leaves_the_exit_its_place() {
    let mut far = Far::new();
    relink(&mut far);
    far.page(&[], 3);
    assert_eq!(far.events(), ["lost 1-2"]);
    relink(&mut far);
    let page = far.empty_page(4);
    far.answer(Page { exit: Some(Exit::Code(0)), ..page });
    assert_eq!(far.events(), ["exit code 0"]);
}

#[test]
fn an_unnumbered_failure_closes_without_inventing_a_gap() {
    let mut far = Far::new();
    far.out(1, "one\n");
    relink(&mut far);
    let page = far.empty_page(1);
    far.answer(Page { failure: Some("sandbox died".into()), closed: true, ..page });
    let expected = ["one", "end: the executor gave the process up: sandbox died"];
    assert_eq!(far.events(), expected);
    assert_eq!(far.session.stats().lost, 0);
}

/// <https://github.com/openai/codex/issues/31576>
#[test]
fn duplicate_chunk_in_the_answer_is_ignored_and_later_ones_are_used() {
    let mut far = Far::new();
    far.out(1, "one\n");
    relink(&mut far);
    far.out(3, "three\n");
    far.page(&[(1, "one\n"), (2, "two\n"), (3, "three\n"), (4, "four\n")], 5);
    assert_eq!(far.events(), ["one", "two", "three", "four"]);
}

/// Measured on codex 0.169.0: a page that was cut by `maxBytes` says where to go on, not where the
/// stream ends.
#[test]
fn pages_continue_until_one_is_empty() {
    let mut far = Far::new();
    relink(&mut far);
    far.page(&[(1, "one\n"), (2, "two\n")], 3);
    let (request, after) = far.replay().unwrap();
    assert_eq!(after, 2);
    let chunks = [chunk(3, "three\n")].to_vec();
    far.answer(Page { request, chunks, next: 4, exit: None, closed: false, failure: None });
    far.page(&[], 4);
    assert_eq!(far.events(), ["one", "two", "three"]);
    assert_eq!(far.replay(), None);
}

/// A server may begin with the event that it was asked to begin behind.
#[test]
fn a_page_that_only_repeats_the_last_event_is_the_last_page() {
    let mut far = Far::new();
    far.out(1, "one\n");
    relink(&mut far);
    far.page(&[(1, "one\n")], 2);
    assert_eq!(far.replay(), None);
    assert_eq!(far.events(), ["one"]);
}

#[test]
fn a_cut_page_that_says_closed_is_not_the_end() {
    let mut far = Far::new();
    relink(&mut far);
    let page = far.empty_page(2);
    let exit = Some(Exit::Code(0));
    far.answer(Page { chunks: [chunk(1, "one\n")].to_vec(), closed: true, exit, ..page });
    assert_eq!(far.events(), ["one"]);
    far.page(&[(2, "two\n")], 3);
    let page = far.empty_page(5);
    far.answer(Page { closed: true, exit, ..page });
    assert_eq!(far.events(), ["two", "exit code 0", "end: the process ended"]);
}

/// <https://github.com/openai/codex/issues/28512>
#[test]
fn link_lost_during_replay_restarts_it_from_the_same_cursor() {
    let mut far = Far::new();
    far.out(1, "one\n");
    relink(&mut far);
    let (old, after) = far.replay().unwrap();
    assert_eq!(after, 1);
    relink(&mut far);
    let (new, after) = far.replay().unwrap();
    assert_eq!(after, 1);
    assert_ne!(old, new);
    let stale = Page {
        request: old,
        chunks: [].to_vec(),
        next: 9,
        exit: None,
        closed: false,
        failure: None,
    };
    far.answer(stale);
    assert_eq!(far.events(), ["one"], "the older answer is ignored");
    assert_eq!(far.session.stats().stale_answers, 1);
}

/// <https://github.com/e2b-dev/E2B/issues/1352>
#[test]
fn large_and_small_responses_arrive_after_reattach() {
    let mut far = Far::new();
    let large = "x".repeat(8192);
    far.out(1, &large);
    relink(&mut far);
    far.out(3, "small\n");
    far.page(&[(2, "\n"), (3, "small\n")], 4);
    assert_eq!(far.events(), [large.as_str(), "small"]);
}

/// The cursor that is asked from only covers what was taken in order.
/// <https://github.com/cloudflare/agents/issues/1607>
#[test]
fn last_response_stays_replayable_until_taken() {
    let mut far = Far::new();
    far.out(1, "one\n");
    far.out(3, "held back\n");
    relink(&mut far);
    assert_eq!(far.replay().unwrap().1, 1);
}

#[test]
fn failed_replays_are_retried_and_then_end_the_session() {
    let limits = Limits { replay_retries: 1, ..Limits::default() };
    let mut far = Far::with(FAR, limits);
    relink(&mut far);
    let (request, _) = far.replay().unwrap();
    let failed = |request| Input::ReplayFailed { request, message: "busy".into(), retryable: true };
    far.handle(failed(request));
    assert_eq!(far.replay(), None, "after a pause");
    far.wait(millis(100));
    let (request, _) = far.replay().unwrap();
    far.handle(failed(request));
    let end = far.end();
    assert_eq!(end.cause, Cause::ReplayFailed { attempts: 2, message: "busy".into() });
    assert!(end.retryable);
}

#[test]
fn an_unanswered_replay_is_asked_again() {
    let mut far = Far::new();
    relink(&mut far);
    let (old, _) = far.replay().unwrap();
    far.wait(Duration::from_secs(10));
    far.wait(millis(100));
    let (new, after) = far.replay().unwrap();
    assert_eq!(after, 0);
    assert_ne!(old, new);
}

#[test]
fn only_failures_in_a_row_count() {
    let limits = Limits { replay_retries: 1, ..Limits::default() };
    let mut far = Far::with(FAR, limits);
    for round in 0..5 {
        relink(&mut far);
        let (request, _) = far.replay().unwrap();
        far.handle(Input::ReplayFailed { request, message: "busy".into(), retryable: true });
        far.wait(millis(100));
        far.page(&[], 1);
        assert!(far.events().is_empty(), "round {round}");
    }
}

#[test]
fn a_link_that_was_never_down_and_is_up_again_is_checked() {
    let mut far = Far::new();
    linked(&mut far);
    assert_eq!(far.replay(), None);
    linked(&mut far);
    assert!(far.replay().is_some());
}

#[test]
fn a_gap_that_cannot_be_asked_for_yet_is_no_busy_loop() {
    let limits = Limits { inbox_bytes: 100, ..Limits::default() };
    let mut far = Far::with(LOSSY, limits);
    far.out(1, &"x".repeat(200));
    far.out(3, "three\n");
    far.wait(millis(100));
    assert_eq!(far.replay(), None, "there is no room for the answer");
    assert_eq!(far.session.poll_timeout(), None);
    assert!(far.events().is_empty());
    assert!(far.replay().is_some());
}

#[test]
fn both_streams_are_broken_by_a_hole() {
    let mut far = Far::new();
    far.err(1, "half a war");
    relink(&mut far);
    far.page(&[(3, "x\n")], 4);
    assert_eq!(far.events(), ["stderr half a war…", "lost 2-2"]);
}

#[test]
fn pages_that_contradict_the_past_end_the_session() {
    let mut far = Far::new();
    far.out(1, "one\n");
    far.out(2, "two\n");
    relink(&mut far);
    far.page(&[], 2);
    let contradiction = Violation::PageBehind { after: 2, next: 2 };
    assert_eq!(far.end().cause, Cause::Violation(contradiction));

    let mut far = Far::new();
    relink(&mut far);
    far.page(&[(5, "x\n")], 4);
    let contradiction = Violation::PageBeyondNext { chunk: 5, next: 4 };
    assert_eq!(far.end().cause, Cause::Violation(contradiction));
}

#[test]
fn without_replay_a_late_event_is_a_loss() {
    let nothing = Capabilities { lossless: false, replay: false, ..FAR };
    let mut far = Far::with(nothing, Limits::default());
    far.out(1, "one\nhal");
    far.out(4, "f\nfour\n");
    assert_eq!(far.events(), ["one"]);
    far.wait(millis(100));
    assert_eq!(far.events(), ["lost 2-3", "four"]);
    assert_eq!(far.session.poll_action(), None);
    assert_eq!(far.session.poll_timeout(), None);
}

/// What the executor has dropped is missed at once; what is late afterwards has its time again.
#[test]
fn without_replay_a_lag_ends_the_grace_of_one_gap_only() {
    let nothing = Capabilities { lossless: false, replay: false, ..FAR };
    let mut far = Far::with(nothing, Limits::default());
    far.handle(Input::Lagged { skipped: 1 });
    far.out(2, "x\ntwo\n");
    assert_eq!(far.events(), ["lost 1-1", "two"]);
    far.out(4, "four\n");
    far.wait(millis(99));
    assert!(far.events().is_empty());
    far.out(3, "three\n");
    assert_eq!(far.events(), ["three", "four"]);
}

#[test]
fn shed_output_is_not_taken_for_lost() {
    let limits = Limits { reorder_events: 2, ..Limits::default() };
    let mut far = Far::with(FAR, limits);
    relink(&mut far);
    // The hole at 1 is real; of 2 to 5, two have to be dropped again.
    far.page(&[(2, "2\n"), (3, "3\n"), (4, "4\n"), (5, "5\n")], 6);
    let mut events = far.events();
    for _ in 0..10 {
        let Some(Action::Replay { request, after, .. }) = far.session.poll_action() else { break };
        let chunks =
            (2..6).filter(|seq| *seq > after).map(|seq| chunk(seq, &alloc::format!("{seq}\n")));
        let page = Page {
            request,
            chunks: chunks.collect(),
            next: 6,
            exit: None,
            closed: false,
            failure: None,
        };
        far.answer(page);
        events.extend(far.events());
    }
    // The rest of the line that was cut by the hole goes with it.
    assert_eq!(events, ["lost 1-1", "3", "4", "5"]);
    assert_eq!(far.session.stats().lost, 1);
}
