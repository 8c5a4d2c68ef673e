//! A process and a session with it in one step.

use std::process::Command;

use farpipe_core::{Decode, Limits};
use farpipe_driver::{Handle, Options};
use farpipe_smol::{SpawnError, spawn_on};

use crate::AsyncStdRuntime;

/// Starts `command` and a session with it on async-std. [`Limits`] alone are options.
///
/// stdin, stdout and stderr of the command are taken, whatever it says about them.
pub fn spawn_with<D, O>(decode: D, options: O, command: Command) -> Result<Handle<D>, SpawnError>
where
    D: Decode<Message: Send> + Send + 'static,
    O: Into<Options<D>>,
{
    spawn_on(&AsyncStdRuntime::new(), decode, options, command)
}

/// [`spawn_with`] under the default [`Limits`].
pub fn spawn<D>(decode: D, command: Command) -> Result<Handle<D>, SpawnError>
where
    D: Decode<Message: Send> + Send + 'static,
{
    spawn_with(decode, Limits::default(), command)
}
