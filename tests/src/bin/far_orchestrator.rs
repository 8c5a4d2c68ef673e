//! Drives a session behind a real exec-server by hand, and may be killed at any moment:
//! `far_orchestrator <url> <file> <script>`. Says so on stdout after each step.

use std::{
    future::poll_fn,
    io::{self, Write as _},
    path::PathBuf,
    task::Poll,
    time::Duration,
};

use anyhow::Context as _;
use farpipe_core::{Input, Timestamp};
use farpipe_driver::{Executor as _, Flow};
use farpipe_exec_server::{ExecServer, Options, ProcessSpec, RemoteProcess};
use farpipe_smol::SmolRuntime;
use farpipe_tests::orchestrator::{REQUESTS, Stored, Work};
use smol::{Timer, future};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, file, script] = arguments.as_slice() else {
        anyhow::bail!("usage: far_orchestrator <url> <file> <script>");
    };
    smol::block_on(run(url, file.into(), script))
}

async fn run(url: &str, file: PathBuf, script: &str) -> anyhow::Result<()> {
    let stored = Stored::load(&file)?;
    let mut process = match &stored {
        Some(stored) => take_over(url, stored).await?,
        None => start(url, script).await?,
    };
    let ticket = Some(process.ticket());
    let mut work = Work::resume(stored, ticket, process.capabilities(), file)?;
    while !work.session.is_ended() {
        take(&mut work, &mut process).await;
        let mut actions = work.step()?;
        if work.progress.messages.len() as u64 >= REQUESTS {
            work.session.close(work.now());
            actions.extend(work.step()?);
        }
        for action in actions {
            process.start(action);
        }
        writeln!(io::stdout(), "{}", work.progress.messages.len())?;
    }
    Ok(())
}

async fn start(url: &str, script: &str) -> anyhow::Result<RemoteProcess> {
    let server = ExecServer::connect(url, Options::default(), &SmolRuntime::new()).await?;
    Ok(server.start(&ProcessSpec::new("sh").args(["-c", script])).await?)
}

async fn take_over(url: &str, stored: &Stored) -> anyhow::Result<RemoteProcess> {
    let ticket = stored.ticket.as_ref().context("a ticket is stored")?;
    let server = ExecServer::resume(url, Options::default(), ticket, &SmolRuntime::new()).await?;
    Ok(server.attach(ticket)?)
}

/// Waits for one input, and takes what else has arrived.
async fn take(work: &mut Work, process: &mut RemoteProcess) {
    let at = work.session.poll_timeout().map(|timeout| timeout.at);
    let input = poll_fn(|cx| process.poll_input(cx, Flow::Open));
    let input = future::or(input, tick(work.now(), at)).await;
    work.handle(input);
    for _ in 0..20 {
        let more = |cx: &mut std::task::Context<'_>| match process.poll_input(cx, Flow::Open) {
            Poll::Ready(input) => Poll::Ready(Some(input)),
            Poll::Pending => Poll::Ready(None),
        };
        let Some(input) = poll_fn(more).await else { return };
        work.handle(input);
    }
}

async fn tick(now: Timestamp, at: Option<Timestamp>) -> Input {
    let wait = at.map_or(Duration::from_secs(60), |at| at.saturating_since(now));
    Timer::after(wait).await;
    Input::Tick
}
