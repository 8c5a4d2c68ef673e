//! The JSON that goes over the wire (exec-server protocol §2, §3).

pub(crate) mod incoming;
pub(crate) mod outgoing;
pub(crate) mod plain;

use std::fmt;

use serde::Deserialize;

/// Not to be done in this state, or about something that is not known.
pub(crate) const INVALID_REQUEST: i64 = -32600;
/// The method is not known.
pub(crate) const METHOD_NOT_FOUND: i64 = -32601;
/// The parameters cannot be used.
pub(crate) const INVALID_PARAMS: i64 = -32602;
/// Something failed inside the server: for a start, the spawn.
pub(crate) const INTERNAL: i64 = -32603;
/// The session is still attached to another connection.
pub(crate) const ATTACHED_ELSEWHERE: i64 = -32010;

/// An error that the exec-server answered with.
///
/// Only the code is stable enough to branch on, and what it means depends on what was asked; the text
/// is for people (exec-server protocol §2).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerError {
    /// The JSON-RPC code.
    pub code: i64,
    /// What the server says about it.
    #[serde(default)]
    pub message: String,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for ServerError {}
