//! Processes behind a `codex exec-server`: a client of its protocol, for any async runtime.
//!
//! ```no_run
//! use farpipe_core::JsonRpc;
//! use farpipe_exec_server::{ExecServer, Options, ProcessSpec};
//! # async fn example(runtime: impl farpipe_driver::Connect) -> Result<(), Box<dyn std::error::Error>> {
//! let server = ExecServer::connect("ws://127.0.0.1:4500", Options::default(), &runtime).await?;
//! let process = server.start(&ProcessSpec::new("my-mcp-server")).await?;
//! let session = farpipe_driver::spawn(JsonRpc, farpipe_core::Limits::default(), process, &runtime)?;
//! # drop(session);
//! # Ok(())
//! # }
//! ```
//!
//! A lost link is restored for up to 25 s: the session resumes, asks for the output that it missed and
//! repeats the write that was not answered, under its old id. What the server did not keep meanwhile
//! (it keeps 1 MiB of each process) is reported as lost.
//!
//! Another program can take a process over, within the time for which the server keeps the session:
//!
//! ```no_run
//! use farpipe_core::{Checkpoint, JsonRpc, Limits, Session};
//! use farpipe_driver::Executor as _;
//! use farpipe_exec_server::{ExecServer, Options, RemoteProcess, Ticket};
//! # async fn example(
//! #     runtime: impl farpipe_driver::Connect,
//! #     ticket: Ticket,
//! #     checkpoint: Checkpoint,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! let url = "ws://127.0.0.1:4500";
//! let server = ExecServer::resume(url, Options::default(), &ticket, &runtime).await?;
//! let process = server.attach(&ticket)?;
//! let session =
//!     Session::restore(JsonRpc, process.capabilities(), Limits::default(), checkpoint)?;
//! # drop(session);
//! # Ok(())
//! # }
//! ```
//!
//! The paragraph signs (§) in this crate's documentation are those of the protocol as it was
//! measured on codex 0.169.0.

#![forbid(unsafe_code)]

mod connection;
mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod info;
mod link;
mod options;
mod process;
mod server;
mod shared;
mod spec;
mod ticket;
mod wire;

pub use futures_rustls::rustls;

pub use error::{AttachError, ConnectError, Fault, PingError, ServerError, StartError};
pub use info::ServerInfo;
pub use options::{Options, Token};
pub use process::RemoteProcess;
pub use server::ExecServer;
pub use spec::{Inherit, ProcessSpec};
pub use ticket::Ticket;
