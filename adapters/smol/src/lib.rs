//! farpipe on smol: clock, timers, sockets and local processes.
//!
//! ```
//! # #[cfg(unix)] {
//! use farpipe_core::{Delivery, Event, JsonRpc};
//! use std::process::Command;
//!
//! # smol::block_on(async {
//! let server = farpipe_smol::spawn(JsonRpc, Command::new("cat"))?; // answers what it is asked
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
//! session is over or the last handle is dropped, from whatever thread, whatever runs there.
//!
//! Everything can be called from any thread: timers and pipes are served by smol's own thread, and
//! [`SmolRuntime::new`] runs sessions on smol's global executor. An executor of your own serves as
//! well, see [`SmolRuntime::with_executor`].
//!
//! rmcp itself needs a tokio runtime around its client, whatever the transport: poll it inside an
//! `async_compat::Compat`, as the example `rmcp` does, and the session can still be here.
//!
//! Local processes are there on Unix only. On Windows, whole process trees need job objects, which
//! smol does not know; `farpipe-tokio` has them.

#![forbid(unsafe_code)]

#[cfg(unix)]
mod process;
mod runtime;
#[cfg(unix)]
mod session;

#[cfg(unix)]
pub use farpipe_driver::process::SpawnError;
#[cfg(unix)]
pub use process::{LocalProcess, SmolProcess};
pub use runtime::{Sleep, SmolRuntime};
#[cfg(unix)]
pub use session::{spawn, spawn_on, spawn_with};
