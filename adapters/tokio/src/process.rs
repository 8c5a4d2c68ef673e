//! A process on this machine.

use std::{io, process::Stdio};

use farpipe_driver::process::{self, PartsOf, SpawnError, Start};
use tokio::{
    process::{ChildStderr, ChildStdin, ChildStdout, Command},
    runtime::Handle,
};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt, TokioAsyncWriteCompatExt};

#[cfg(unix)]
#[path = "process/start_unix.rs"]
mod start;
#[cfg(windows)]
#[path = "process/start_windows.rs"]
mod start;

type Stdin = Compat<ChildStdin>;
type Stdout = Compat<ChildStdout>;
type Stderr = Compat<ChildStderr>;
type LocalParts = PartsOf<TokioProcess>;

/// A process on this machine, as the head of a process tree of its own.
///
/// It must be spawned on a tokio runtime with its I/O driver enabled; outside of one that fails.
pub type LocalProcess = process::LocalProcess<TokioProcess>;

/// How tokio starts a process.
#[derive(Debug)]
#[non_exhaustive]
pub struct TokioProcess;

impl Start for TokioProcess {
    type Command = Command;
    type Stdin = Stdin;
    type Stdout = Stdout;
    type Stderr = Stderr;

    fn start(mut command: Command) -> Result<(u32, LocalParts), SpawnError> {
        if Handle::try_current().is_err() {
            return Err(SpawnError::no_runtime(command.as_std()));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        start::start(command)
    }
}

fn compat(
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
) -> io::Result<(Stdin, Stdout, Stderr)> {
    Ok((taken(stdin)?.compat_write(), taken(stdout)?.compat(), taken(stderr)?.compat()))
}

fn widen(stdout: &Stdout) -> io::Result<()> {
    process::widen(stdout.get_ref())
}

/// A part that tokio has promised for a process that was just started with three pipes.
fn taken<T>(part: Option<T>) -> io::Result<T> {
    part.ok_or_else(|| io::Error::other("a part of the process is missing"))
}
