//! What a server keeps of a process's output.

use std::{fmt::Write as _, future::poll_fn, time::Duration};

use farpipe_core::{Action, Input, Page, ReplayId, Stream};
use farpipe_driver::{Executor as _, Flow};
use farpipe_exec_server::{ExecServer, ProcessSpec, RemoteProcess, StartError};

use super::report::Retention;

/// What is written: numbers, so that every byte says where it belongs.
const LINES: usize = 400_000;

/// What the measured server keeps, less one event.
pub(super) const EXPECTED: usize = (1 << 20) - 8192;

const PAGE: usize = 512 * 1024;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("`seq` cannot be started there: {0}")]
    Start(#[from] StartError),
    #[error("it took longer than {0:?}")]
    TooSlow(Duration),
    #[error("the output ended after {0} bytes")]
    Short(usize),
    #[error("the server does not give back what it keeps: {0}")]
    NoReplay(String),
    #[error("the process was lost: {0}")]
    Lost(String),
}

impl Trouble {
    /// The server may be well all the same.
    pub(super) const fn is_ours(&self) -> bool {
        matches!(self, Self::Start(StartError::Spawn { .. }))
    }
}

/// What a server kept.
pub(super) struct Kept {
    pub(super) retention: Retention,
    pub(super) is_the_end_of_what_was_written: bool,
}

/// Has a known text written, and asks for what is left of it.
pub(super) async fn measure(server: &ExecServer) -> Result<Kept, Trouble> {
    let spec = ProcessSpec::new("seq").args(["1", &LINES.to_string()]);
    let mut process = server.start(&spec).await?;
    let written = text();
    wait_for_all(&mut process, written.len()).await?;
    let (mut kept, mut kept_events, mut after) = (Vec::new(), 0, 0);
    loop {
        let page = page(&mut process, after).await?;
        for chunk in page.chunks.iter().filter(|chunk| chunk.stream == Stream::Stdout) {
            kept.extend_from_slice(&chunk.data);
            kept_events += 1;
        }
        if page.chunks.is_empty() || page.next <= after + 1 {
            break;
        }
        after = page.next - 1;
    }
    let (written_bytes, kept_bytes) = (written.len(), kept.len());
    let is_the_end_of_what_was_written = written.as_bytes().ends_with(&kept);
    let retention = Retention { written_bytes, kept_bytes, kept_events };
    Ok(Kept { retention, is_the_end_of_what_was_written })
}

fn text() -> String {
    let mut text = String::new();
    for line in 1..=LINES {
        let _ = writeln!(text, "{line}");
    }
    text
}

async fn wait_for_all(process: &mut RemoteProcess, expected: usize) -> Result<(), Trouble> {
    let (mut seen, mut closed) = (0, false);
    while !closed || seen < expected {
        match next(process).await? {
            Input::Output(chunk) if chunk.stream == Stream::Stdout => seen += chunk.data.len(),
            // Output with a lower number may still follow.
            Input::Closed { .. } => closed = true,
            Input::Ended => return Err(Trouble::Short(seen)),
            _ => {}
        }
    }
    Ok(())
}

async fn page(process: &mut RemoteProcess, after: u64) -> Result<Page, Trouble> {
    process.start(Action::Replay { request: ReplayId(after), after, max_bytes: PAGE });
    loop {
        match next(process).await? {
            Input::Replayed(page) => return Ok(page),
            Input::ReplayFailed { message, .. } => return Err(Trouble::NoReplay(message)),
            Input::Ended => return Err(Trouble::NoReplay("it has forgotten the process".into())),
            _ => {}
        }
    }
}

async fn next(process: &mut RemoteProcess) -> Result<Input, Trouble> {
    match poll_fn(|cx| process.poll_input(cx, Flow::Open)).await {
        Input::SessionLost { reason } => Err(Trouble::Lost(reason)),
        input => Ok(input),
    }
}
