//! A process and a session with it in one step.

use std::process::Command;

use farpipe_core::{Decode, Limits};
use farpipe_driver::{Handle, Options, Runtime, process::SpawnError};

use crate::{LocalProcess, SmolRuntime};

/// Starts `command` and a session with it, under the default [`Limits`], on smol's global executor.
pub fn spawn<D: Decode<Message: Send> + Send + 'static>(
    decode: D,
    command: Command,
) -> Result<Handle<D>, SpawnError> {
    spawn_with(decode, Limits::default(), command)
}

/// Starts `command` and a session with it, on smol's global executor. [`Limits`] alone are options.
///
/// stdin, stdout and stderr of the command are taken, whatever it says about them.
pub fn spawn_with<D: Decode<Message: Send> + Send + 'static>(
    decode: D,
    options: impl Into<Options<D>>,
    command: Command,
) -> Result<Handle<D>, SpawnError> {
    spawn_on(&SmolRuntime::new(), decode, options, command)
}

/// Like [`spawn_with`], on a runtime of your choice: for an executor of your own, and for every
/// other runtime that leaves I/O to smol's thread.
pub fn spawn_on<R: Runtime, D: Decode<Message: Send> + Send + 'static>(
    runtime: &R,
    decode: D,
    options: impl Into<Options<D>>,
    command: Command,
) -> Result<Handle<D>, SpawnError> {
    let process = LocalProcess::spawn(command)?;
    Ok(farpipe_driver::spawn(decode, options, process, runtime)?)
}
