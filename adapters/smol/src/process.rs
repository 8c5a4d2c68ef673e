//! A process on this machine.

use std::{
    io,
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
};

use farpipe_driver::process::{self, Parts, PartsOf, ProcessTree, SpawnError, Start};
use smol::process::{Child, ChildStderr, ChildStdin, ChildStdout};

/// A process on this machine, as the head of a process tree of its own.
///
/// It can be spawned from any thread, and takes a command of the standard library: smol's own
/// cannot start a process group.
pub type LocalProcess = process::LocalProcess<SmolProcess>;

/// How smol starts a process.
#[derive(Debug)]
#[non_exhaustive]
pub struct SmolProcess;

impl Start for SmolProcess {
    type Command = Command;
    type Stdin = ChildStdin;
    type Stdout = ChildStdout;
    type Stderr = ChildStderr;

    fn start(mut command: Command) -> Result<(u32, PartsOf<Self>), SpawnError> {
        command.process_group(0);
        let described = describe(&command);
        let mut command = smol::process::Command::from(command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let parts = command.kill_on_drop(true).spawn().and_then(take_apart);
        parts.map_err(|error| SpawnError::new(&described, error))
    }
}

/// What an error tells of `command`, which smol's own command does not give back.
fn describe(command: &Command) -> Command {
    let mut described = Command::new(command.get_program());
    if let Some(directory) = command.get_current_dir() {
        described.current_dir(directory);
    }
    described
}

fn take_apart(mut child: Child) -> io::Result<(u32, PartsOf<SmolProcess>)> {
    let id = child.id();
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let stderr = child.stderr.take().ok_or_else(missing)?;
    let widen = |stdout: &ChildStdout| process::widen(stdout);
    let wait = Box::pin(child.status());
    Ok((id, Parts { stdin, stdout, stderr, widen, wait, tree: ProcessTree::of_leader(id) }))
}

/// smol has promised every pipe that it was asked for.
fn missing() -> io::Error {
    io::Error::other("a pipe of the process is missing")
}
