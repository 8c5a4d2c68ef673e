//! What one program tells another so that it can take a process over.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::connection::{Lane, Name};

/// Names one process of one session, for another program to go on with it.
///
/// It is small, and goes through any serde format. Store it beside the session's
/// [`Checkpoint`](farpipe_core::Checkpoint); the program that takes over resumes the session with
/// [`ExecServer::resume`](crate::ExecServer::resume) and the process with
/// [`ExecServer::attach`](crate::ExecServer::attach). It does not change while the process lives.
///
/// Whoever has it and access to the server can take the process over, so keep it as the token is kept.
///
/// ```
/// # fn example(process: &farpipe_exec_server::RemoteProcess) -> serde_json::Result<()> {
/// use farpipe_exec_server::Ticket;
///
/// let stored = serde_json::to_string(&process.ticket())?;
/// let ticket: Ticket = serde_json::from_str(&stored)?;
/// assert_eq!(ticket.process(), process.id());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Text", into = "Text")]
pub struct Ticket {
    pub(crate) session: String,
    pub(crate) process: Name,
    pub(crate) lane: Lane,
}

impl Ticket {
    /// The version of the format that is written, and the newest that is read.
    pub const VERSION: u32 = 1;

    /// The server's name for the session.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The process's name within the session.
    pub fn process(&self) -> &str {
        &self.process
    }
}

/// Without the session, so that no log gives a process away.
impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("process", &self.process).finish_non_exhaustive()
    }
}

/// The ticket as it is stored.
#[derive(Clone, Serialize, Deserialize)]
struct Text {
    version: u32,
    session: String,
    process: String,
    lane: String,
}

impl From<Ticket> for Text {
    fn from(ticket: Ticket) -> Self {
        Self {
            version: Ticket::VERSION,
            session: ticket.session,
            process: ticket.process.to_string(),
            lane: ticket.lane.to_string(),
        }
    }
}

impl TryFrom<Text> for Ticket {
    type Error = String;

    fn try_from(text: Text) -> Result<Self, String> {
        if text.version != Self::VERSION {
            let (found, known) = (text.version, Self::VERSION);
            return Err(format!("a ticket of version {found}; this program reads version {known}"));
        }
        let (process, lane) = (text.process.into(), text.lane.into());
        Ok(Self { session: text.session, process, lane })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = r#"{"version":1,"session":"s","process":"1f-1","lane":"1f-1"}"#;

    #[test]
    fn it_is_read_as_it_was_written() {
        let ticket: Ticket = serde_json::from_str(STORED).unwrap();
        assert_eq!((ticket.session(), ticket.process()), ("s", "1f-1"));
        assert_eq!(serde_json::to_string(&ticket).unwrap(), STORED);
    }

    #[test]
    fn a_log_does_not_give_the_session_away() {
        let ticket: Ticket = serde_json::from_str(&STORED.replace("\"s\"", "\"secret\"")).unwrap();
        let logged = format!("{ticket:?}");
        assert!(logged.contains("1f-1") && !logged.contains("secret"), "{logged}");
    }

    #[test]
    fn another_version_is_told() {
        let newer = STORED.replace("\"version\":1", "\"version\":2");
        let error = serde_json::from_str::<Ticket>(&newer).unwrap_err().to_string();
        assert!(error.contains("version 2"), "{error}");
    }
}
