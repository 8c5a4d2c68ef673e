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
//! # async fn example() -> Result<(), farpipe_sim::kit::Failed> {
//! let report = farpipe_sim::kit::check(async |script| {
//!     let mut command = Command::new("sh");
//!     command.args(["-c", script]);
//!     my_executor(command)
//! })
//! .await?;
//! println!("{report}");
//! # Ok(())
//! # }
//! ```
//!
//! Run it on the runtime that your executor needs, in a test. It waits a minute for anything before it
//! gives up, on a thread of its own, so it needs no timer. What the executor does not promise in its
//! [`Capabilities`](farpipe_core::Capabilities) is skipped, and the report says so.
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

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, skipped) = (self.passed.join(", "), self.skipped.join(", "));
        write!(f, "passed: {passed}; skipped: {skipped}")
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
