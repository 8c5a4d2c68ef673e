//! The conformance kit on executors that are right, and on some that are not.
#![cfg(unix)]

use std::task::{Context, Poll, ready};

use farpipe_core::{Action, Capabilities, Input, WriteId};
use farpipe_driver::{Executor, Flow, Terminator};
use farpipe_sim::kit::{Failed, Report, check};
use farpipe_tests::session::sh;
use farpipe_tokio::LocalProcess;

/// An executor that is wrong in one way.
struct Twisted<E> {
    executor: E,
    promises: fn(Capabilities) -> Capabilities,
    input: fn(Input) -> Input,
    action: fn(&Action) -> bool,
    pauses: bool,
}

impl<E: Executor> Executor for Twisted<E> {
    fn capabilities(&self) -> Capabilities {
        (self.promises)(self.executor.capabilities())
    }

    fn start(&mut self, action: Action) {
        if (self.action)(&action) {
            self.executor.start(action);
        }
    }

    fn poll_input(&mut self, cx: &mut Context<'_>, flow: Flow) -> Poll<Input> {
        let flow = if self.pauses { flow } else { Flow::Open };
        let input = ready!(self.executor.poll_input(cx, flow));
        Poll::Ready((self.input)(input))
    }

    fn terminator(&self) -> Terminator {
        self.executor.terminator()
    }
}

fn local(script: &str) -> Twisted<LocalProcess> {
    let executor = LocalProcess::spawn(sh(script)).unwrap();
    Twisted {
        executor,
        promises: |promises| promises,
        input: |input| input,
        action: |_| true,
        pauses: true,
    }
}

fn checked(twist: fn(Twisted<LocalProcess>) -> Twisted<LocalProcess>) -> Result<Report, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(check(async |script| twist(local(script))))
}

#[test]
fn a_local_process_on_tokio_keeps_the_contract() {
    let report = checked(|right| right).unwrap();
    print!("{report}");
    assert_eq!((report.passed.len(), report.skipped.len()), (8, 2));
}

#[test]
fn a_local_process_on_smol_keeps_the_contract() {
    let check = check(async |script| farpipe_smol::LocalProcess::spawn(sh(script)).unwrap());
    assert_eq!(smol::block_on(check).unwrap().passed.len(), 8);
}

fn assert_fails(
    twist: fn(Twisted<LocalProcess>) -> Twisted<LocalProcess>,
    check: &str,
    what: &str,
) {
    let failed = checked(twist).unwrap_err();
    assert!(failed.check.contains(check) && failed.to_string().contains(what), "{failed}");
}

#[test]
fn an_executor_that_ignores_the_pause_is_found() {
    assert_fails(|right| Twisted { pauses: false, ..right }, "paused", "while it is paused");
}

#[test]
fn a_promise_that_is_not_kept_is_found() {
    let deduplicates = |right| Twisted {
        promises: |promises| Capabilities { write_deduplication: true, ..promises },
        ..right
    };
    assert_fails(deduplicates, "repeated under its id", r#""one\none\n"#);
    let replays =
        |right| Twisted { promises: |promises| Capabilities { replay: true, ..promises }, ..right };
    assert_fails(replays, "replay pages", "ReplayId(0) fails");
}

#[test]
fn an_answer_under_another_id_is_found() {
    fn other(input: Input) -> Input {
        match input {
            Input::Written { id, outcome } => Input::Written { id: WriteId(id.0 + 1), outcome },
            unchanged => unchanged,
        }
    }
    assert_fails(|right| Twisted { input: other, ..right }, "answered under its id", "WriteId(8)");
}

#[test]
fn an_event_behind_the_close_is_found() {
    fn first(input: Input) -> Input {
        match input {
            Input::Closed { .. } => Input::Closed { seq: 2 },
            unchanged => unchanged,
        }
    }
    assert_fails(|right| Twisted { input: first, ..right }, "numbered", "2");
}

#[test]
fn numbers_that_begin_with_zero_are_found() {
    fn less(input: Input) -> Input {
        match input {
            Input::Output(mut chunk) => {
                chunk.seq -= 1;
                Input::Output(chunk)
            }
            unchanged => unchanged,
        }
    }
    assert_fails(|right| Twisted { input: less, ..right }, "numbered", "begin with 1");
}

#[test]
fn output_that_is_changed_is_found() {
    fn changed(input: Input) -> Input {
        match input {
            Input::Output(mut chunk) => {
                chunk.data = chunk.data.to_ascii_uppercase().into();
                Input::Output(chunk)
            }
            unchanged => unchanged,
        }
    }
    assert_fails(|right| Twisted { input: changed, ..right }, "numbered", "instead of");
}
