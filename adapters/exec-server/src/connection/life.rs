//! How a session comes, loses its link, gets it back and goes.

use farpipe_core::Input;

use super::{Connection, Phase, Session, process::Stage, requests::Request};
use crate::{
    Fault, PingError, StartError,
    wire::outgoing::{self, Ask},
};

impl Connection {
    /// A new link is there: the first frame opens the session, or goes on with it.
    pub(crate) fn connected(&mut self) {
        let id = self.requests.new_id();
        self.phase = Phase::Handshaking { id };
        let resume = self.session.as_ref().map(|session| session.id.as_str());
        self.replies.push_back(outgoing::initialize(id, &self.client, resume));
    }

    /// Whether processes can be asked for something.
    pub(crate) fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    pub(super) fn link_up(&mut self, session: Session) -> Result<(), Fault> {
        if self.session.as_ref().is_some_and(|known| known.id != session.id) {
            return Err(Fault::OtherSession);
        }
        self.phase = Phase::Ready;
        self.replies.push_back(outgoing::initialized());
        for process in self.processes.values_mut() {
            if process.stage == Stage::Running {
                let link_up = Input::LinkUp { identity: session.id.as_str().into() };
                process.push(link_up, usize::MAX, &mut self.woken);
            }
        }
        self.session = Some(session);
        Ok(())
    }

    /// The link is gone; the session may live on.
    pub(crate) fn link_lost(&mut self, reason: &str) {
        if self.is_lost() {
            return;
        }
        let was_up = self.phase == Phase::Ready;
        self.phase = Phase::Down;
        self.replies.clear();
        if was_up {
            self.suspend(reason);
        }
    }

    fn suspend(&mut self, reason: &str) {
        for request in self.requests.link_lost() {
            self.unanswered(request);
        }
        for process in self.processes.values_mut() {
            if process.stage == Stage::Running {
                let reason = reason.to_owned();
                process.push(Input::LinkDown { reason }, usize::MAX, &mut self.woken);
            }
        }
    }

    fn unanswered(&mut self, Request { process: name, ask }: Request) {
        let process = self.processes.get_mut(&name);
        match ask {
            Ask::Start { .. } => {
                // It may run, or its id may be stuck for ever; ending it frees the id (§5).
                self.requests.push_once(&name, Ask::Terminate);
                if let Some(process) = process {
                    process.not_started(StartError::Interrupted, &mut self.woken);
                }
                self.forget_unstarted(&name);
            }
            // Sessions do not repeat writes to a process that is over.
            Ask::Write { id, .. } => {
                if let Some(process) = process.filter(|process| process.is_closed()) {
                    process.stdin_closed(id, &mut self.woken);
                }
            }
            Ask::Read { .. } => {}
            Ask::Status { ping } => self.pinged(ping, Err(PingError::LinkDown)),
            Ask::Interrupt | Ask::Terminate => self.requests.push_once(&name, ask),
        }
    }

    /// The session is gone for good, and its processes with it.
    pub(crate) fn session_lost(&mut self, reason: &str) {
        if self.is_lost() {
            return;
        }
        self.phase = Phase::Lost { reason: reason.to_owned() };
        self.requests.clear();
        self.replies.clear();
        self.fail_pings(&PingError::SessionLost { reason: reason.to_owned() });
        for process in self.processes.values_mut() {
            let reason = reason.to_owned();
            if process.stage == Stage::Starting {
                process.not_started(StartError::SessionLost { reason }, &mut self.woken);
                continue;
            }
            process.push(Input::SessionLost { reason }, usize::MAX, &mut self.woken);
            process.push(Input::Ended, usize::MAX, &mut self.woken);
        }
        self.processes.retain(|_, process| !process.is_abandoned());
    }

    /// Forgets a process that was ended for nobody.
    pub(super) fn forget(&mut self, name: &str) {
        if self.processes.get(name).is_some_and(super::Process::is_abandoned) {
            self.processes.remove(name);
            self.wake_link();
        }
    }

    pub(super) fn forget_unstarted(&mut self, name: &str) {
        let failed = |process: &super::Process| matches!(process.stage, Stage::Failed(_));
        if self.processes.get(name).is_some_and(failed) {
            self.forget(name);
        }
    }
}
