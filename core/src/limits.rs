//! Every budget and every waiting time of a session, in one place.

use core::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// Every budget and every waiting time of a session.
///
/// Reaching one of them yields an event or an error that names it. Change what you need and leave
/// the rest:
///
/// ```
/// use farpipe_core::Limits;
///
/// let limits = Limits { max_line: 64 << 20, ..Limits::default() };
/// assert!(limits.validate().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Longest line on stdout, in bytes, without its newline and one CR before it. Default 16 MiB,
    /// which is what rmcp and the exec-server's frames allow. A longer line is discarded up to its
    /// newline and reported as [`Event::Oversized`](crate::Event::Oversized).
    pub max_line: usize,
    /// How much of each end of a discarded or unreadable line is kept, in bytes. Default 512: enough
    /// for the JSON-RPC `id`, wherever it stands.
    pub line_window: usize,
    /// Longest line on stderr, in bytes. Default 64 KiB. The rest of a longer one is dropped and the
    /// line is marked [`truncated`](crate::StderrLine::truncated).
    pub stderr_line: usize,
    /// How much of the end of stderr is kept for the end report, in bytes. Default 8 KiB.
    pub stderr_tail: usize,

    /// How many events may wait for a missing one. Default 4 096: two busy streams of the real
    /// executor needed 158 on an idle loopback, and hundreds right after a resume. Beyond it the
    /// highest are dropped and asked for again.
    pub reorder_events: usize,
    /// How many bytes may wait for a missing event. Default 16 MiB, for the same reason.
    pub reorder_bytes: usize,
    /// How many bytes of ordered output may wait for the application before
    /// [`Session::wants_input`](crate::Session::wants_input) turns false. Default 4 MiB. An executor
    /// that cannot pause may go to twice as much; then its output is dropped and asked for again.
    pub inbox_bytes: usize,

    /// Size of a replay page, in bytes of output. Default 512 KiB, half of what the exec-server retains.
    pub replay_page: usize,
    /// How long a missing event may just be late before a replay is asked for. Default 100 ms.
    pub replay_grace: Duration,
    /// How many later events may arrive before a replay is asked for. Default 64.
    pub replay_grace_events: usize,
    /// The same for an executor that promises [`lossless`](crate::Capabilities::lossless) delivery:
    /// there a missing event is a fault, not a delay. Default 5 s.
    pub lossless_grace: Duration,
    /// How long a replay may take before it counts as failed. Default 10 s.
    pub replay_timeout: Duration,
    /// How often a failed replay is tried again. Default 5.
    pub replay_retries: u32,
    /// The pause before the first retry, doubled each time up to 32 times as much. Default 100 ms.
    pub replay_backoff: Duration,
    /// Ask at once when more than this share of the executor's retention has arrived behind a
    /// missing event, in percent. Default 50.
    pub retention_share: u8,

    /// Longest message to send, in bytes, without its newline. Default 16 MiB.
    pub max_message: usize,
    /// How many bytes of messages may wait to be written. Default 32 MiB.
    pub outbox_bytes: usize,
    /// How many messages may wait to be written, or for their outcome to be polled. Default 4 096.
    pub outbox_messages: usize,
    /// Largest single write, in bytes. Default 256 KiB: a long message is split and many short ones
    /// are joined, well under the executor's frame of 16 MiB.
    pub max_write: usize,
    /// How long a write may stay unanswered before it is repeated under the same id, where the
    /// executor deduplicates. Default 10 s.
    pub write_timeout: Duration,
    /// The pause before a write to a starting process is repeated, doubled each time up to 32 times
    /// as much. Default 50 ms.
    pub starting_backoff: Duration,

    /// How many requests may wait for an answer. Default 65 536; a further one is refused.
    pub pending_calls: usize,
    /// How many calls that were answered in the process's place are remembered, so that a late true
    /// answer is not delivered as a second one. Default 1 024.
    pub late_answers: usize,

    /// How long the output may stay open after the exit without a new event. Default 2 s. A
    /// descendant that keeps the pipes may never close them.
    pub exit_idle: Duration,
    /// How long the output may stay open after the exit in all. Default 60 s.
    pub exit_linger: Duration,
    /// How long the link may stay down. Default 25 s: executors that are known keep a detached
    /// session for 30 s or more.
    pub link_down: Duration,

    /// Close plan: how long the process may take to end after its stdin is closed. Default 2 s.
    pub close_stdin_wait: Duration,
    /// Close plan: how long it may take after it was asked to stop. Default 2 s.
    pub close_interrupt_wait: Duration,
    /// Close plan: how long it may take after it was terminated. Default 3 s.
    pub close_terminate_wait: Duration,
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_line: 16 * MIB,
            line_window: 512,
            stderr_line: 64 * KIB,
            stderr_tail: 8 * KIB,
            reorder_events: 4096,
            reorder_bytes: 16 * MIB,
            inbox_bytes: 4 * MIB,
            replay_page: 512 * KIB,
            replay_grace: Duration::from_millis(100),
            replay_grace_events: 64,
            lossless_grace: Duration::from_secs(5),
            replay_timeout: Duration::from_secs(10),
            replay_retries: 5,
            replay_backoff: Duration::from_millis(100),
            retention_share: 50,
            max_message: 16 * MIB,
            outbox_bytes: 32 * MIB,
            outbox_messages: 4096,
            max_write: 256 * KIB,
            write_timeout: Duration::from_secs(10),
            starting_backoff: Duration::from_millis(50),
            pending_calls: 65_536,
            late_answers: 1024,
            exit_idle: Duration::from_secs(2),
            exit_linger: Duration::from_secs(60),
            link_down: Duration::from_secs(25),
            close_stdin_wait: Duration::from_secs(2),
            close_interrupt_wait: Duration::from_secs(2),
            close_terminate_wait: Duration::from_secs(3),
        }
    }
}

impl Limits {
    /// Checks that no budget is so small that the session could not move.
    pub fn validate(&self) -> Result<(), InvalidLimits> {
        self.validate_minima()?;
        if self.max_message >= self.outbox_bytes {
            return Err(InvalidLimits::new(
                "outbox_bytes",
                "above max_message, or no long message fits",
            ));
        }
        if self.write_timeout.is_zero() {
            return Err(InvalidLimits::new("write_timeout", "above zero, or it is over at once"));
        }
        if self.retention_share > 100 {
            return Err(InvalidLimits::new("retention_share", "at most 100 percent"));
        }
        Ok(())
    }

    fn validate_minima(&self) -> Result<(), InvalidLimits> {
        let minima = [
            ("max_line", self.max_line),
            ("stderr_line", self.stderr_line),
            ("reorder_events", self.reorder_events),
            ("reorder_bytes", self.reorder_bytes),
            ("inbox_bytes", self.inbox_bytes),
            ("replay_page", self.replay_page),
            ("max_message", self.max_message),
            ("outbox_messages", self.outbox_messages),
            ("max_write", self.max_write),
            ("pending_calls", self.pending_calls),
        ];
        match minima.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(InvalidLimits::new(name, "at least 1")),
            None => Ok(()),
        }
    }
}

/// A limit that would keep a session from ever moving. The caller's mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLimits {
    field: &'static str,
    must_be: &'static str,
}

impl InvalidLimits {
    const fn new(field: &'static str, must_be: &'static str) -> Self {
        Self { field, must_be }
    }

    /// The field of [`Limits`] that is off.
    pub const fn field(&self) -> &'static str {
        self.field
    }
}

impl fmt::Display for InvalidLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the limit `{}` must be {}", self.field, self.must_be)
    }
}

impl core::error::Error for InvalidLimits {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid() {
        assert_eq!(Limits::default().validate(), Ok(()));
    }

    #[test]
    fn a_limit_that_stops_everything_is_named() {
        let limits = Limits { max_write: 0, ..Limits::default() };
        assert_eq!(limits.validate().unwrap_err().field(), "max_write");
        let limits = Limits { retention_share: 101, ..Limits::default() };
        assert_eq!(limits.validate().unwrap_err().field(), "retention_share");
        let limits = Limits { retention_share: 100, ..Limits::default() };
        assert_eq!(limits.validate(), Ok(()));
        let limits = Limits { outbox_bytes: 10, max_message: 10, ..Limits::default() };
        assert_eq!(limits.validate().unwrap_err().field(), "outbox_bytes");
    }
}
