//! Why a session ended.

use alloc::{format, string::String};
use core::{fmt, time::Duration};

use bytes::Bytes;

use crate::{BadReason, Exit, Seq};

/// The end of a session: always typed, never an empty text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct End {
    /// Why it ended.
    pub cause: Cause,
    /// How the process ended, if that is known.
    pub exit: Option<Exit>,
    /// The last bytes of stderr, up to [`Limits::stderr_tail`](crate::Limits::stderr_tail).
    pub stderr_tail: Bytes,
    /// How many events were lost over the whole session.
    pub lost: u64,
    /// How many calls were still waiting for an answer. Each was told why it has none.
    pub pending_failed: usize,
    /// Whether the same command may do better when started again: the cause lies in the link or
    /// the executor, not in the program.
    pub retryable: bool,
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The process ended by itself and all its output has been delivered.
    Closed,
    /// The process ended after [`Session::close`](crate::Session::close), and all its output has
    /// been delivered.
    Requested,
    /// The process was still there when the last step of the close plan was over.
    CloseTimedOut {
        /// How long the whole plan took.
        waited: Duration,
    },
    /// The process ended, but a descendant kept its output open beyond the limit.
    OutputHeldOpen {
        /// How long after the exit.
        waited: Duration,
        /// The limit that was reached.
        limit: &'static str,
    },
    /// The executor's stream broke off without saying that the output was complete.
    Incomplete,
    /// The executor gave the process up.
    Failed {
        /// What it said.
        message: String,
    },
    /// The executor has forgotten the process, or the link did not come back.
    SessionLost {
        /// What is known about it.
        reason: String,
    },
    /// Missing output could not be asked for.
    ReplayFailed {
        /// How often it was tried.
        attempts: u32,
        /// What the executor said last.
        message: String,
    },
    /// Output was lost, and [`LossPolicy::End`](crate::LossPolicy::End) is in force.
    Lost {
        /// The number of the first missing event.
        first: Seq,
        /// The number of the last one.
        last: Seq,
    },
    /// A line on stdout was not a message, and [`NoisePolicy::Strict`](crate::NoisePolicy::Strict)
    /// is in force.
    Noise {
        /// What is wrong with it.
        reason: BadReason,
    },
    /// More output arrived than the budget holds, from an executor that cannot replay it.
    Overflow {
        /// The limit that was reached.
        limit: &'static str,
        /// Its value.
        value: usize,
    },
    /// The executor contradicted itself.
    Violation(Violation),
}

/// A contradiction in what an executor said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// It named two different places for the close.
    ConflictingClose {
        /// The first one.
        first: Seq,
        /// The other one.
        second: Seq,
    },
    /// It named two different places for the exit.
    ConflictingExit {
        /// The first one.
        first: Seq,
        /// The other one.
        second: Seq,
    },
    /// It numbered an event above the close.
    EventAfterClose {
        /// The close.
        closed: Seq,
        /// The event.
        event: Seq,
    },
    /// A page's `next` lies at or below the number it was asked to start after.
    PageBehind {
        /// What was asked for.
        after: Seq,
        /// What came.
        next: Seq,
    },
    /// A page holds a chunk at or above its own `next`.
    PageBeyondNext {
        /// The chunk.
        chunk: Seq,
        /// The page's `next`.
        next: Seq,
    },
}

impl Cause {
    /// A stable name for logs and machines.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Requested => "requested",
            Self::CloseTimedOut { .. } => "close_timed_out",
            Self::OutputHeldOpen { .. } => "output_held_open",
            Self::Incomplete => "incomplete",
            Self::Failed { .. } => "failed",
            Self::SessionLost { .. } => "session_lost",
            Self::ReplayFailed { .. } => "replay_failed",
            Self::Lost { .. } => "lost",
            Self::Noise { .. } => "noise",
            Self::Overflow { .. } => "overflow",
            Self::Violation(_) => "violation",
        }
    }

    /// Whether the link or the executor is at fault, so that starting again may help.
    pub(crate) const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Incomplete
                | Self::SessionLost { .. }
                | Self::ReplayFailed { .. }
                | Self::Lost { .. }
        )
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConflictingClose { first, second } => {
                write!(f, "it closed the output at event {first} and again at event {second}")
            }
            Self::ConflictingExit { first, second } => {
                write!(f, "it reported the exit as event {first} and again as event {second}")
            }
            Self::EventAfterClose { closed, event } => {
                write!(f, "it sent event {event} after it had closed the output at event {closed}")
            }
            Self::PageBehind { after, next } => {
                write!(
                    f,
                    "asked for what follows event {after}, it answered that event {next} is next"
                )
            }
            Self::PageBeyondNext { chunk, next } => {
                write!(f, "its replay page holds event {chunk} although event {next} is next")
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the process ended"),
            Self::Requested => f.write_str("the process ended as requested"),
            Self::CloseTimedOut { waited } => {
                write!(f, "the process was still there {waited:?} after it was told to stop")
            }
            Self::OutputHeldOpen { waited, limit } => write!(
                f,
                "a descendant of the process held its output open for {waited:?} after the exit ({limit})"
            ),
            Self::Incomplete => {
                f.write_str("the executor's stream broke off before the output was complete")
            }
            Self::Failed { message } => write!(f, "the executor gave the process up: {message}"),
            Self::SessionLost { reason } => write!(f, "the executor's session is lost: {reason}"),
            Self::ReplayFailed { attempts, message } => {
                write!(f, "missing output could not be replayed in {attempts} attempts: {message}")
            }
            Self::Lost { first, last } => {
                write!(f, "output {first} to {last} is lost, and a loss was to end the session")
            }
            Self::Noise { reason } => write!(
                f,
                "the process wrote a line to stdout that is {reason}, and noise was to end the session"
            ),
            Self::Overflow { limit, value } => write!(
                f,
                "more output arrived than {limit} ({value}) allows, and the executor cannot replay it"
            ),
            Self::Violation(violation) => {
                write!(f, "the executor contradicted itself: {violation}")
            }
        }
    }
}

impl fmt::Display for End {
    /// One sentence: the cause, the exit status, the losses and, unless all went well, the last line
    /// of stderr.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cause)?;
        if let Some(exit) = self.exit {
            write!(f, " with {exit}")?;
        }
        if self.lost > 0 {
            write!(f, ", {} events of output were lost", self.lost)?;
        }
        if self.pending_failed == 1 {
            f.write_str(", 1 call was not answered")?;
        } else if self.pending_failed > 1 {
            write!(f, ", {} calls were not answered", self.pending_failed)?;
        }
        if self.exit.is_some_and(Exit::is_success) {
            return Ok(());
        }
        match last_line(&self.stderr_tail) {
            Some(line) => write!(f, "; its last words on stderr: {line}"),
            None => f.write_str("; it wrote nothing to stderr"),
        }
    }
}

fn last_line(tail: &[u8]) -> Option<String> {
    let line = tail.rsplit(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty())?;
    Some(format!("{:?}", String::from_utf8_lossy(line.trim_ascii())))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    fn end(exit: Exit, lost: u64, pending_failed: usize) -> String {
        let (cause, exit) = (Cause::Closed, Some(exit));
        let stderr_tail = Bytes::from_static(b"bye\n");
        End { retryable: false, cause, exit, stderr_tail, lost, pending_failed }.to_string()
    }

    #[test]
    fn an_end_tells_what_was_lost_and_who_was_not_answered() {
        assert_eq!(end(Exit::Code(0), 0, 0), "the process ended with exit code 0");
        assert_eq!(
            end(Exit::Code(0), 2, 1),
            "the process ended with exit code 0, 2 events of output were lost, 1 call was not answered"
        );
        assert_eq!(
            end(Exit::Signal(9), 0, 2),
            "the process ended with signal 9, 2 calls were not answered; its last words on stderr: \"bye\""
        );
    }

    #[test]
    fn a_contradiction_names_both_of_its_sides() {
        for violation in [
            Violation::ConflictingClose { first: 11, second: 22 },
            Violation::ConflictingExit { first: 11, second: 22 },
            Violation::EventAfterClose { closed: 11, event: 22 },
            Violation::PageBehind { after: 11, next: 22 },
            Violation::PageBeyondNext { chunk: 11, next: 22 },
        ] {
            let text = violation.to_string();
            assert!(text.contains("event 11") && text.contains("event 22"), "{text}");
        }
    }
}
