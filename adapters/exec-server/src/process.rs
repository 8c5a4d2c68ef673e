//! One process on the far side.

use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use farpipe_core::{Action, Capabilities, Input, Retention};
use farpipe_driver::{Executor, Flow, Terminator};

use crate::{
    StartError, Ticket,
    connection::{Connection, Lane, Name},
    shared::Shared,
    wire::outgoing::Ask,
};

/// What the server keeps of a process's output (exec-server protocol §6, measured on codex 0.169.0).
const RETENTION: Retention = Retention { bytes: 1 << 20, events: 50_000 };

/// One process on the far side, for one session.
///
/// Dropping it ends the process and those of its process group at once, as soon as the server can be
/// reached. A descendant that made a session of its own survives (exec-server protocol §8).
///
/// There is no way to close its stdin, and a signal that ended it is told as exit code 128 plus its
/// number, as the server does.
pub struct RemoteProcess {
    shared: Arc<Shared>,
    name: Name,
    lane: Lane,
    /// It was attached before the process wrote anything.
    from_start: bool,
}

impl RemoteProcess {
    pub(crate) fn started_here(shared: Arc<Shared>, name: Name) -> Self {
        Self { shared, name, lane: "".into(), from_start: true }
    }

    pub(crate) fn taken_over(shared: Arc<Shared>, ticket: Ticket) -> Self {
        Self { shared, name: ticket.process, lane: ticket.lane, from_start: false }
    }

    /// Waits until the process runs.
    pub(crate) async fn started(self) -> Result<Self, StartError> {
        poll_fn(|cx| self.shared.update(|connection| connection.poll_started(&self.name, cx)))
            .await?;
        Ok(self)
    }

    /// Its name on the wire: unique among all processes of all clients of the server.
    pub fn id(&self) -> &str {
        &self.name
    }

    /// What another program needs to go on with the process.
    pub fn ticket(&self) -> Ticket {
        let session =
            |connection: &mut Connection| connection.session_id().unwrap_or_default().into();
        Ticket {
            session: self.shared.update(session),
            process: Arc::clone(&self.name),
            lane: Arc::clone(&self.lane),
        }
    }

    /// Gives the process up without ending it, for another program to go on with.
    ///
    /// The server keeps it for 80 s after the connection is gone (§4), so the last [`ExecServer`] and
    /// the other processes of this connection have to go as well.
    ///
    /// [`ExecServer`]: crate::ExecServer
    pub fn detach(self) -> Ticket {
        let ticket = self.ticket();
        self.shared.update(|connection| connection.detach(&self.name));
        ticket
    }

    fn ask(&self, ask: Ask) {
        self.shared.update(|connection| connection.ask(&self.name, ask));
    }
}

impl Executor for RemoteProcess {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            lossless: true,
            from_start: self.from_start,
            replay: true,
            retention: Some(RETENTION),
            close_stdin: false,
            interrupt: true,
            write_deduplication: true,
        }
    }

    fn start(&mut self, action: Action) {
        match action {
            Action::Write { id, data } => {
                self.ask(Ask::Write { id, lane: Arc::clone(&self.lane), data });
            }
            Action::Replay { request, after, max_bytes } => {
                self.ask(Ask::Read { request, after, max_bytes });
            }
            Action::Interrupt => self.ask(Ask::Interrupt),
            Action::Terminate => self.ask(Ask::Terminate),
            other => tracing::warn!(?other, "an exec-server cannot do this"),
        }
    }

    fn poll_input(&mut self, cx: &mut Context<'_>, flow: Flow) -> Poll<Input> {
        self.shared.update(|connection| connection.poll_input(&self.name, cx, flow))
    }

    fn terminator(&self) -> Terminator {
        let (shared, name) = (Arc::clone(&self.shared), Arc::clone(&self.name));
        Terminator::new(move || shared.update(|connection| connection.terminate(&name)))
    }
}

impl Drop for RemoteProcess {
    fn drop(&mut self) {
        self.shared.update(|connection| connection.abandon(&self.name));
    }
}

impl fmt::Debug for RemoteProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteProcess").field("id", &self.name).finish_non_exhaustive()
    }
}
