//! The executor of local processes, on pipes made of memory.
#![cfg(unix)]

use std::{
    future::{Ready, pending, ready},
    io,
    os::unix::process::{CommandExt, ExitStatusExt},
    pin::Pin,
    process::{Command, ExitStatus},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use farpipe_core::{
    Action, Exit, Input, ReplayId, Stream, WriteId,
    WriteOutcome::{self, Accepted, StdinClosed},
};
use farpipe_driver::{
    Executor, Flow,
    process::{LocalExecutor, Parts, ProcessTree},
};
use futures_io::{AsyncRead, AsyncWrite};

/// One answer after the other to whoever reads or writes; pending in between and at last.
struct Script(Vec<Answer>, Vec<u8>);

enum Answer {
    Data(Vec<u8>),
    Takes(usize),
    Fails(io::ErrorKind),
    Pending,
    End,
}

use Answer::{Data, End, Fails, Pending, Takes};

impl Script {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        Self(answers, Vec::new())
    }
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.0.pop() {
            Some(Data(data)) => {
                buffer[..data.len()].copy_from_slice(&data);
                Poll::Ready(Ok(data.len()))
            }
            Some(Fails(kind)) => Poll::Ready(Err(kind.into())),
            Some(End) => Poll::Ready(Ok(0)),
            Some(Pending | Takes(_)) | None => Poll::Pending,
        }
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.0.pop() {
            Some(Takes(len)) => {
                let len = len.min(data.len());
                self.1.extend_from_slice(&data[..len]);
                Poll::Ready(Ok(len))
            }
            Some(Fails(kind)) => Poll::Ready(Err(kind.into())),
            _ => Poll::Pending,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

type Wait = Pin<Box<dyn Future<Output = io::Result<ExitStatus>> + Send>>;

fn executor(
    stdin: impl IntoIterator<Item = Answer>,
    stdout: impl IntoIterator<Item = Answer>,
    stderr: impl IntoIterator<Item = Answer>,
    wait: impl Future<Output = io::Result<ExitStatus>> + Send + 'static,
) -> LocalExecutor<Script, Script, Script, Wait> {
    LocalExecutor::new(Parts {
        stdin: Script::new(stdin),
        stdout: Script::new(stdout),
        stderr: Script::new(stderr),
        widen: |_| Ok(()),
        wait: Box::pin(wait),
        tree: nobody(),
    })
}

/// A number that is never signalled.
fn nobody() -> ProcessTree {
    ProcessTree::of_leader(0)
}

fn exited(raw: i32) -> Ready<io::Result<ExitStatus>> {
    ready(Ok(ExitStatus::from_raw(raw)))
}

fn poll(executor: &mut impl Executor, flow: Flow) -> Option<Input> {
    match executor.poll_input(&mut Context::from_waker(Waker::noop()), flow) {
        Poll::Ready(input) => Some(input),
        Poll::Pending => None,
    }
}

fn drain(executor: &mut impl Executor) -> Vec<Input> {
    let mut inputs = Vec::new();
    while let Some(input) = poll(executor, Flow::Open) {
        inputs.push(input);
        if inputs.last() == Some(&Input::Ended) {
            break;
        }
    }
    inputs
}

fn seq_of(input: &Input) -> Option<u64> {
    match input {
        Input::Output(chunk) => Some(chunk.seq),
        Input::Exited { seq, .. } | Input::Closed { seq } => Some(*seq),
        _ => None,
    }
}

fn write(executor: &mut impl Executor, data: &'static str) -> Option<WriteOutcome> {
    executor.start(Action::Write { id: WriteId(7), data: Bytes::from_static(data.as_bytes()) });
    answer(executor)
}

fn answer(executor: &mut impl Executor) -> Option<WriteOutcome> {
    match poll(executor, Flow::Paused)? {
        Input::Written { id: WriteId(7), outcome } => Some(outcome),
        other => panic!("{other:?}"),
    }
}

#[test]
fn everything_shares_one_dense_numbering_and_takes_turns() {
    const PIECES: u64 = 20;
    let data = || (0..PIECES).map(|_| Data(b"x".into())).chain([End]);
    let mut executor = executor([], data(), data(), exited(0));
    let inputs = drain(&mut executor);
    let total = 2 * PIECES + 2; // and the exit and the close
    let seqs: Vec<_> = inputs.iter().filter_map(seq_of).collect();
    assert_eq!(seqs, (1..=total).collect::<Vec<_>>());
    let reads_of =
        |input: &Input, wanted| matches!(input, Input::Output(chunk) if chunk.stream == wanted);
    assert!(inputs[..8].iter().all(|input| reads_of(input, Stream::Stdout)));
    assert!(inputs[8..16].iter().all(|input| reads_of(input, Stream::Stderr)));
    assert!(matches!(inputs[16], Input::Exited { exit: Exit::Code(0), .. }), "before the rest");
    assert!(inputs[17..25].iter().all(|input| reads_of(input, Stream::Stdout)));
    assert!(inputs.ends_with(&[Input::Closed { seq: total }, Input::Ended]));
}

/// Who has nothing to say does not keep the turn.
#[test]
fn a_silent_stream_passes_its_turn_on() {
    let stdout = [Data(b"a".into()), Pending, Data(b"b".into()), Pending];
    let mut executor = executor([], stdout, [Data(b"e".into()), Pending], pending());
    let streams: Vec<_> = (0..3)
        .map(|_| match poll(&mut executor, Flow::Open) {
            Some(Input::Output(chunk)) => chunk.stream,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(streams, [Stream::Stdout, Stream::Stderr, Stream::Stdout]);
}

#[test]
fn the_close_waits_for_the_exit_and_for_both_pipes() {
    for (stdout, stderr) in [(Some(End), None), (None, Some(End))] {
        let mut executor = executor([], stdout, stderr, exited(0));
        assert_eq!(drain(&mut executor).len(), 1, "the exit alone");
    }
    assert_eq!(drain(&mut executor([], [End], [End], pending())), []);
}

#[test]
fn a_signal_and_an_unknown_exit_are_told_apart() {
    let exit = |wait: Ready<io::Result<ExitStatus>>| match &drain(&mut executor([], [], [], wait))[..]
    {
        [Input::Exited { exit, .. }] => *exit,
        other => panic!("{other:?}"),
    };
    assert_eq!(exit(exited(3 << 8)), Exit::Code(3));
    assert_eq!(exit(exited(9)), Exit::Signal(9));
    assert_eq!(exit(ready(Err(io::ErrorKind::Other.into()))), Exit::Unknown);
}

#[test]
fn the_number_of_a_process_that_is_gone_is_given_up() {
    let mut child = Command::new("true").process_group(0).spawn().unwrap();
    let tree = ProcessTree::of_leader(child.id());
    let status = child.wait().unwrap();
    let (stdin, stdout, stderr) = (Script::new([]), Script::new([]), Script::new([]));
    let (widen, wait) = (|_: &Script| Ok(()), ready(Ok(status)));
    let parts = Parts { stdin, stdout, stderr, widen, wait, tree: tree.clone() };
    let mut executor = LocalExecutor::new(parts);
    assert_eq!(drain(&mut executor).len(), 1);
    assert_eq!(format!("{tree:?}"), format!("{:?}", nobody()));
}

#[test]
fn paused_reads_nothing_and_still_writes_and_sees_the_exit() {
    let mut executor =
        executor([Takes(9)], [Data(b"x".into()), End], [Data(b"y".into()), End], exited(0));
    assert_eq!(write(&mut executor, "hello\n"), Some(Accepted));
    assert!(matches!(poll(&mut executor, Flow::Paused), Some(Input::Exited { seq: 1, .. })));
    assert_eq!(poll(&mut executor, Flow::Paused), None);
    assert_eq!(drain(&mut executor).len(), 4, "two chunks, the close and the end");
}

#[test]
fn a_chunk_is_as_long_as_what_was_read() {
    let long = vec![b'x'; 64 * 1024];
    let mut executor = executor(
        [],
        [Data(b"short".into()), Data(long.clone()), Data(b"tail".into())],
        [],
        pending(),
    );
    let chunks: Vec<_> = drain(&mut executor).into_iter().map(data_of).collect();
    assert_eq!(chunks, [Bytes::from("short"), long.into(), "tail".into()]);
}

fn data_of(input: Input) -> Bytes {
    let Input::Output(chunk) = input else { panic!("{input:?}") };
    chunk.data
}

#[test]
fn a_read_that_fails_is_the_end_of_the_pipe_and_one_that_is_interrupted_is_not() {
    use io::ErrorKind::{Interrupted, Other};
    let stdout = [Fails(Interrupted), Data(b"x".into()), Fails(Other)];
    let inputs = drain(&mut executor([], stdout, [End], exited(0)));
    assert!(matches!(&inputs[0], Input::Output(chunk) if chunk.data == "x"));
    assert_eq!(inputs.last(), Some(&Input::Ended));
}

#[test]
fn a_write_is_answered_when_all_of_it_is_taken() {
    use io::ErrorKind::Interrupted;
    let stdin = [Takes(2), Pending, Fails(Interrupted), Takes(1), Pending, Takes(9)];
    let mut executor = executor(stdin, [], [], pending());
    assert_eq!(write(&mut executor, "hello\n"), None);
    assert_eq!(answer(&mut executor), None);
    assert_eq!(answer(&mut executor), Some(Accepted));
    assert_eq!(answer(&mut executor), None, "answered once");
}

#[test]
fn a_pipe_that_nobody_reads_is_told_apart_from_a_failure() {
    use io::ErrorKind::{BrokenPipe, OutOfMemory};
    assert_eq!(
        write(&mut executor([Fails(BrokenPipe)], [], [], pending()), "x\n"),
        Some(StdinClosed)
    );
    assert_eq!(write(&mut executor([Takes(0)], [], [], pending()), "x\n"), Some(StdinClosed));
    let failed = write(&mut executor([Fails(OutOfMemory)], [], [], pending()), "x\n");
    assert!(matches!(failed, Some(WriteOutcome::Failed(reason)) if !reason.is_empty()));
}

#[test]
fn stdin_is_closed_behind_the_write_in_flight() {
    let mut executor = executor([Takes(1), Pending, Takes(9), Takes(9)], [], [], pending());
    assert_eq!(write(&mut executor, "x\n"), None);
    executor.start(Action::CloseStdin);
    assert_eq!(answer(&mut executor), Some(Accepted));
    assert_eq!(write(&mut executor, "y\n"), Some(StdinClosed));
}

#[test]
fn a_replay_is_refused_for_good() {
    let mut executor = executor([], [], [], pending());
    assert!(!executor.capabilities().replay);
    executor.start(Action::Replay { request: ReplayId(3), after: 0, max_bytes: 1 });
    let Some(Input::ReplayFailed { request: ReplayId(3), retryable, .. }) =
        poll(&mut executor, Flow::Open)
    else {
        panic!()
    };
    assert!(!retryable);
}
