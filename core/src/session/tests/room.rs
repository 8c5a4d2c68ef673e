//! Ends for which there was no room.

use super::harness::{FAR, Far};
use crate::{Exit, Input, Limits, Page};

/// A page does not number the exit, so nothing but the session knows its place.
#[test]
fn an_exit_that_was_shed_is_no_loss() {
    let limits = Limits { inbox_bytes: 10, ..Limits::default() };
    let mut far = Far::with(FAR, limits);
    far.out(1, "more than twice ten bytes\n");
    far.exited(2, 0);
    assert_eq!(far.session.stats().shed, 1);
    assert_eq!(far.events(), ["more than twice ten bytes"]);
    for told in ["exit code 0", "end: the process ended"] {
        let page = far.empty_page(4);
        far.answer(Page { exit: Some(Exit::Code(0)), closed: true, ..page });
        assert_eq!(far.events(), [told], "one at a time fits");
    }
    assert_eq!(far.session.stats().lost, 0);
}

#[test]
fn an_exit_that_a_page_tells_is_no_loss_for_want_of_room() {
    let limits = Limits { inbox_bytes: 10, ..Limits::default() };
    let mut far = Far::with(FAR, limits);
    far.handle(Input::Lagged { skipped: 1 });
    let page = Page { exit: Some(Exit::Code(0)), closed: true, ..far.empty_page(4) };
    far.out(1, "more than twice ten bytes\n");
    far.answer(page);
    assert_eq!(far.events(), ["more than twice ten bytes"]);
    let page = far.empty_page(4);
    far.answer(Page { exit: Some(Exit::Code(0)), closed: true, ..page });
    assert_eq!(far.events(), ["exit code 0", "end: the process ended"]);
}
