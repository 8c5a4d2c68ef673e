//! Messages that are not taken.

use core::fmt;

use bytes::Bytes;

/// A message that was not taken. The caller gets it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError {
    /// The message, unchanged.
    pub message: Bytes,
    /// Why it was not taken.
    pub reason: Refused,
}

/// Why a message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// Too much is waiting to be written; try again after a send has settled.
    Full {
        /// The limit that was reached.
        limit: &'static str,
        /// Its value.
        value: usize,
    },
    /// The message is longer than [`Limits::max_message`](crate::Limits::max_message).
    TooLong {
        /// The limit.
        max_message: usize,
    },
    /// The message contains a newline, which would end it early.
    EmbeddedNewline {
        /// Where, in bytes.
        at: usize,
    },
    /// The message is empty.
    Empty,
    /// stdin is closed, or the session is over.
    Closed,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.message.len();
        match self.reason {
            Refused::Full { limit, value } => {
                write!(
                    f,
                    "too much is waiting to be written: `{limit}` is {value}; wait for an earlier send or raise it"
                )
            }
            Refused::TooLong { max_message } => {
                write!(
                    f,
                    "the message has {len} bytes and `max_message` is {max_message}; raise the limit"
                )
            }
            Refused::EmbeddedNewline { at } => {
                write!(f, "the message has a newline at byte {at}; send one line without it")
            }
            Refused::Empty => f.write_str("the message is empty"),
            Refused::Closed => f.write_str("stdin is closed: the process or the session has ended"),
        }
    }
}

impl core::error::Error for SendError {}
