//! The client's half of the protocol, without I/O, clock or threads.
//!
//! One [`Connection`] is one session of the server. It outlives its sockets: frames of whatever link
//! is there go in, frames to send come out, and what happens to each process waits in an inbox of
//! its own.

mod answers;
mod handover;
mod inbox;
mod life;
mod ping;
mod process;
mod requests;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    fmt::Display,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use farpipe_core::{Input, Timestamp};
use farpipe_driver::Flow;
use serde_json::{Value, value::RawValue};

use self::{
    ping::Ping,
    process::{Process, Stage},
    requests::{Due, Requests},
};
use crate::{
    Fault, ProcessSpec, ServerInfo, StartError,
    info::Access,
    wire::{
        incoming::{About, Closed, Envelope, Exited, Output},
        outgoing::{self, Ask},
        plain,
    },
};

/// Names a process on the wire.
pub(crate) type Name = Arc<str>;

/// What the ids of a session's writes begin with: nothing for the session that started the process.
pub(crate) type Lane = Arc<str>;

/// Frames that answer the server, beyond which it is not talking sense.
const MAX_REPLIES: usize = 64;

/// One session of an exec-server, whatever socket carries it.
#[derive(Debug)]
pub(crate) struct Connection {
    client: String,
    phase: Phase,
    session: Option<Session>,
    requests: Requests,
    processes: BTreeMap<Name, Process>,
    /// Frames outside the window of requests: they come first.
    replies: VecDeque<String>,
    /// How many bytes may wait for one process before the link is not read any more.
    budget: usize,
    pings: BTreeMap<u64, Ping>,
    last_ping: u64,
    prefix: u64,
    /// How many names were made.
    named: u64,
    /// Who owns the socket.
    link: Option<Waker>,
    /// Whom to wake once the lock is free.
    woken: Vec<Waker>,
}

#[derive(Debug)]
struct Session {
    id: String,
    /// What the server says of itself.
    environment: Value,
}

impl Session {
    /// Where the server itself runs, as a URI.
    fn cwd(&self) -> Option<&str> {
        self.environment.get("cwd")?.as_str()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Down,
    Handshaking { id: i64 },
    Ready,
    Lost { reason: String },
}

impl Connection {
    /// A session that is yet to be opened. `prefix` keeps the names of its processes apart from
    /// those of other clients.
    pub(crate) fn new(client: String, budget: usize, prefix: u64) -> Self {
        Self {
            client,
            phase: Phase::Down,
            session: None,
            requests: Requests::default(),
            processes: BTreeMap::new(),
            replies: VecDeque::new(),
            budget,
            pings: BTreeMap::new(),
            last_ping: 0,
            prefix,
            named: 0,
            link: None,
            woken: Vec::new(),
        }
    }

    /// Takes a frame from the server. A fault is the end of the whole connection.
    pub(crate) fn received(&mut self, now: Timestamp, text: &str) -> Result<(), Fault> {
        if let Some((name, chunk)) = plain::output(text) {
            self.tell(name, Ok::<_, Infallible>(Input::Output(chunk)), "process/output");
            return Ok(());
        }
        let envelope: Envelope<'_> =
            serde_json::from_str(text).map_err(|error| Fault::NotJson(error.to_string()))?;
        match (envelope.method, envelope.id) {
            (Some(_), Some(id)) => self.refuse(&id),
            (Some(method), None) => self.notified(&method, envelope.params),
            (None, Some(id)) => self.answered(now, &id, envelope.result, envelope.error),
            (None, None) => Err(Fault::Shapeless),
        }
    }

    /// The next frame to send.
    pub(crate) fn next_frame(&mut self, now: Timestamp) -> Option<String> {
        if let Some(reply) = self.replies.pop_front() {
            return Some(reply);
        }
        if self.phase == Phase::Ready { self.requests.next_frame(now) } else { None }
    }

    fn refuse(&mut self, id: &Value) -> Result<(), Fault> {
        if self.replies.len() >= MAX_REPLIES {
            return Err(Fault::Flood);
        }
        self.replies.push_back(outgoing::refusal(id));
        Ok(())
    }

    /// News of a process that is not known (any more), and news of other kinds, mean nothing here.
    fn notified(&mut self, method: &str, params: Option<&RawValue>) -> Result<(), Fault> {
        if !matches!(method, "process/output" | "process/exited" | "process/closed") {
            return Ok(());
        }
        let params = params.map_or("null", RawValue::get);
        let about: About<'_> = serde_json::from_str(params)
            .map_err(|error| Fault::Malformed { what: method.to_owned(), error })?;
        self.tell(&about.process_id, news(method, params), method);
        Ok(())
    }

    fn tell(&mut self, name: &str, news: Result<Input, impl Display>, method: &str) {
        let Some(process) = self.processes.get_mut(name) else { return };
        match news {
            Ok(input) => process.push(input, self.budget, &mut self.woken),
            Err(why) => process.fail(format!("{method}: {why}"), &mut self.woken),
        }
    }

    /// Names a process and queues its start.
    pub(crate) fn start(&mut self, spec: &ProcessSpec) -> Result<Name, StartError> {
        if let Phase::Lost { reason } = &self.phase {
            return Err(StartError::SessionLost { reason: reason.clone() });
        }
        let name = self.new_name();
        let cwd = self.session.as_ref().and_then(Session::cwd);
        let params = Box::new(spec.params(&name, cwd)?);
        self.processes.insert(Arc::clone(&name), Process::new(Stage::Starting));
        self.requests.push(&name, Ask::Start { params });
        self.wake_link();
        Ok(name)
    }

    /// A name that no client of the server has used before.
    fn new_name(&mut self) -> Name {
        self.named += 1;
        format!("{:016x}-{}", self.prefix, self.named).into()
    }

    pub(crate) fn poll_started(
        &mut self,
        name: &str,
        cx: &Context<'_>,
    ) -> Poll<Result<(), StartError>> {
        match self.processes.get_mut(name) {
            Some(process) => process.poll_started(cx),
            None => Poll::Ready(Err(StartError::Interrupted)),
        }
    }

    pub(crate) fn poll_input(&mut self, name: &str, cx: &Context<'_>, flow: Flow) -> Poll<Input> {
        let Some(process) = self.processes.get_mut(name) else { return Poll::Ready(Input::Ended) };
        let held_up = process.holds_up(self.budget);
        let input = process.poll_input(cx, flow);
        if held_up && !process.holds_up(self.budget) {
            self.wake_link();
        }
        input
    }

    /// Queues a request of a process that runs.
    pub(crate) fn ask(&mut self, name: &Name, ask: Ask) {
        if self.is_lost() {
            return;
        }
        let Some(process) = self.processes.get_mut(name) else { return };
        match ask {
            _ if process.stage == Stage::Detached => return,
            Ask::Terminate => return self.terminate(name),
            Ask::Write { id, .. } if process.is_closed() => {
                return process.stdin_closed(id, &mut self.woken);
            }
            _ => {}
        }
        // A write may come again after a time-out; the link loses none, so its answer is still due.
        if !self.requests.holds(name, &ask) {
            self.requests.push(name, ask);
            self.wake_link();
        }
    }

    /// Ends a process. Output that does not fit from here on is left to a replay.
    pub(crate) fn terminate(&mut self, name: &Name) {
        let lost = self.is_lost();
        let Some(process) = self.processes.get_mut(name) else { return };
        process.doom();
        // While it is starting the request could overtake the start.
        if process.stage == Stage::Running && !process.is_closed() && !lost {
            self.requests.push_once(name, Ask::Terminate);
        }
        self.wake_link();
    }

    /// Nobody wants to know of the process any more: it is ended, and forgotten after that.
    pub(crate) fn abandon(&mut self, name: &Name) {
        self.terminate(name);
        let Some(process) = self.processes.get_mut(name) else { return };
        process.abandon();
        let needed = match process.stage {
            Stage::Starting => !self.requests.withdraw_start(name),
            Stage::Running => !process.is_closed(),
            Stage::Unclaimed | Stage::Detached | Stage::Failed(_) => false,
        };
        if !needed || self.is_lost() {
            self.processes.remove(name);
        }
    }

    /// Whether a process has so much unread output that nothing more is to be read from the link.
    pub(crate) fn is_paused(&self) -> bool {
        self.processes.values().any(|process| process.holds_up(self.budget))
    }

    /// Whether there is nothing to wait for.
    pub(crate) fn is_idle(&self) -> bool {
        let unclaimed = |process: &Process| process.stage == Stage::Unclaimed;
        self.processes.values().all(unclaimed) && self.requests.is_empty()
    }

    /// What has waited for an answer for too long, once its time is over.
    pub(crate) fn due(&self, control: Duration, request: Duration) -> Option<Due> {
        self.requests.due(control, request)
    }

    /// When there is something to send that waits for its time.
    pub(crate) fn next_release(&self) -> Option<Timestamp> {
        self.requests.next_release()
    }

    /// Keeps the write that may be the cause back after the link is restored.
    pub(crate) fn hold_oldest_write(&mut self, now: Timestamp, first: Duration, longest: Duration) {
        self.requests.hold_oldest_write(now, first, longest);
    }

    pub(crate) fn session_id(&self) -> Option<&str> {
        self.session.as_ref().map(|session| session.id.as_str())
    }

    pub(crate) fn info(&self, access: Access) -> ServerInfo {
        let (id, environment) = self
            .session
            .as_ref()
            .map_or(("", &Value::Null), |session| (&session.id, &session.environment));
        ServerInfo::new(id, environment, access)
    }

    pub(crate) fn register_link(&mut self, waker: &Waker) {
        self.link = Some(waker.clone());
    }

    pub(crate) fn take_woken(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.woken)
    }

    pub(crate) fn wake_link(&mut self) {
        self.woken.extend(self.link.take());
    }

    const fn is_lost(&self) -> bool {
        matches!(self.phase, Phase::Lost { .. })
    }
}

/// What a notification says about its process.
fn news(method: &str, params: &str) -> Result<Input, Box<dyn std::error::Error>> {
    Ok(match method {
        "process/output" => Input::Output(serde_json::from_str::<Output<'_>>(params)?.decode()?),
        "process/exited" => {
            let Exited { seq, exit_code } = serde_json::from_str(params)?;
            Input::Exited { seq, exit: farpipe_core::Exit::Code(exit_code) }
        }
        _ => Input::Closed { seq: serde_json::from_str::<Closed>(params)?.seq },
    })
}
