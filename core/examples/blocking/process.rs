//! A process whose pipes are served by three threads.
//!
//! What is left out here is in `farpipe-driver`'s `LocalProcess`: whole process trees, SIGTERM before
//! SIGKILL, and a process that ends before its pipes do, or after them.

use std::{
    io::{self, ErrorKind, Read, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel},
    },
    thread,
    time::Duration,
};

use bytes::Bytes;
use farpipe_core::{Action, Chunk, Exit, Input, Seq, Stream, WriteId, WriteOutcome};

/// How many inputs may wait. Beyond it the readers block, the pipes fill, and the process waits.
const WAITING: usize = 16;
const CHUNK: usize = 64 << 10;

pub(crate) struct Process {
    child: Child,
    inputs: Receiver<Input>,
    // None once stdin is closed.
    writes: Option<Sender<(WriteId, Bytes)>>,
    /// Follows the exit.
    closed: Option<Input>,
}

/// Numbers the events, in the order in which they are handed over.
struct Output {
    next: Seq,
    inputs: SyncSender<Input>,
    /// How many pipes are open.
    open: usize,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (sender, inputs) = sync_channel(WAITING);
        let writes = child.stdin.take().map(|pipe| write(pipe, sender.clone()));
        let output = Arc::new(Mutex::new(Output { next: 1, inputs: sender, open: 2 }));
        if let Some(pipe) = child.stdout.take() {
            read(pipe, Stream::Stdout, &output);
        }
        if let Some(pipe) = child.stderr.take() {
            read(pipe, Stream::Stderr, &output);
        }
        Ok(Self { child, inputs, writes, closed: None })
    }

    pub(crate) fn start_action(&mut self, action: Action) -> io::Result<()> {
        match action {
            Action::Write { id, data } => {
                let writer = self.writes.as_ref().ok_or(ErrorKind::BrokenPipe)?;
                writer.send((id, data)).map_err(|_| ErrorKind::BrokenPipe.into())
            }
            Action::CloseStdin => {
                self.writes = None;
                Ok(())
            }
            _ => self.child.kill(),
        }
    }

    /// The next thing that happens, or the passing of `deadline`.
    pub(crate) fn next_input(&mut self, deadline: Option<Duration>) -> io::Result<Input> {
        if let Some(closed) = self.closed.take() {
            return Ok(closed);
        }
        match self.inputs.recv_timeout(deadline.unwrap_or(Duration::MAX)) {
            // Both pipes have ended: only now the process is waited for.
            Ok(Input::Exited { seq, .. }) => {
                self.closed = Some(Input::Closed { seq: seq + 1 });
                let exit = self.child.wait()?.code().map_or(Exit::Unknown, Exit::Code);
                Ok(Input::Exited { seq, exit })
            }
            Ok(input) => Ok(input),
            Err(RecvTimeoutError::Timeout) => Ok(Input::Tick),
            Err(RecvTimeoutError::Disconnected) => Ok(Input::Ended),
        }
    }
}

impl Output {
    /// Blocks while too much waits. Nobody listens any more once the session is over.
    fn push(&mut self, input: impl FnOnce(Seq) -> Input) -> bool {
        let told = self.inputs.send(input(self.next)).is_ok();
        self.next += 1;
        told
    }

    fn close_one(&mut self) {
        self.open -= 1;
        if self.open == 0 {
            self.push(|seq| Input::Exited { seq, exit: Exit::Unknown });
        }
    }
}

fn read(mut pipe: impl Read + Send + 'static, stream: Stream, output: &Arc<Mutex<Output>>) {
    let output = Arc::clone(output);
    thread::spawn(move || {
        let mut buffer = vec![0; CHUNK];
        // An error on a pipe is its end.
        while let Ok(len @ 1..) = pipe.read(&mut buffer) {
            let data = Bytes::copy_from_slice(&buffer[..len]);
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            if !output.push(|seq| Input::Output(Chunk { seq, stream, data })) {
                return;
            }
        }
        output.lock().unwrap_or_else(PoisonError::into_inner).close_one();
    });
}

/// Writes in a thread of its own: a process that does not read must not keep us from reading it.
fn write(mut pipe: ChildStdin, answers: SyncSender<Input>) -> Sender<(WriteId, Bytes)> {
    let (writes, waiting) = channel::<(WriteId, Bytes)>();
    thread::spawn(move || {
        for (id, data) in waiting {
            let outcome = match pipe.write_all(&data) {
                Ok(()) => WriteOutcome::Accepted,
                Err(_) => WriteOutcome::StdinClosed,
            };
            if answers.send(Input::Written { id, outcome }).is_err() {
                return;
            }
        }
    });
    writes
}
