//! Why a message could not be sent.

use farpipe_core::{End, Rejected, SendError};

/// Why a message did not reach the server. rmcp fails the call or notification with it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendFailed {
    /// The message has no JSON form: the caller's mistake.
    #[error("the message cannot be written as JSON: {0}")]
    Encode(#[from] serde_json::Error),
    /// The session did not take the message; a limit it names may be at fault.
    #[error(transparent)]
    Refused(SendError),
    /// The executor did not take the message.
    #[error("the message did not reach the server: {}", rejection(.0))]
    Rejected(Rejected),
    /// The link went for good before an answer.
    #[error(
        "the link to the server was lost before it was clear whether the message arrived; \
             repeat the call only if that is harmless"
    )]
    Unknown,
    /// The session is over.
    #[error("the server is gone: {0}")]
    Ended(Box<End>),
}

fn rejection(rejected: &Rejected) -> String {
    match rejected {
        Rejected::StdinClosed => "its stdin is closed".into(),
        Rejected::Refused { message } => format!("the executor refused it ({message})"),
        Rejected::SessionEnded => "the session ended first".into(),
        other => format!("{other:?}"),
    }
}
