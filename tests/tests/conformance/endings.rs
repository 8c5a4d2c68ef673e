//! Every way in which a process can end, or is made to.

use std::{
    process::{Command, Stdio},
    thread,
};

use farpipe_core::{Cause, Event, Exit, Limits};
use farpipe_driver::Handle;
use farpipe_tests::{
    life::Life,
    session::{Lines, impatient, message, rest, within},
};
use smol::future::yield_now;

use crate::platform::Platform;

const TREE: &str = "sleep 600 & echo ready; wait";

pub(crate) fn an_exit_code_is_reported<P: Platform>() {
    let (events, end) = P::run(async { rest(&P::spawn("exit 7")).await });
    assert_eq!(events, [Event::Exited(Exit::Code(7))]);
    assert_eq!((end.cause, end.exit), (Cause::Closed, Some(Exit::Code(7))));
}

pub(crate) fn a_signal_is_reported<P: Platform>() {
    let (_, end) = P::run(async { rest(&P::spawn("kill -SEGV $$")).await });
    assert_eq!((end.cause, end.exit), (Cause::Closed, Some(Exit::Signal(11))));
}

pub(crate) fn close_closes_stdin_first<P: Platform>() {
    let script = "trap 'exit 1' TERM; cat; exit 3";
    let end = P::run(async { within(P::spawn(script).close()).await });
    assert_eq!((end.cause, end.exit), (Cause::Requested, Some(Exit::Code(3))));
}

pub(crate) fn close_ends_the_whole_tree<P: Platform>() {
    assert_close_ends::<P>(TREE, Exit::Signal(15));
}

/// <https://github.com/modelcontextprotocol/python-sdk/issues/555>
pub(crate) fn a_process_that_ignores_sigterm_is_killed_in_time<P: Platform>() {
    let script = "trap '' TERM; echo ready; while :; do sleep 600; done";
    assert_close_ends::<P>(script, Exit::Signal(9));
}

fn assert_close_ends<P: Platform>(script: &str, exit: Exit) {
    let life = Life::new();
    let end = P::run(async {
        let handle = P::spawn_with(impatient(), life.script(script));
        assert_eq!(message(&handle).await, "ready");
        within(handle.close()).await
    });
    assert_eq!((end.cause, end.exit), (Cause::Requested, Some(exit)));
    life.assert_begun();
    life.assert_over();
}

pub(crate) fn what_a_process_leaves_behind_ends_with_the_session<P: Platform>() {
    let life = Life::new();
    P::run(async {
        let handle = P::spawn(life.script("sleep 600 >&- 2>&- & echo bye"));
        let (_, end) = rest(&handle).await;
        assert_eq!(end.cause, Cause::Closed);
        life.assert_begun();
        // Here, and not after the runtime, which would take the executor with it.
        life.assert_over();
    });
}

pub(crate) fn dropping_the_last_handle_ends_the_whole_tree<P: Platform>() {
    assert_drop_ends::<P>(drop);
}

/// <https://github.com/bug-ops/zeph/issues/2693>
pub(crate) fn dropping_the_last_handle_outside_any_runtime_ends_the_whole_tree<P: Platform>() {
    assert_drop_ends::<P>(|handle| thread::spawn(move || drop(handle)).join().unwrap());
}

fn assert_drop_ends<P: Platform>(drop: impl FnOnce(Handle<Lines>)) {
    let life = Life::new();
    P::run(async {
        let handle = P::spawn(life.script(TREE));
        let monitor = handle.monitor();
        assert_eq!(message(&handle).await, "ready");
        drop(handle);
        life.assert_begun();
        life.assert_over();
        let end = within(monitor.ended()).await;
        assert_eq!((end.cause, end.exit), (Cause::Requested, Some(Exit::Signal(9))));
    });
}

/// <https://github.com/bigduu/Bamboo-agent/issues/354>
pub(crate) fn dropping_the_last_handle_ends_a_process_whose_pump_never_ran<P: Platform>() {
    let life = Life::new();
    P::run(async {
        let process = P::process(life.script(TREE));
        let (handle, _pump) =
            farpipe_driver::connect(Lines, Limits::default(), process, P::runtime()).unwrap();
        life.assert_begun();
        drop(handle);
        life.assert_over();
    });
}

pub(crate) fn a_process_that_is_not_connected_ends_with_its_executor<P: Platform>() {
    let life = Life::new();
    P::run(async {
        let process = P::process(life.script(TREE));
        life.assert_begun();
        let id = process.id();
        drop(process);
        life.assert_over();
        within(async {
            while exists(id) {
                yield_now().await;
            }
        })
        .await;
    });
}

/// A process that has ended exists until it is waited for.
fn exists(id: u32) -> bool {
    let mut kill = Command::new("kill");
    kill.args(["-0", &id.to_string()]).stderr(Stdio::null()).status().unwrap().success()
}
