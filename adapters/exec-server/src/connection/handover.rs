//! Processes that pass from one program to another.

use std::sync::Arc;

use farpipe_core::Input;
use serde_json::Value;

use super::{
    Connection, Lane, Name, Phase, Session,
    process::{Process, Stage},
};
use crate::{AttachError, Ticket};

impl Connection {
    /// A session that another program has opened. What it is told of the ticket's process from the
    /// first frame on is kept, because the server repeats nothing (§4).
    pub(crate) fn resuming(mut self, ticket: &Ticket) -> Self {
        self.session = Some(Session { id: ticket.session.clone(), environment: Value::Null });
        self.processes.insert(Arc::clone(&ticket.process), Process::new(Stage::Unclaimed));
        self
    }

    /// Takes a process over that another program has started.
    pub(crate) fn attach(&mut self, ticket: &Ticket) -> Result<Name, AttachError> {
        let session = self.session_id().unwrap_or_default();
        if session != ticket.session {
            return Err(AttachError::OtherSession { this: session.into() });
        }
        if let Phase::Lost { reason } = &self.phase {
            return Err(AttachError::SessionLost { reason: reason.clone() });
        }
        let link_up = Input::LinkUp { identity: session.into() };
        let process = self
            .processes
            .entry(Arc::clone(&ticket.process))
            .or_insert_with(|| Process::new(Stage::Unclaimed));
        if process.stage != Stage::Unclaimed {
            return Err(AttachError::Attached);
        }
        process.stage = Stage::Running;
        if self.phase == Phase::Ready {
            process.push(link_up, usize::MAX, &mut self.woken);
        }
        Ok(Arc::clone(&ticket.process))
    }

    /// Ids for the writes of a session that does not continue the one before.
    pub(crate) fn new_lane(&mut self) -> Lane {
        format!("{}.", self.new_name()).into()
    }

    /// Gives a process up without ending it. Whoever drives it here learns that it is not theirs
    /// any more; false if nobody does.
    pub(crate) fn detach(&mut self, name: &str) -> bool {
        let running = |process: &&mut Process| process.stage == Stage::Running;
        let Some(process) = self.processes.get_mut(name).filter(running) else { return false };
        process.detach(&mut self.woken);
        self.requests.withdraw(name);
        self.wake_link();
        true
    }
}
