//! A runtime that ends in the middle of a session.

use std::sync::Arc;

use farpipe_core::{Cause, End};
use farpipe_smol::SmolRuntime;
use farpipe_tests::{
    life::Life,
    session::{Lines, patient, rest, sh},
};
use smol::Executor;

use crate::platform::ShutDown;

pub(crate) fn a_runtime_that_is_shut_down_ends_the_process_and_the_session<P: ShutDown>() {
    let life = Life::new();
    let handle = P::outlive(life.script("sleep 600 & echo ready; wait"));
    life.assert_begun();
    life.assert_over();
    assert_lost(&smol::block_on(rest(&handle)).1);
}

pub(crate) fn a_session_on_an_executor_that_is_gone_ends_at_once() {
    let runtime = SmolRuntime::with_executor(&Arc::new(Executor::new()));
    let handle = farpipe_smol::spawn_on(&runtime, Lines, patient(), sh("cat")).unwrap();
    assert_lost(&smol::block_on(rest(&handle)).1);
}

fn assert_lost(end: &End) {
    assert!(matches!(end.cause, Cause::SessionLost { .. }), "{end}");
}
