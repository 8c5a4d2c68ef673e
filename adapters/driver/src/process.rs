//! A process on this machine, for any runtime.
//!
//! A runtime crate starts the process with three pipes, as the leader of a process tree of its
//! own, and hands the [`Parts`] to a [`LocalExecutor`]: by itself, or by saying how to [`Start`] a
//! [`LocalProcess`]. The numbering of events, back-pressure,
//! writes and the end of the whole tree are done here, once for all runtimes.

mod buffers;
mod error;
mod local;
mod pipe;
mod started;
mod stdin;
#[cfg(unix)]
#[path = "process/tree_unix.rs"]
mod tree;
#[cfg(not(unix))]
#[path = "process/tree_other.rs"]
mod tree;
mod wide;

pub use error::SpawnError;
pub use local::{LocalExecutor, Parts};
pub use started::{BoxedWait, LocalProcess, PartsOf, Start};
pub use tree::ProcessTree;
#[cfg(target_os = "linux")]
pub use wide::WIDE_PIPE;
pub use wide::widen;
