//! `farpipe run` and `farpipe record`: a far command as if it were here.

mod bridge;
mod diagnostics;
mod greeting;
mod input;
mod output;
mod signals;
mod state;

use std::{
    fs::File,
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
    state::{Journal, Journaled, Stored},
};
use crate::{
    args::{self, Record, Run},
    launch::{self, LaunchError},
    raw::Raw,
};

/// Our own failures, as `env`, `nohup` and container tools report theirs.
const FAILED: u8 = 125;

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

fn conclude(status: anyhow::Result<u8>) -> ExitCode {
    status
        .unwrap_or_else(|error| {
            eprintln!("farpipe: {error:#}");
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
        let signals = Signals::new().context("signals cannot be received")?;
        let output = Output::new(io::stdout());
        let (life, journal) = self.first_life(&output, &limits).await?;
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
        let limits = Limits {
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
            let life = self.new_life(Options::from(self.limits())).await?;
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
            options = options.record(create(path)?);
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
        let stored = Stored::load(path, url, command)?;
        let process = match &stored {
            Some(stored) => {
                launch::take_over(url, options, &stored.ticket).await.with_context(|| {
                    format!(
                        "cannot go on with the command of {}; remove it to start anew",
                        path.display()
                    )
                })?
            }
            None => launch::start_far(url, place, command, options).await?,
        };
        let (unwritten, ticket) = (output.unwritten(), process.ticket());
        let journal = Journal::new(path, url, command, ticket, unwritten.clone());
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

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("cannot write the recording {}", path.display()))
}

/// What is to be said of an end that is not as it should be.
fn explanation(end: &End) -> Option<String> {
    let well = matches!(end.cause, Cause::Closed | Cause::Requested)
        && end.lost == 0
        && end.pending_failed == 0;
    (!well).then(|| end.to_string())
}

fn status(outcome: &Outcome) -> u8 {
    let (exit, otherwise) = match outcome {
        Outcome::End(end) => (end.exit, FAILED),
        Outcome::GivenUp { signal, exit } => (*exit, signal_status(*signal)),
    };
    match exit {
        // The system keeps no more of it.
        Some(Exit::Code(code)) => code.to_le_bytes()[0],
        Some(Exit::Signal(signal)) => signal_status(signal),
        _ => otherwise,
    }
}

fn signal_status(signal: i32) -> u8 {
    u8::try_from(signal.saturating_add(128)).unwrap_or(FAILED)
}
