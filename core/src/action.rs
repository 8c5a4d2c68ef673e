//! What a session asks of its executor, and when it wants to be asked again.

use alloc::string::String;

use bytes::Bytes;

use crate::{ReplayId, SendId, Seq, Timestamp, WriteId};

/// Something for the adapter to do. Results come back as an [`Input`](crate::Input).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Ask the executor for the output it retains after `after`.
    ///
    /// Answer with [`Input::Replayed`](crate::Input::Replayed) or
    /// [`Input::ReplayFailed`](crate::Input::ReplayFailed). At most one is outstanding.
    Replay {
        /// Goes back with the answer.
        request: ReplayId,
        /// Only events with a higher number are wanted.
        after: Seq,
        /// Stop the page at about this many bytes of output; more pages are asked for.
        max_bytes: usize,
    },
    /// Write these bytes to the process's stdin, all of them.
    ///
    /// Answer with [`Input::Written`](crate::Input::Written). At most one is outstanding. The same
    /// id with the same bytes may come again after a loss of the link or a time-out.
    Write {
        /// Goes back with the answer, and to the executor if it deduplicates.
        id: WriteId,
        /// What to write.
        data: Bytes,
    },
    /// Close the process's stdin. Every write before it has been answered.
    CloseStdin,
    /// Ask the process to stop: SIGTERM, SIGINT or what comes nearest. Not answered.
    Interrupt,
    /// End the process and its descendants at once. Not answered.
    Terminate,
}

/// When to call [`Session::handle`](crate::Session::handle) again at the latest, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout {
    /// The moment to pass with an [`Input::Tick`](crate::Input::Tick).
    pub at: Timestamp,
    /// What the session waits for.
    pub reason: TimeoutReason,
}

/// What a [`Timeout`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutReason {
    /// A missing event that may just be late.
    Gap,
    /// The answer to a replay.
    ReplayAnswer,
    /// The pause before a failed replay is tried again.
    ReplayRetry,
    /// The answer to a write.
    WriteAnswer,
    /// The pause before a write is repeated to a process that was still starting.
    WriteRetry,
    /// The close of the output after the exit of the process.
    CloseAfterExit,
    /// The return of the link.
    LinkUp,
    /// The current step of the close plan.
    ClosePlan,
}

/// What became of one [`Session::send`](crate::Session::send).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The send that is settled.
    pub id: SendId,
    /// How.
    pub delivery: Delivery,
}

/// The outcome of a send.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// The executor has taken every byte of the message.
    ///
    /// That the process has read them can only be told by its own answer.
    Accepted,
    /// The message did not reach the process.
    Rejected(Rejected),
    /// The link went for good before an answer: the message may or may not have arrived.
    Unknown,
}

/// Why a send was rejected.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejected {
    /// The process's stdin is closed, or the process is gone.
    StdinClosed,
    /// The executor refused the write.
    Refused {
        /// What it said.
        message: String,
    },
    /// The session ended before the message was handed to the executor.
    SessionEnded,
}
