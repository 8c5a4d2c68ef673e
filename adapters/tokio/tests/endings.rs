//! Every way in which a process can end, or is made to.
#![cfg(unix)]

mod support;

use std::time::Duration;

use farpipe_core::{Cause, Exit, Limits};
use farpipe_tests::{
    life::Life,
    session::{Lines, rest, sh, within},
};
use farpipe_tokio::spawn_with;

use support::spawn;

/// <https://github.com/librefang/librefang/issues/4052>
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn close_during_a_receive_twice_and_from_two_tasks() {
    let handle = spawn("cat");
    let receiver = tokio::spawn({
        let handle = handle.clone();
        async move { while handle.next_event().await.is_some() {} }
    });
    let closer = tokio::spawn(handle.close());
    let end = within(handle.close()).await;
    assert_eq!(within(closer).await.unwrap(), end);
    within(receiver).await.unwrap();
    assert_eq!(within(handle.close()).await, end);
    assert_eq!(handle.monitor().end(), Some(end));
}

#[tokio::test]
async fn a_descendant_that_holds_the_output_does_not_hold_up_the_end() {
    let life = Life::new();
    let limits = Limits { exit_idle: Duration::from_millis(50), ..Limits::default() };
    let handle = spawn_with(Lines, limits, sh(life.script("sleep 600 & exit 3"))).unwrap();
    let (_, end) = rest(&handle).await;
    assert!(matches!(end.cause, Cause::OutputHeldOpen { limit: "exit_idle", .. }));
    assert_eq!(end.exit, Some(Exit::Code(3)));
    life.assert_begun();
    life.assert_over();
}
