//! The executor of a process on this machine.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    process::ExitStatus,
    task::{Context, Poll, ready},
};

use farpipe_core::{Action, Capabilities, Chunk, Exit, Input, ReplayId, Seq, Stream};
use futures_io::{AsyncRead, AsyncWrite};

use super::{ProcessTree, buffers::Buffers, pipe::Pipe, stdin::Stdin};
use crate::{Executor, Flow, Terminator};

/// What a runtime crate has in hand after it has started a process.
#[derive(Debug)]
pub struct Parts<I, O, E, W> {
    /// Where the process reads.
    pub stdin: I,
    /// Where it writes its messages.
    pub stdout: O,
    /// Where it writes its diagnostics.
    pub stderr: E,
    /// Makes the pipe of stdout larger: [`widen`](super::widen) with its descriptor. Called once, when
    /// the process has filled it.
    pub widen: fn(&O) -> io::Result<()>,
    /// Waits for the process, and owns it: dropping this must not leave a zombie behind.
    pub wait: W,
    /// The process and its descendants.
    pub tree: ProcessTree,
}

/// The [`Executor`] of a process on this machine.
///
/// Events are numbered as they are read, so nothing is ever missing or out of order. Under
/// [`Flow::Paused`] neither pipe is read: the process stops by itself once they are full. stdout,
/// stderr and the exit take turns of a few reads, so none of them can hold up another.
///
/// Memory: one buffer of 64 KiB, up to four more while much is read, and the write in flight. The
/// system's pipe for stdout grows from 64 to 256 KiB once the process has filled it (on Linux).
/// Dropping it kills the process tree.
pub struct LocalExecutor<I, O, E, W> {
    stdin: Stdin<I>,
    stdout: Pipe<O>,
    stderr: Pipe<E>,
    // None once the process has been waited for.
    wait: Option<W>,
    tree: ProcessTree,
    buffers: Buffers,
    turn: Turn,
    /// How often in a row it was this turn.
    run: usize,
    last_seq: Seq,
    refused_replay: Option<ReplayId>,
    closed: bool,
}

/// As many pieces of output in a row are read of one stream before the other and the exit are asked:
/// asking costs a system call each, and mostly for nothing. It is 512 KiB at most.
const RUN: usize = 8;

/// Who is asked first.
#[derive(Clone, Copy)]
enum Turn {
    Stdout,
    Stderr,
    Exit,
}

impl Turn {
    const ALL: usize = 3;

    const fn next(self) -> Self {
        match self {
            Self::Stdout => Self::Stderr,
            Self::Stderr => Self::Exit,
            Self::Exit => Self::Stdout,
        }
    }
}

impl<I, O, E, W> LocalExecutor<I, O, E, W>
where
    I: AsyncWrite + Unpin,
    O: AsyncRead + Unpin,
    E: AsyncRead + Unpin,
    W: Future<Output = io::Result<ExitStatus>> + Unpin,
{
    /// Takes over a process that has just been started.
    pub fn new(parts: Parts<I, O, E, W>) -> Self {
        Self {
            stdin: Stdin::new(parts.stdin),
            stdout: Pipe::new(Stream::Stdout, parts.stdout, Some(parts.widen)),
            stderr: Pipe::new(Stream::Stderr, parts.stderr, None),
            wait: Some(parts.wait),
            tree: parts.tree,
            buffers: Buffers::default(),
            turn: Turn::Stdout,
            run: 0,
            last_seq: 0,
            refused_replay: None,
            closed: false,
        }
    }

    fn poll_turns(&mut self, cx: &mut Context<'_>, flow: Flow) -> Poll<Input> {
        for _ in 0..Turn::ALL {
            let input = self.poll_turn(self.turn, cx, flow);
            self.end_turn(input.is_ready());
            if input.is_ready() {
                return input;
            }
        }
        Poll::Pending
    }

    const fn end_turn(&mut self, had_something: bool) {
        self.run += 1;
        if !had_something || self.run == RUN {
            self.turn = self.turn.next();
            self.run = 0;
        }
    }

    /// Pending for good as well, where nothing more will come.
    fn poll_turn(&mut self, turn: Turn, cx: &mut Context<'_>, flow: Flow) -> Poll<Input> {
        match (turn, flow) {
            (Turn::Exit, _) => self.poll_exit(cx),
            (_, Flow::Paused) => Poll::Pending,
            (Turn::Stdout, Flow::Open) => {
                let data = self.stdout.poll_read(cx, &mut self.buffers);
                self.number(Stream::Stdout, data)
            }
            (Turn::Stderr, Flow::Open) => {
                let data = self.stderr.poll_read(cx, &mut self.buffers);
                self.number(Stream::Stderr, data)
            }
        }
    }

    fn number(&mut self, stream: Stream, data: Poll<Option<bytes::Bytes>>) -> Poll<Input> {
        match ready!(data) {
            Some(data) => Poll::Ready(Input::Output(Chunk { seq: self.next_seq(), stream, data })),
            None => Poll::Pending,
        }
    }

    fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<Input> {
        let Some(wait) = &mut self.wait else {
            return Poll::Pending;
        };
        let status = ready!(Pin::new(wait).poll(cx));
        self.tree.leader_reaped();
        self.wait = None;
        Poll::Ready(Input::Exited { seq: self.next_seq(), exit: exit_of(status) })
    }

    const fn is_over(&self) -> bool {
        self.wait.is_none() && self.stdout.is_at_end() && self.stderr.is_at_end()
    }

    fn poll_over(&mut self) -> Poll<Input> {
        if !self.is_over() {
            return Poll::Pending;
        }
        if self.closed {
            return Poll::Ready(Input::Ended);
        }
        self.closed = true;
        Poll::Ready(Input::Closed { seq: self.next_seq() })
    }

    const fn next_seq(&mut self) -> Seq {
        self.last_seq += 1;
        self.last_seq
    }
}

impl<I, O, E, W> Executor for LocalExecutor<I, O, E, W>
where
    I: AsyncWrite + Unpin + Send + 'static,
    O: AsyncRead + Unpin + Send + 'static,
    E: AsyncRead + Unpin + Send + 'static,
    W: Future<Output = io::Result<ExitStatus>> + Unpin + Send + 'static,
{
    fn capabilities(&self) -> Capabilities {
        Capabilities { interrupt: cfg!(unix), ..Capabilities::local() }
    }

    fn start(&mut self, action: Action) {
        match action {
            Action::Write { id, data } => self.stdin.write(id, data),
            Action::CloseStdin => self.stdin.close(),
            Action::Interrupt => self.tree.interrupt(),
            Action::Terminate => self.tree.kill(),
            Action::Replay { request, .. } => self.refused_replay = Some(request),
            other => tracing::warn!(?other, "a local process cannot do this"),
        }
    }

    fn poll_input(&mut self, cx: &mut Context<'_>, flow: Flow) -> Poll<Input> {
        if let Some(request) = self.refused_replay.take() {
            return Poll::Ready(refusal_of(request));
        }
        if let Poll::Ready(written) = self.stdin.poll_written(cx) {
            return Poll::Ready(written);
        }
        if let Poll::Ready(input) = self.poll_turns(cx, flow) {
            return Poll::Ready(input);
        }
        self.poll_over()
    }

    fn terminator(&self) -> Terminator {
        self.tree.terminator()
    }
}

impl<I, O, E, W> Drop for LocalExecutor<I, O, E, W> {
    fn drop(&mut self) {
        self.tree.kill();
    }
}

impl<I, O, E, W> fmt::Debug for LocalExecutor<I, O, E, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalExecutor")
            .field("tree", &self.tree)
            .field("last_seq", &self.last_seq)
            .finish_non_exhaustive()
    }
}

/// Never asked for by a session that knows the [`Capabilities`].
fn refusal_of(request: ReplayId) -> Input {
    let message = "a local process keeps no output for replays".to_owned();
    Input::ReplayFailed { request, message, retryable: false }
}

fn exit_of(status: io::Result<ExitStatus>) -> Exit {
    match status {
        Ok(status) => {
            signal_of(status).or_else(|| status.code().map(Exit::Code)).unwrap_or(Exit::Unknown)
        }
        Err(error) => {
            tracing::warn!(%error, "waiting for the process failed");
            Exit::Unknown
        }
    }
}

#[cfg(unix)]
fn signal_of(status: ExitStatus) -> Option<Exit> {
    use std::os::unix::process::ExitStatusExt;
    status.signal().map(Exit::Signal)
}

#[cfg(not(unix))]
const fn signal_of(_status: ExitStatus) -> Option<Exit> {
    None
}
