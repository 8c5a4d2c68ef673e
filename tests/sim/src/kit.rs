//! The conformance kit: checks an executor that you wrote against the contract of
//! [`farpipe_driver::Executor`].
//!
//! You supply a function that starts `sh -c SCRIPT` behind your executor; [`check`] runs small scripts
//! and watches what the executor says about them:
//!
//! ```no_run
//! # use std::process::Command;
//! # use farpipe_driver::Executor;
//! # fn my_executor(command: Command) -> impl Executor { my::Executor }
//! # mod my {
//! #     use std::task::{Context, Poll};
//! #     use farpipe_core::{Action, Capabilities, Input};
//! #     use farpipe_driver::{Flow, Terminator};
//! #     pub struct Executor;
//! #     impl farpipe_driver::Executor for Executor {
//! #         fn capabilities(&self) -> Capabilities { Capabilities::local() }
//! #         fn start(&mut self, _: Action) {}
//! #         fn poll_input(&mut self, _: &mut Context<'_>, _: Flow) -> Poll<Input> { Poll::Pending }
//! #         fn terminator(&self) -> Terminator { Terminator::new(|| ()) }
//! #     }
//! # }
//! use futures_lite::future::block_on;
//!
//! // #[test]
//! fn my_executor_keeps_the_contract() {
//!     let start = async |script| {
//!         let mut command = Command::new("sh");
//!         command.args(["-c", script]);
//!         my_executor(command)
//!     };
//!     let report = block_on(farpipe_sim::kit::check(start)).unwrap_or_else(|what| panic!("{what}"));
//!     print!("{report}");
//!     assert_eq!(report.skipped.len(), 1, "all is promised, so only the refusal is skipped");
//! }
//! ```
//!
//! Run it on the runtime that your executor needs, in a test. It waits a minute for anything before it
//! gives up, on a thread of its own, so it needs no timer. What the executor does not promise in its
//! [`Capabilities`](farpipe_core::Capabilities) is skipped, and the report says so: assert what you
//! expect to be skipped, so that a promise that is taken back by mistake is noticed.
//!
//! | Checked | If it promises |
//! |---|---|
//! | Output, exit and close are numbered from 1 without a gap, in any order; the close is the last | |
//! | A write is answered under its id, and its bytes arrive once and in order | |
//! | A write that comes again under its id arrives once, and is answered again | `write_deduplication` |
//! | Under `Flow::Paused` no output comes, answers do, and nothing is lost meanwhile | |
//! | Stdin can be closed; the output goes on | `close_stdin` |
//! | `Interrupt` lets the process end in its own way | `interrupt` |
//! | `Terminate` ends a process that ignores every signal it can, and what it started; twice is once | |
//! | The terminator does so from another thread, twice | |
//! | A replay starts behind `after`, stops around `max_bytes`, repeats what came live, and tells the end | `replay` |
//! | A replay is refused with `ReplayFailed` | no `replay` |
//!
//! All the while, a number must not mean two things, nothing may follow the close, and nothing may come
//! that nothing led to.
//!
//! The checks are about one executor and its process. That a session makes the best of what an executor
//! says is checked by [simulation](crate::check).

mod checks;
mod watch;

use std::fmt;

use farpipe_driver::Executor;

use self::{checks::CHECKS, watch::Watch};
use crate::Violation;

/// A check that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// The name of the check.
    pub check: &'static str,
    /// What the executor did wrong.
    pub what: Violation,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.what)
    }
}

impl std::error::Error for Failed {}

/// What was checked, and what was skipped because the executor does not promise it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The names of the checks that passed.
    pub passed: Vec<&'static str>,
    /// The names of the checks that were skipped.
    pub skipped: Vec<&'static str>,
}

/// A line for each check.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.passed.iter().try_for_each(|check| writeln!(f, "passed   {check}"))?;
        self.skipped.iter().try_for_each(|check| writeln!(f, "skipped  {check}"))
    }
}

/// Checks an executor. `start` runs `sh -c SCRIPT` behind a new one, once for each check.
///
/// # Errors
///
/// The first check that fails.
///
/// # Cancel safety
///
/// Dropping the future drops the executor under check, which gives its process up.
pub async fn check<E: Executor>(start: impl AsyncFn(&'static str) -> E) -> Result<Report, Failed> {
    let mut report = Report::default();
    for check in CHECKS {
        let executor = start(check.script).await;
        if !(check.applies)(&executor.capabilities()) {
            report.skipped.push(check.name);
            continue;
        }
        let failed = |what| Failed { check: check.name, what };
        checks::run(check.kind, &mut Watch::new(executor)).await.map_err(failed)?;
        report.passed.push(check.name);
    }
    Ok(report)
}
