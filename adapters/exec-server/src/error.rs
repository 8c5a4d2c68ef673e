//! What can go wrong, and whose fault it is.

use std::io;

use async_tungstenite::tungstenite;
use thiserror::Error;

pub use crate::wire::ServerError;
use crate::wire::{ATTACHED_ELSEWHERE, INTERNAL, INVALID_PARAMS, INVALID_REQUEST};

/// Why there is no connection to an exec-server.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL cannot be used. The caller's mistake.
    #[error("the URL of an exec-server is ws://host:port or wss://host:port: {0}")]
    Url(String),
    /// The token cannot be sent in a header: it has characters beyond visible ASCII.
    #[error("the token has characters that no HTTP header can carry")]
    Token,
    /// The options of TLS cannot be used.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] futures_rustls::rustls::Error),
    /// Nobody answers there, or the connection broke.
    #[error("the exec-server cannot be reached: {0}")]
    Io(#[from] io::Error),
    /// The server answered in time with nothing usable.
    #[error("the exec-server did not answer within {0:?}")]
    TimedOut(std::time::Duration),
    /// The server does not accept who we are: HTTP 401, or 403 (exec-server protocol §10).
    #[error("the exec-server refused access with HTTP status {status}: check the token")]
    Denied {
        /// The HTTP status.
        status: u16,
    },
    /// What answers there is no exec-server.
    #[error("the WebSocket could not be opened: {0}")]
    WebSocket(Box<tungstenite::Error>),
    /// The server did not open the session.
    #[error("the exec-server did not open the session: {0}")]
    Refused(ServerError),
    /// The server does not know the session that was to be resumed, and its processes are gone: it
    /// was detached for longer than the server keeps one, or the server is another one by now
    /// (exec-server protocol §4).
    #[error("the exec-server does not know the session any more, its processes are gone: {0}")]
    SessionUnknown(ServerError),
    /// The session that was to be resumed is still attached to another connection (-32010): to a
    /// program that uses it, or to a link whose loss the server has not noticed yet. It was tried
    /// until [`Options::reconnect_deadline`](crate::Options::reconnect_deadline).
    #[error("the session is still attached to another connection: {0}")]
    StillAttached(ServerError),
    /// The link was lost before the session was open.
    #[error("the link was lost while the session was being opened: {0}")]
    LinkLost(String),
    /// What the server sent makes no sense.
    #[error(transparent)]
    Fault(Fault),
}

impl From<tungstenite::Error> for ConnectError {
    fn from(error: tungstenite::Error) -> Self {
        match error {
            tungstenite::Error::Io(error) => Self::Io(error),
            tungstenite::Error::Http(response) if is_denial(response.status().as_u16()) => {
                Self::Denied { status: response.status().as_u16() }
            }
            other => Self::WebSocket(Box::new(other)),
        }
    }
}

const fn is_denial(status: u16) -> bool {
    matches!(status, 401 | 403)
}

impl ConnectError {
    /// Whether trying again may help: nobody answers, or the session is still attached to a link
    /// that the server takes for alive (-32010).
    pub(crate) fn is_retryable(&self) -> bool {
        match self {
            Self::Io(error) => error.kind() != io::ErrorKind::InvalidData,
            Self::TimedOut(_) | Self::WebSocket(_) | Self::LinkLost(_) | Self::StillAttached(_) => {
                true
            }
            _ => false,
        }
    }

    /// What a refusal means for a session that was to be resumed.
    pub(crate) fn resuming(self) -> Self {
        match self {
            Self::Refused(error) if error.code == ATTACHED_ELSEWHERE => Self::StillAttached(error),
            Self::Refused(error) if error.code == INVALID_REQUEST => Self::SessionUnknown(error),
            other => other,
        }
    }
}

/// Something in what a server sends that makes no sense. It ends the connection, because what else
/// it says cannot be trusted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Fault {
    /// A frame is not JSON, or not a JSON-RPC message.
    #[error("the exec-server sent what is no message: {0}")]
    NotJson(String),
    /// A frame is neither a request nor an answer nor a notification.
    #[error("the exec-server sent a message that is none: it has neither a method nor a result")]
    Shapeless,
    /// A frame is binary. The server sends text only (exec-server protocol §2).
    #[error("the exec-server sent a binary frame")]
    Binary,
    /// A frame or a message is longer than the limit.
    #[error("the exec-server sent too much at once: {0}")]
    TooLong(String),
    /// The bytes are no WebSocket frames.
    #[error("the exec-server broke the WebSocket protocol: {0}")]
    NotWebSocket(String),
    /// An answer to a question that was not asked.
    #[error("the exec-server answered a request with the id {0}, which is not outstanding")]
    UnknownId(String),
    /// The fields of a message are not those that belong to it.
    #[error("the exec-server sent a message that cannot be read ({what}): {error}")]
    Malformed {
        /// The method it belongs to.
        what: String,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// The server could not read what was sent to it.
    #[error("the exec-server did not understand: {0}")]
    NotUnderstood(ServerError),
    /// The server sends requests faster than it reads their refusals.
    #[error("the exec-server floods the client with requests")]
    Flood,
    /// The server resumed another session than the one it was asked for.
    #[error("the exec-server resumed another session")]
    OtherSession,
    /// The server did not open the session, or does not know it any more.
    #[error("the exec-server did not open the session: {0}")]
    Refused(ServerError),
}

/// Why a process was not started.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// An argument cannot be sent, because JSON is Unicode. The caller's mistake; nothing was asked.
    #[error("argument {index} of the command is not Unicode, and cannot be sent to an exec-server")]
    NotUnicode {
        /// Its place; 0 is the program.
        index: usize,
    },
    /// The working directory is not a `file:` URI. The caller's mistake; nothing was asked.
    #[error("the working directory of a far process is a URI such as file:///tmp, not {given:?}")]
    Cwd {
        /// What was given.
        given: String,
    },
    /// The server could not run the command: it is not there, or must not be run (-32603).
    #[error("the exec-server could not start the command: {message}")]
    Spawn {
        /// The text of the server's operating system.
        message: String,
    },
    /// The server does not take the parameters (-32602).
    #[error("the exec-server refused the parameters of the command: {0}")]
    Params(ServerError),
    /// The server refused for another reason.
    #[error("the exec-server refused to start the command: {0}")]
    Refused(ServerError),
    /// The link was lost before an answer. The command may have run; it is ended as soon as the
    /// server can be reached again (exec-server protocol §5).
    #[error("the link was lost while the command was being started; it may have run for a moment")]
    Interrupted,
    /// The session with the server is over.
    #[error("the session with the exec-server is lost: {reason}")]
    SessionLost {
        /// What is known about it.
        reason: String,
    },
}

/// Why a round trip was not measured.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PingError {
    /// The link is down, or was lost before the answer.
    #[error("the link to the exec-server is down")]
    LinkDown,
    /// The session with the server is over.
    #[error("the session with the exec-server is lost: {reason}")]
    SessionLost {
        /// What is known about it.
        reason: String,
    },
    /// The server does not answer this question, `environment/status`.
    #[error("the exec-server does not tell how it is: {0}")]
    Refused(ServerError),
}

/// Why a process was not taken over.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttachError {
    /// The ticket is for another session. The caller's mistake.
    #[error("the ticket is for another session than this one, {this}")]
    OtherSession {
        /// The session of this connection.
        this: String,
    },
    /// The process is driven, or being ended, in this program already. The caller's mistake.
    #[error("the process is already attached to this connection")]
    Attached,
    /// The session with the server is over.
    #[error("the session with the exec-server is lost: {reason}")]
    SessionLost {
        /// What is known about it.
        reason: String,
    },
}

impl StartError {
    pub(crate) fn from_answer(error: ServerError) -> Self {
        match error.code {
            INTERNAL => Self::Spawn { message: error.message },
            INVALID_PARAMS => Self::Params(error),
            _ => Self::Refused(error),
        }
    }
}
