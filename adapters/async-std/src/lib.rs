//! farpipe on async-std: clock, timers, sockets and local processes.
//!
//! **async-std is discontinued**, and its authors point to [smol](https://docs.rs/smol). This crate
//! is for programs that still run on it. New ones take `farpipe-smol`, which does the same: timers,
//! sockets and processes are smol's here as well, and only the tasks are async-std's.
//!
//! ```
//! # #[cfg(unix)] {
//! use farpipe_core::{Event, JsonRpc};
//! use std::process::Command;
//!
//! # async_std::task::block_on(async {
//! let server = farpipe_async_std::spawn(JsonRpc, Command::new("cat"))?; // answers what it is asked
//! server.send(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.into())?.await;
//! let Some(Event::Message(echo)) = server.next_event().await else { panic!() };
//! assert_eq!(echo.method(), Some("ping"));
//! println!("{}", server.close().await);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod runtime;
#[cfg(unix)]
mod session;

#[cfg(unix)]
pub use farpipe_smol::{LocalProcess, SpawnError};
pub use runtime::AsyncStdRuntime;
#[cfg(unix)]
pub use session::{spawn, spawn_with};
