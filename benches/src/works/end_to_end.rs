//! A real process into rmcp's messages.

use std::{
    hint::black_box,
    io::{Read as _, Write as _},
    process::{Command, Stdio},
    sync::Arc,
};

use farpipe_async_std::AsyncStdRuntime;
use farpipe_rmcp::FarTransport;
use farpipe_smol::SmolRuntime;
use farpipe_tokio::TokioRuntime;
use rmcp::{
    RoleClient,
    transport::{TokioChildProcess, Transport},
};
use tempfile::NamedTempFile;
use tokio::runtime::Runtime;

use super::{KIB, MIB, size};
use crate::{
    input::{Output, Shape},
    work::{Clock, Lazy, Scale, Subject, Work},
};

/// `cat` of a file of notifications.
pub fn works() -> Vec<Lazy> {
    let work = |line: usize| -> Lazy { Box::new(move |scale| work(scale, line)) };
    [200, 4 * KIB, 64 * KIB, MIB].into_iter().map(work).collect()
}

/// The runtime that rmcp's client runs on.
///
/// # Panics
///
/// When the system refuses its threads.
pub fn tokio() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime starts")
}

fn work(scale: Scale, line: usize) -> Work {
    // A process has to be started for each run: that must not be most of it.
    let output = Output::new(Shape::Progress, 2 * scale.bytes(), line, MIB);
    let mut file = NamedTempFile::new().expect("there is room for a file");
    output.chunks.iter().for_each(|chunk| file.write_all(chunk).expect("there is room"));
    let (file, runtime) = (Arc::new(file), Arc::new(tokio()));
    let subject = |name, run: fn(&Runtime, Command) -> usize| {
        let (file, runtime) = (Arc::clone(&file), Arc::clone(&runtime));
        Subject::new(name, move || {
            let mut command = Command::new("cat");
            command.arg(file.path());
            run(&runtime, command)
        })
    };
    Work {
        name: format!("process, cat of notifications of {}", size(line)),
        bytes: output.bytes,
        messages: output.lines,
        clock: Clock::Wall,
        subjects: vec![
            subject("farpipe on tokio", on_tokio),
            subject("farpipe on smol", on_smol),
            subject("farpipe on async-std", on_async_std),
            subject("raw pipe", raw_pipe),
            subject("TokioChildProcess", child_process),
        ],
        peers: &["raw pipe", "TokioChildProcess"],
    }
}

/// Reads and counts newlines: what no transport can beat.
fn raw_pipe(_: &Runtime, mut command: Command) -> usize {
    let mut process = command.stdout(Stdio::piped()).spawn().expect("cat starts");
    let mut output = process.stdout.take().expect("it is piped");
    let mut buffer = vec![0; 64 * KIB];
    let mut lines = 0;
    while let len @ 1.. = output.read(&mut buffer).expect("a pipe can be read") {
        lines += memchr::memchr_iter(b'\n', &buffer[..len]).count();
    }
    process.wait().expect("cat ends");
    lines
}

async fn count(mut transport: impl Transport<RoleClient>) -> usize {
    let mut messages = 0;
    while let Some(message) = transport.receive().await {
        black_box(message);
        messages += 1;
    }
    messages
}

/// Each consumer is a task of its runtime, as rmcp's client is one.
fn on_tokio(runtime: &Runtime, command: Command) -> usize {
    let consumer = async {
        let process = farpipe_tokio::LocalProcess::spawn(command).expect("cat starts");
        count(FarTransport::new(process, &TokioRuntime::current())).await
    };
    runtime.block_on(runtime.spawn(consumer)).expect("nothing panics")
}

fn child_process(runtime: &Runtime, command: Command) -> usize {
    let consumer = async {
        let command = tokio::process::Command::from(command);
        count(TokioChildProcess::new(command).expect("cat starts")).await
    };
    runtime.block_on(runtime.spawn(consumer)).expect("nothing panics")
}

fn on_smol(_: &Runtime, command: Command) -> usize {
    let process = farpipe_smol::LocalProcess::spawn(command).expect("cat starts");
    smol::block_on(smol::spawn(count(FarTransport::new(process, &SmolRuntime::new()))))
}

fn on_async_std(_: &Runtime, command: Command) -> usize {
    let process = farpipe_async_std::LocalProcess::spawn(command).expect("cat starts");
    let transport = FarTransport::new(process, &AsyncStdRuntime::new());
    async_std::task::block_on(async_std::task::spawn(count(transport)))
}
