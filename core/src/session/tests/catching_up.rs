//! Replays beside live events: when the pages have come far enough, and where an exit may lie.

use alloc::vec;

use super::harness::{FAR, Far, chunk};
use crate::{Checkpoint, Exit, Input, Limits, Page, Seq, Session};

fn relink(far: &mut Far) {
    far.handle(Input::LinkDown { reason: "test".into() });
    far.handle(Input::LinkUp { identity: "one".into() });
}

/// Answers the newest replay with output, and with an exit without a number.
fn page_with_exit(far: &mut Far, chunks: &[(Seq, &str)], next: Seq) {
    let page = far.empty_page(next);
    let chunks = chunks.iter().map(|(seq, text)| chunk(*seq, text)).collect();
    far.answer(Page { chunks, exit: Some(Exit::Code(3)), ..page });
}

/// What came before the loss of the link does not show that nothing was missed during it.
#[test]
fn pages_that_only_meet_output_from_before_a_link_loss_go_on() {
    let mut far = Far::new();
    far.handle(Input::LinkUp { identity: "one".into() });
    far.out(2, "two\n");
    relink(&mut far);
    far.page(&[(1, "one\n")], 2);
    assert_eq!(far.replay().map(|(_, after)| after), Some(2));
}

/// Neither does what arrives before the link is back.
#[test]
fn output_that_comes_while_the_link_is_down_is_not_live() {
    let mut far = Far::new();
    far.handle(Input::LinkDown { reason: "test".into() });
    far.out(1, "one\n");
    far.handle(Input::LinkUp { identity: "one".into() });
    far.page(&[(2, "two\n")], 3);
    assert_eq!(far.replay().map(|(_, after)| after), Some(2));
}

#[test]
fn pages_that_meet_live_output_are_enough() {
    let mut far = Far::new();
    far.handle(Input::LinkUp { identity: "one".into() });
    relink(&mut far);
    let page = far.empty_page(2);
    far.out(2, "two\n");
    far.answer(Page { chunks: vec![chunk(1, "one\n")], ..page });
    assert_eq!(far.events(), ["one", "two"]);
    assert_eq!(far.replay(), None);
}

#[test]
fn output_that_was_shed_before_the_pages_is_fetched_to_the_end() {
    let mut far = Far::with(FAR, Limits { reorder_events: 1, ..Limits::default() });
    far.out(2, "two\n");
    far.out(3, "three, which is shed\n");
    let page = far.empty_page(2);
    far.out(1, "one\n");
    far.answer(Page { chunks: vec![chunk(1, "one\n")], ..page });
    assert_eq!(far.replay().map(|(_, after)| after), Some(2));
}

/// Once an exit may lie among lost output, a number that is missing later is lost output, too.
#[test]
fn an_exit_that_may_be_lost_is_not_placed_later() {
    let mut far = Far::new();
    far.handle(Input::Lagged { skipped: 2 });
    page_with_exit(&mut far, &[], 3);
    far.handle(Input::Lagged { skipped: 1 });
    page_with_exit(&mut far, &[], 4);
    assert_eq!(far.events(), ["lost 1-2", "lost 3-3"]);
    assert_eq!(far.session.exit(), Some(Exit::Code(3)));
}

#[test]
fn a_restored_session_does_not_place_it_either() {
    let mut far = Far::new();
    far.handle(Input::LinkUp { identity: "one".into() });
    far.handle(Input::Lagged { skipped: 2 });
    page_with_exit(&mut far, &[], 3);
    let json = far.session.checkpoint().to_json();
    let checkpoint = Checkpoint::from_json(json.as_bytes()).unwrap();
    let session = Session::restore(super::harness::Lines, FAR, Limits::default(), checkpoint);
    let mut next = Far { session: session.unwrap(), now: far.now };
    next.handle(Input::LinkUp { identity: "one".into() });
    page_with_exit(&mut next, &[], 4);
    assert_eq!(next.events(), ["lost 1-2", "lost 3-3"]);
}
