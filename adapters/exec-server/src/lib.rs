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
//! The paragraph signs (§) in this crate's documentation are those of the protocol as it was
//! measured on codex 0.169.0.

#![forbid(unsafe_code)]

mod connection;
mod error;
mod link;
mod options;
mod process;
mod server;
mod shared;
mod spec;
mod wire;

pub use futures_rustls::rustls;

pub use error::{ConnectError, Fault, ServerError, StartError};
pub use options::{Options, Token};
pub use process::RemoteProcess;
pub use server::ExecServer;
pub use spec::{Inherit, ProcessSpec};
