//! Drives a [`Session`](farpipe_core::Session) on any async runtime.
//!
//! - A runtime crate supplies a [`Runtime`]: a clock, a timer and a way to start a task.
//! - An executor crate supplies an [`Executor`]: it does what the session asks for and tells what
//!   happened. The one for processes on this machine is here, in [`process`], for all runtimes.
//! - [`connect`] makes a [`Handle`] and a [`Pump`] of them; [`spawn`] also runs the pump.
//!
//! The pump owns every I/O future. What a handle returns are futures that own nothing, so each of
//! them can be dropped at any moment, in any `select!`, without losing a message or a byte. All of
//! them share one lock, which is never held while foreign code runs, a decoder excepted.
//!
//! Applications use this crate through a runtime crate such as `farpipe-tokio`. For a runtime or an
//! executor that is not there yet, see the [guide](embedding).

#![forbid(unsafe_code)]

mod close;
mod connect;
mod executor;
mod handle;
mod monitor;
mod options;
pub mod process;
mod pump;
mod record;
mod runtime;
mod shared;
mod timer;
mod trace;
mod wakers;

pub use close::Close;
pub use connect::{Connected, connect, restore, spawn};
pub use executor::{Executor, Flow, Terminator};
pub use handle::{Handle, Sent};
pub use monitor::Monitor;
pub use options::Options;
pub use pump::Pump;
pub use runtime::{Connect, Runtime};
pub use trace::SESSION_TARGET;

#[doc = include_str!("../EMBEDDING.md")]
pub mod embedding {}
