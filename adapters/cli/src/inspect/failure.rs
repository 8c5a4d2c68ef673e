//! What can go wrong with a server, and what to do about it.

use std::time::Duration;

use super::report::Report;

/// What went wrong. Told together with what the report knows about the server.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the handshake with the server failed: {0}")]
    Handshake(String),
    #[error("the server did not answer the handshake within {0:?} (--timeout)")]
    HandshakeTimeout(Duration),
    #[error("the request `{method}` failed: {error}")]
    Request { method: &'static str, error: String },
    #[error("the server did not answer `{method}` within {limit:?} (--timeout)")]
    RequestTimeout { method: &'static str, limit: Duration },
    #[error("the server has no tool `{name}`; it offers {}", list(.offered))]
    UnknownTool { name: String, offered: Vec<String> },
    #[error("the tool `{0}` answered with an error")]
    Call(String),
    #[error("the server could not be closed: {0}")]
    Close(String),
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

impl Failure {
    /// One paragraph: what happened, what the server said, what to do.
    pub(super) fn explain(&self, report: &Report) -> String {
        let mut text = match self.died(report) {
            Some(death) => death,
            None => self.to_string(),
        };
        if let Some(noise) = self.noise(report) {
            text.push_str(&noise);
        }
        text
    }

    /// rmcp can only say that the connection closed; the session knows why.
    fn died(&self, report: &Report) -> Option<String> {
        let end = report.end.as_ref()?;
        let when = match self {
            // rmcp has dropped the transport, which kills; an exit of another kind came first.
            Self::Handshake(_) if end.unrequested || !end.killed => "during the handshake",
            Self::Request { .. } if end.unrequested => "before it had answered",
            _ => return None,
        };
        Some(format!("the server died {when}: {}", end.message))
    }

    fn noise(&self, report: &Report) -> Option<String> {
        let (Self::Handshake(_) | Self::HandshakeTimeout(_)) = self else { return None };
        let first = report.noise.first()?;
        let lines = report.noise.len();
        Some(format!(
            ". It wrote {lines} line(s) to stdout that are not MCP messages, the first one is {first:?}: \
             check that the command starts the server in stdio mode and logs to stderr"
        ))
    }
}
