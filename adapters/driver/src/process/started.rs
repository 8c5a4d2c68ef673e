//! A process that a runtime crate has started.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    process::ExitStatus,
    task::{Context, Poll},
};

use farpipe_core::{Action, Capabilities, Input};
use futures_io::{AsyncRead, AsyncWrite};

use super::{LocalExecutor, Parts, SpawnError};
use crate::{Executor, Flow, Terminator};

/// How a runtime crate starts a process.
pub trait Start: Sized + 'static {
    /// What describes a process in its world.
    type Command;
    /// Where the process reads.
    type Stdin: AsyncWrite + Unpin + Send + 'static;
    /// Where it writes its messages.
    type Stdout: AsyncRead + Unpin + Send + 'static;
    /// Where it writes its diagnostics.
    type Stderr: AsyncRead + Unpin + Send + 'static;

    /// Starts a process with three pipes, as the head of a process tree of its own; also says
    /// what number it got.
    fn start(command: Self::Command) -> Result<(u32, PartsOf<Self>), SpawnError>;
}

/// The parts of a process that `S` has started.
pub type PartsOf<S> =
    Parts<<S as Start>::Stdin, <S as Start>::Stdout, <S as Start>::Stderr, BoxedWait>;

/// Waits for a process and owns it.
pub type BoxedWait = Pin<Box<dyn Future<Output = io::Result<ExitStatus>> + Send>>;

/// A process on this machine, as the head of a process tree of its own.
///
/// Dropping it kills the tree. See [`LocalExecutor`] for how it treats the process.
///
/// The tree is no longer the terminal's foreground job: a command that insists on asking the user
/// there, like `ssh` for a password, is stopped by the system. Give it another way to ask.
pub struct LocalProcess<S: Start> {
    id: u32,
    local: LocalExecutor<S::Stdin, S::Stdout, S::Stderr, BoxedWait>,
}

impl<S: Start> LocalProcess<S> {
    /// Starts `command` with pipes for stdin, stdout and stderr, whatever it says about them.
    ///
    /// Some runtimes have to be there in the calling thread; outside of them this fails.
    pub fn spawn(command: impl Into<S::Command>) -> Result<Self, SpawnError> {
        let (id, parts) = S::start(command.into())?;
        Ok(Self { id, local: LocalExecutor::new(parts) })
    }

    /// The number that the system gave the process. It may belong to another one once the process
    /// has ended.
    pub const fn id(&self) -> u32 {
        self.id
    }
}

impl<S: Start> Executor for LocalProcess<S> {
    fn capabilities(&self) -> Capabilities {
        self.local.capabilities()
    }

    fn start(&mut self, action: Action) {
        self.local.start(action);
    }

    fn poll_input(&mut self, cx: &mut Context<'_>, flow: Flow) -> Poll<Input> {
        self.local.poll_input(cx, flow)
    }

    fn terminator(&self) -> Terminator {
        self.local.terminator()
    }
}

impl<S: Start> fmt::Debug for LocalProcess<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalProcess").field("id", &self.id).finish_non_exhaustive()
    }
}
