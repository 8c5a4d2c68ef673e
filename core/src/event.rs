//! What a session tells the application.

use alloc::string::String;
use core::{fmt, ops::RangeInclusive};

use bytes::Bytes;

use crate::{
    End, Exit, Id, Seq,
    calls::{request_id, response_id},
};

/// One thing that happened, in the order of the process's own events.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<M> {
    /// A message, decoded.
    Message(M),
    /// A line that the process wrote to stderr.
    Stderr(StderrLine),
    /// A line on stdout that is not a message and does not look like a damaged one.
    Noise(BadLine),
    /// A line on stdout that looks like a message and cannot be read.
    Malformed(BadLine),
    /// A line on stdout above [`Limits::max_line`](crate::Limits::max_line); discarded.
    Oversized(Oversized),
    /// Output that no replay can bring back. Told once per hole.
    Lost(Lost),
    /// The process ended. Output may still follow.
    Exited(Exit),
    /// The end of the session. Told exactly once, and nothing follows.
    End(End),
}

/// A line of stderr without its newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StderrLine {
    /// The bytes as the process wrote them.
    pub bytes: Bytes,
    /// The line was longer than [`Limits::stderr_line`](crate::Limits::stderr_line), or broken off
    /// by a loss; the rest is not delivered.
    pub truncated: bool,
}

impl StderrLine {
    /// The line as text; what is not UTF-8 becomes U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// A line of stdout that could not be read, kept short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// What is wrong with it.
    pub reason: BadReason,
    /// How long the line was, in bytes.
    pub len: usize,
    /// Its beginning, up to [`Limits::line_window`](crate::Limits::line_window) bytes.
    pub head: Bytes,
    /// The end of what is not in `head`, up to as many bytes.
    pub tail: Bytes,
    /// The stream ended before the line did.
    pub unterminated: bool,
}

/// Why a line could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BadReason {
    /// It is not UTF-8.
    InvalidUtf8,
    /// It is not JSON.
    NotJson,
    /// It is JSON, but not a JSON-RPC 2.0 message.
    NotJsonRpc,
    /// It is a JSON-RPC message that the application's own decoder does not accept.
    Unsupported,
}

impl fmt::Display for BadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidUtf8 => "not UTF-8",
            Self::NotJson => "not JSON",
            Self::NotJsonRpc => "not a JSON-RPC 2.0 message",
            Self::Unsupported => "a JSON-RPC message of an unsupported shape",
        })
    }
}

/// A line above the limit, of which only the two ends were kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oversized {
    /// How long the line was, in bytes, without its newline.
    pub len: u64,
    /// The limit it exceeded.
    pub limit: usize,
    /// Its beginning, up to [`Limits::line_window`](crate::Limits::line_window) bytes.
    pub head: Bytes,
    /// Its end, up to as many bytes; a server may write the `id` last.
    pub tail: Bytes,
    /// The stream ended, or broke off, before the line did.
    pub unterminated: bool,
}

impl Oversized {
    /// The id of the request that the line was, as far as its ends show that it was one.
    pub fn request_id(&self) -> Option<Id> {
        request_id(&self.head, &self.tail, self.unterminated)
    }

    /// The id of the request that the line answered, as far as its ends show that it did.
    pub fn response_id(&self) -> Option<Id> {
        response_id(&self.head, &self.tail, self.unterminated)
    }
}

/// A hole in the output.
///
/// The line that was broken off before it is discarded, and reading resumes behind the next newline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The numbers of the missing events.
    pub missing: RangeInclusive<Seq>,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.missing.start(), self.missing.end());
        write!(f, "output {first} to {last} is lost: the executor no longer retains it")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn an_oversized_line_tells_whose_it_was() {
        let line = |head: &'static str| Oversized {
            len: 1000,
            limit: 100,
            head: head.into(),
            tail: "xxx".into(),
            unterminated: true,
        };
        let request = line(r#"{"id":1,"method":"tools/call","params":"#);
        assert_eq!((request.request_id(), request.response_id()), (Some(Id::Int(1)), None));
        let answer = line(r#"{"id":1,"result":"#);
        assert_eq!((answer.request_id(), answer.response_id()), (None, Some(Id::Int(1))));
    }

    #[test]
    fn a_loss_names_its_range() {
        let text = Lost { missing: 3..=5 }.to_string();
        assert_eq!(text, "output 3 to 5 is lost: the executor no longer retains it");
    }
}
