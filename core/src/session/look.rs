//! What can be seen of a session without changing it.

use bytes::Bytes;

use super::{Phase, Session};
use crate::{Calls, Decode, End, Exit, Limits, Stats};

impl<D: Decode> Session<D> {
    /// Whether more output is wanted: false while what waits for the application exceeds
    /// [`Limits::inbox_bytes`].
    pub fn wants_input(&self) -> bool {
        !self.inbox.is_full()
    }

    /// Whether the end is known: [`end`](Self::end) tells it, even if it has not been read yet.
    pub const fn is_ending(&self) -> bool {
        self.cause.is_some()
    }

    /// Whether [`Event::End`](crate::Event::End) has been delivered.
    pub fn is_ended(&self) -> bool {
        self.inbox.is_ended()
    }

    /// Whether the process can no longer be reached: nothing more is asked of the executor.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Closed | Phase::Terminated)
    }

    /// The requests that wait for an answer.
    pub const fn calls(&self) -> &Calls {
        &self.calls
    }

    /// The counters.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The limits that this session was made with.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How the process ended, once that is known.
    pub const fn exit(&self) -> Option<Exit> {
        self.exit
    }

    /// How the session ends, as soon as that is known: what came before it may still be unread.
    pub fn end(&self) -> Option<End> {
        let cause = self.cause.clone()?;
        Some(End {
            retryable: cause.is_retryable(),
            cause,
            exit: self.exit,
            stderr_tail: self.stderr_tail(),
            lost: self.stats.lost,
            pending_failed: self.pending_failed + self.calls.len(),
        })
    }

    /// The last bytes of stderr, read or not.
    pub fn stderr_tail(&self) -> Bytes {
        self.stderr_tail.to_bytes()
    }
}
