//! `farpipe run` and `farpipe record`: a far command as if it were here.

mod bridge;
mod diagnostics;
mod greeting;
mod input;
mod output;
mod signals;
mod state;

use std::{
    future::Future,
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use farpipe_core::{Cause, End, Exit, Limits};
use farpipe_driver::{Executor, Options};
use farpipe_tokio::TokioRuntime;

use self::{
    bridge::{Bridge, Ending, Life, Outcome},
    diagnostics::Diagnostics,
    greeting::Greeting,
    input::Input,
    output::Output,
    signals::Signals,
    state::{Journal, Journaled, Lock, Stored},
};
use crate::{
    args::{self, Record, Run},
    launch::{self, FAILED, LaunchError, signal_status},
    raw::Raw,
    recording, tell,
};

const MIB: usize = 1 << 20;

/// 128 plus the number of SIGINT.
const INTERRUPTED: u8 = 130;

/// What is saved must not lag far behind what the exec-server retains.
const SAVED_BUDGET: usize = 256 * 1024;

pub(crate) async fn run(args: Run) -> ExitCode {
    let Run { record, state, respawn, bridge } = args;
    conclude(Bridging { args: bridge, record, state, respawn }.run().await)
}

pub(crate) async fn record(args: Record) -> ExitCode {
    let Record { file, bridge } = args;
    conclude(Bridging { args: bridge, record: Some(file), state: None, respawn: 0 }.run().await)
}

/// Lets a signal give up some work, so that what it has started is ended as well.
pub(crate) async fn heed_signals<T>(
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let mut signals = Signals::new().context("signals cannot be received")?;
    unless_signalled(&mut signals, work).await
}

fn conclude(status: anyhow::Result<u8>) -> ExitCode {
    status
        .unwrap_or_else(|error| {
            tell::failure(tell::whole(&error));
            error.downcast_ref::<LaunchError>().map_or(FAILED, LaunchError::status)
        })
        .into()
}

/// What was asked for.
struct Bridging {
    args: args::Bridge,
    record: Option<PathBuf>,
    state: Option<PathBuf>,
    respawn: u32,
}

impl Bridging {
    async fn run(&self) -> anyhow::Result<u8> {
        let limits = self.limits();
        // From here on a signal ends the command, too.
        let mut signals = Signals::new().context("signals cannot be received")?;
        let output = Output::new(io::stdout());
        let first = self.first_life(&output, &limits);
        let (life, journal) = unless_signalled(&mut signals, first).await?;
        let mut bridge = Bridge {
            input: Input::new(io::stdin(), &limits),
            output,
            diagnostics: Diagnostics::new(),
            signals,
            drain_timeout: self.args.drain_timeout,
            greeting: Greeting::default(),
            journal,
            ending: Ending::No,
        };
        let lived = self.live(&mut bridge, life).await;
        if let (Ok(Outcome::End(_)), Some(journal)) = (&lived, &bridge.journal) {
            journal.remove();
        }
        if let Ok(Outcome::End(end)) = &lived
            && let Some(told) = explanation(end)
        {
            bridge.diagnostics.note(told).await;
        }
        bridge.diagnostics.finish().await;
        let interrupted = matches!(bridge.ending, Ending::Closing { for_want_of_eof: true });
        lived.map(|outcome| match status(&outcome) {
            // It was asked to stop where it would have been told of the end of its stdin.
            INTERRUPTED if interrupted => 0,
            status => status,
        })
    }

    fn limits(&self) -> Limits {
        let max_message = usize::from(self.args.max_message) * MIB;
        let limits = Limits {
            max_line: max_message,
            max_message,
            outbox_bytes: max_message * 2,
            close_stdin_wait: Duration::from_secs(1),
            close_interrupt_wait: Duration::from_secs(2),
            ..Limits::default()
        };
        if self.state.is_none() { limits } else { Limits { inbox_bytes: SAVED_BUDGET, ..limits } }
    }

    /// One life after the other, as often as is allowed.
    async fn live(&self, bridge: &mut Bridge, life: Life) -> anyhow::Result<Outcome> {
        let mut outcome = bridge.live(life, true).await;
        for attempt in 1..=self.respawn {
            let Outcome::End(end) = &outcome else { break };
            if !bridge.may_respawn(end) {
                break;
            }
            let again = format!("{end}; it is started again ({attempt} of {})", self.respawn);
            bridge.diagnostics.note(again).await;
            let next = self.new_life(Options::from(self.limits()));
            let life = unless_signalled(&mut bridge.signals, next).await?;
            outcome = bridge.live(life, false).await;
        }
        Ok(outcome)
    }

    async fn first_life(
        &self,
        output: &Output,
        limits: &Limits,
    ) -> anyhow::Result<(Life, Option<Journal>)> {
        if let (Some(path), Some(url)) = (&self.state, &self.args.place.executor) {
            let (life, journal) = self.kept_life(path, url, output, limits).await?;
            return Ok((life, Some(journal)));
        }
        let mut options = Options::from(limits.clone());
        if let Some(path) = &self.record {
            options = options.record(recording::create(path)?);
        }
        Ok((self.new_life(options).await?, None))
    }

    async fn new_life(&self, options: Options<Raw>) -> anyhow::Result<Life> {
        let process = launch::start(&self.args.place, &self.args.command).await?;
        let closes_stdin = process.capabilities().close_stdin;
        let (handle, pump) =
            farpipe_driver::connect(Raw, options, process, TokioRuntime::current())?;
        Ok(Life { handle, pump: Box::pin(pump), closes_stdin })
    }

    /// A life that another process can go on with, or that goes on here.
    async fn kept_life(
        &self,
        path: &Path,
        url: &str,
        output: &Output,
        limits: &Limits,
    ) -> anyhow::Result<(Life, Journal)> {
        let (place, command) = (&self.args.place, &self.args.command);
        let mut options = launch::options(&place.token)?;
        options.queue_bytes = SAVED_BUDGET;
        let lock = Lock::take(path)?;
        let stored = Stored::load(path, url, command)?;
        let process = match &stored {
            Some(stored) => {
                let taken = launch::take_over(url, options, &stored.ticket).await;
                taken.map_err(|error| cannot_go_on(error, path))?
            }
            None => launch::start_far(url, place, command, options).await?,
        };
        let (unwritten, ticket) = (output.unwritten(), process.ticket());
        let journal = Journal::new(path, lock, url, command, ticket, unwritten.clone());
        let closes_stdin = process.capabilities().close_stdin;
        let process = Journaled::new(process, journal.clone());
        let runtime = TokioRuntime::current();
        let (handle, pump) = match stored {
            Some(stored) => {
                unwritten.lock().waiting = stored.output;
                let limits = limits.clone();
                farpipe_driver::restore(Raw, limits, stored.checkpoint, process, runtime)
                    .with_context(|| format!("{} is damaged", path.display()))?
            }
            None => farpipe_driver::connect(Raw, limits.clone(), process, runtime)?,
        };
        journal.watch(handle.monitor());
        journal.save()?;
        Ok((Life { handle, pump: Box::pin(pump), closes_stdin }, journal))
    }
}

fn cannot_go_on(error: LaunchError, path: &Path) -> anyhow::Error {
    let advice = if error.is_end_of_command() {
        "remove it to start the command anew"
    } else {
        "it can be tried again while the exec-server keeps the session"
    };
    let what = format!("cannot go on with the command of {}; {advice}", path.display());
    anyhow::Error::new(error).context(what)
}

/// Waits for some work, such as the start of a command, unless we are asked to stop.
async fn unless_signalled<T>(
    signals: &mut Signals,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        result = work => result,
        signal = signals.next() => Err(LaunchError::Signalled(signal).into()),
    }
}

/// What is to be said of an end that is not as it should be.
fn explanation(end: &End) -> Option<String> {
    let well = matches!(end.cause, Cause::Closed | Cause::Requested)
        && end.lost == 0
        && end.pending_failed == 0;
    (!well).then(|| end.to_string())
}

/// Whether all of the output came, or what is missing is a descendant's.
const fn is_whole(outcome: &Outcome) -> bool {
    let Outcome::End(end) = outcome else { return true };
    matches!(
        end.cause,
        Cause::Closed
            | Cause::Requested
            | Cause::OutputHeldOpen { .. }
            | Cause::CloseTimedOut { .. }
    )
}

fn status(outcome: &Outcome) -> u8 {
    let (exit, otherwise) = match outcome {
        Outcome::End(end) => (end.exit, FAILED),
        Outcome::GivenUp { signal, exit } => (*exit, signal_status(*signal)),
    };
    match exit {
        // The system keeps no more of it.
        Some(Exit::Code(code)) if code != 0 || is_whole(outcome) => code.to_le_bytes()[0],
        Some(Exit::Signal(signal)) => signal_status(signal),
        _ => otherwise,
    }
}

#[cfg(test)]
mod tests {
    use farpipe_core::{Capabilities, Event, Input, Session, Timestamp};

    use super::*;

    fn status_after(exit: Exit, last: Input) -> u8 {
        let far = Capabilities::default();
        let mut session = Session::new(Raw, far, Limits::default()).unwrap();
        session.handle(Timestamp::ORIGIN, Input::Exited { seq: 1, exit });
        session.handle(Timestamp::ORIGIN, last);
        loop {
            if let Event::End(end) = session.poll_event().expect("an end") {
                return status(&Outcome::End(end));
            }
        }
    }

    #[test]
    fn success_is_only_told_where_all_output_came() {
        let lost = || Input::SessionLost { reason: "the server is gone".into() };
        assert_eq!(status_after(Exit::Code(0), Input::Closed { seq: 2 }), 0);
        assert_eq!(status_after(Exit::Code(0), lost()), FAILED);
        assert_eq!(status_after(Exit::Code(3), lost()), 3);
        assert_eq!(status_after(Exit::Signal(9), lost()), 137);
    }
}
