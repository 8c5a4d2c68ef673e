//! farpipe as a client transport for [rmcp].
//!
//! A user of rmcp's `TokioChildProcess` changes one line:
//!
//! ```no_run
//! use farpipe_rmcp::FarTransport;
//! use farpipe_tokio::{LocalProcess, TokioRuntime};
//! use rmcp::ServiceExt as _;
//! use std::process::Command;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut command = Command::new("npx");
//! command.args(["-y", "@modelcontextprotocol/server-everything"]);
//!
//! // was: let transport = TokioChildProcess::new(command)?;
//! let transport = FarTransport::new(LocalProcess::spawn(command)?, &TokioRuntime::current());
//! let monitor = transport.monitor();
//!
//! let client = ().serve(transport).await?;
//! println!("{:?}", client.list_all_tools().await?);
//! client.cancel().await?;
//!
//! // What rmcp has no place for: why it ended, with which exit code, after which last words.
//! println!("{}", monitor.end().expect("the transport was closed"));
//! # Ok(())
//! # }
//! ```
//!
//! What the process writes to stderr becomes `tracing` events with the target [`STDERR_TARGET`] and
//! the server's name; lines on stdout that are not messages, and losses, become warnings with the
//! target [`TRANSPORT_TARGET`].

#![forbid(unsafe_code)]

mod decode;
mod error;
mod report;
mod transport;

pub use decode::RmcpDecode;
pub use error::SendFailed;
pub use report::{STDERR_TARGET, TRANSPORT_TARGET};
pub use transport::{FarTransport, Monitor, Notice, Options};

/// Keeps the example of the project's README compiling.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
