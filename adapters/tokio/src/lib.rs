//! farpipe on tokio: clock, timers, sockets and local processes.
//!
//! ```
//! # #[cfg(unix)] {
//! use farpipe_core::{Delivery, Event, JsonRpc};
//! use std::process::Command;
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let server = farpipe_tokio::spawn(JsonRpc, Command::new("cat"))?; // answers what it is asked
//! let sent = server.send(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.into())?;
//! assert_eq!(sent.await, Delivery::Accepted);
//!
//! let Some(Event::Message(echo)) = server.next_event().await else { panic!() };
//! assert_eq!(echo.method(), Some("ping"));
//!
//! let end = server.close().await;
//! assert_eq!(end.exit.map(|exit| exit.is_success()), Some(true));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A command runs as the head of a process tree of its own. The whole tree is ended when the
//! session is over or the last handle is dropped, from whatever thread, with or without a runtime
//! there.
//!
//! The runtime needs its I/O and time drivers
//! ([`enable_all`](tokio::runtime::Builder::enable_all)), as tokio itself does for processes and
//! timers. No feature of tokio beyond `process`, `rt`, `time`, `io-util` and `net` is used.

#![forbid(unsafe_code)]

mod process;
mod runtime;

use farpipe_core::{Decode, Limits};
pub use farpipe_driver::process::SpawnError;
use farpipe_driver::{Handle, Options};
use tokio::process::Command;

pub use process::{LocalProcess, TokioProcess};
pub use runtime::TokioRuntime;

/// Starts `command` and a session with it, under the default [`Limits`], on the current runtime.
pub fn spawn<D>(decode: D, command: impl Into<Command>) -> Result<Handle<D>, SpawnError>
where
    D: Decode + Send + 'static,
    D::Message: Send,
{
    spawn_with(decode, Limits::default(), command)
}

/// Starts `command` and a session with it, on the current runtime. [`Limits`] alone are options.
///
/// stdin, stdout and stderr of the command are taken, whatever it says about them.
pub fn spawn_with<D>(
    decode: D,
    options: impl Into<Options<D>>,
    command: impl Into<Command>,
) -> Result<Handle<D>, SpawnError>
where
    D: Decode + Send + 'static,
    D::Message: Send,
{
    let process = LocalProcess::spawn(command)?;
    Ok(farpipe_driver::spawn(decode, options, process, &TokioRuntime::current())?)
}
