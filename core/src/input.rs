//! What an executor tells a session.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The number of an event in the stream of one process.
///
/// Dense from 1, shared by stdout, stderr, the exit and the close. 0 is "before the first event".
pub type Seq = u64;

/// Names one [`Action::Replay`](crate::Action::Replay); the page that answers it carries it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReplayId(pub u64);

/// Names one write to the process's stdin, and always the same bytes.
///
/// Executors that deduplicate do so by this number alone, so it is never used for other bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WriteId(pub u64);

/// One of the two output streams of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Carries the messages, one a line.
    Stdout,
    /// Carries human-readable diagnostics, out of band.
    Stderr,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Exit {
    /// It returned this status.
    Code(i32),
    /// This signal ended it (its platform number).
    Signal(i32),
    /// It ended, and the executor cannot say how.
    Unknown,
}

impl Exit {
    /// Whether the process ended by returning 0.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Code(0))
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::Unknown => f.write_str("an unknown exit status"),
        }
    }
}

/// A piece of output, as the executor cut it. It need not end at a line.
///
/// Chunks that arrive in order are kept as they are, without a copy. Give each an allocation of
/// about its own size: a short slice pins the whole buffer behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Its place in the stream of events.
    pub seq: Seq,
    /// Where the process wrote it.
    pub stream: Stream,
    /// What the process wrote.
    #[serde(with = "crate::json_bytes")]
    pub data: Bytes,
}

/// One answer to [`Action::Replay`](crate::Action::Replay): what the executor still retains.
///
/// The chunks of a page pass through the same ordering as live ones, so an overlap is harmless.
/// `exit` and `closed` describe the process *now*, not at the end of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The replay that this page answers. An older one is ignored.
    pub request: ReplayId,
    /// Retained output with a number above the one asked for, ascending.
    pub chunks: Vec<Chunk>,
    /// With chunks: a number above the last of them. Without: the number of the next new event.
    pub next: Seq,
    /// How the process ended, if it has.
    pub exit: Option<Exit>,
    /// Whether the process has ended and all its output is numbered.
    pub closed: bool,
    /// Why the executor gave the process up, if it has.
    pub failure: Option<String>,
}

/// What became of one [`Action::Write`](crate::Action::Write).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WriteOutcome {
    /// The executor has taken the bytes. It does not mean that the process has read them.
    Accepted,
    /// The process is not up yet; the same write is repeated after a while.
    Starting,
    /// The process cannot read any more: stdin is closed, or there is no such process.
    StdinClosed,
    /// The executor refused the write for another reason.
    Failed(String),
}

/// Tells two lives of an executor apart: its session id, its epoch, or both in one text.
///
/// Compared for equality only. An executor that comes back as another one has forgotten the process.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity(pub Box<str>);

impl<T: Into<Box<str>>> From<T> for Identity {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

/// Everything that can happen to a session from the outside.
///
/// Any order, any repetition and any content is allowed: [`Session::handle`](crate::Session::handle)
/// never panics and reports what contradicts itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Input {
    /// Output of the process.
    Output(Chunk),
    /// The process ended. Not the end of its output: that is [`Input::Closed`].
    Exited {
        /// Its place in the stream of events.
        seq: Seq,
        /// How the process ended.
        exit: Exit,
    },
    /// The process ended and no output will follow.
    Closed {
        /// Its place in the stream of events, above all others.
        seq: Seq,
    },
    /// The executor gave the process up, outside the numbering of events.
    Failed {
        /// What the executor says about it.
        message: String,
    },
    /// The executor's event feed dropped events that the session has not seen.
    Lagged {
        /// How many, as far as the executor knows.
        skipped: u64,
    },
    /// The answer to [`Action::Replay`](crate::Action::Replay).
    Replayed(Page),
    /// A replay that could not be answered.
    ReplayFailed {
        /// The replay that failed.
        request: ReplayId,
        /// What the executor says about it.
        message: String,
        /// Whether asking again can help.
        retryable: bool,
    },
    /// The answer to [`Action::Write`](crate::Action::Write).
    Written {
        /// The write that is answered.
        id: WriteId,
        /// What became of it.
        outcome: WriteOutcome,
    },
    /// The link to the executor is gone; the process may live on.
    LinkDown {
        /// What is known about it.
        reason: String,
    },
    /// The link to the executor works, for the first time or again.
    LinkUp {
        /// Who answers. Another identity than before ends the session.
        identity: Identity,
    },
    /// The executor has forgotten the process, or the link will not come back.
    SessionLost {
        /// What is known about it.
        reason: String,
    },
    /// The executor will say nothing more about the process.
    ///
    /// Without an [`Input::Closed`] before it, the stream is incomplete.
    Ended,
    /// Nothing but the passing of time; see [`Session::poll_timeout`](crate::Session::poll_timeout).
    Tick,
}
