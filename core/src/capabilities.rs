//! What an executor promises.

use serde::{Deserialize, Serialize};

/// What an executor promises; a session's defaults follow from it, not from guesses.
///
/// ```
/// use farpipe_core::{Capabilities, Retention};
///
/// let far = Capabilities {
///     replay: true,
///     retention: Some(Retention { bytes: 1 << 20, events: 50_000 }),
///     ..Capabilities::default()
/// };
/// assert!(!far.close_stdin);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools)] // Independent promises, each read by its own name.
pub struct Capabilities {
    /// While the link is up every event arrives, if perhaps late and out of order.
    pub lossless: bool,
    /// The session is attached before the process starts, so nothing can precede it.
    pub from_start: bool,
    /// Past output can be asked for again with [`Action::Replay`](crate::Action::Replay).
    pub replay: bool,
    /// How much past output is kept for replays, if that is known.
    pub retention: Option<Retention>,
    /// The process's stdin can be closed.
    pub close_stdin: bool,
    /// The process can be asked to stop before it is terminated.
    pub interrupt: bool,
    /// A write that is repeated under the same id reaches the process once.
    pub write_deduplication: bool,
}

/// How much output an executor keeps for replays. The oldest goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Bytes of output.
    pub bytes: usize,
    /// Number of chunks.
    pub events: usize,
}

impl Capabilities {
    /// A process on this machine, read through its own pipes.
    ///
    /// Nothing is ever lost or reordered; stdin can be closed and the process asked to stop.
    pub const fn local() -> Self {
        Self {
            lossless: true,
            from_start: true,
            replay: false,
            retention: None,
            close_stdin: true,
            interrupt: true,
            write_deduplication: false,
        }
    }
}
