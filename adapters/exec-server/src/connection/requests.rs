//! The window of requests: few enough that the server cannot lock itself up (§9).

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::Arc,
    time::Duration,
};

use farpipe_core::Timestamp;

use super::Name;
use crate::wire::outgoing::Ask;

/// How many requests may be unanswered. More than 128 can lock a server up for good (§9).
const WINDOW: usize = 32;
/// How many of them may be starts, writes and reads: the rest is for ending processes.
const REGULAR: usize = 28;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    pub(super) process: Name,
    pub(super) ask: Ask,
}

impl Request {
    fn is(&self, process: &str, ask: &Ask) -> bool {
        &*self.process == process && self.ask == *ask
    }
}

#[derive(Debug)]
pub(super) struct Sent {
    pub(super) request: Request,
    pub(super) at: Timestamp,
}

/// What waits to be asked, and what waits for an answer.
#[derive(Debug, Default)]
pub(super) struct Requests {
    control: VecDeque<Request>,
    regular: VecDeque<Request>,
    outstanding: BTreeMap<i64, Sent>,
    /// Processes that did not read their stdin and held others up by that.
    held: BTreeMap<Name, Hold>,
    last_id: i64,
}

/// How long a process's writes are held back.
#[derive(Clone, Copy, Debug)]
struct Hold {
    until: Timestamp,
    pause: Duration,
}

/// What has waited for too long, once `patience` is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) since: Timestamp,
    pub(crate) patience: Duration,
    /// The method; none for the end of a process behind a write.
    asked: Option<&'static str>,
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patience = self.patience;
        match self.asked {
            Some(method) => {
                write!(f, "{method} was not answered within {patience:?} (`request_timeout`)")
            }
            None => write!(
                f,
                "a write held up the end of a process for {patience:?} (`control_timeout`)"
            ),
        }
    }
}

impl Requests {
    /// A number that was not used before, on whatever link.
    pub(super) const fn new_id(&mut self) -> i64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn push(&mut self, process: &Name, ask: Ask) {
        let queue = if ask.is_control() { &mut self.control } else { &mut self.regular };
        queue.push_back(Request { process: Arc::clone(process), ask });
    }

    pub(super) fn push_once(&mut self, process: &Name, ask: Ask) {
        if !self.holds(process, &ask) {
            self.push(process, ask);
        }
    }

    /// Whether this is already waiting to be asked or answered.
    pub(super) fn holds(&self, process: &str, ask: &Ask) -> bool {
        let outstanding = self.outstanding.values().map(|sent| &sent.request);
        self.control
            .iter()
            .chain(&self.regular)
            .chain(outstanding)
            .any(|request| request.is(process, ask))
    }

    pub(super) fn next_frame(&mut self, now: Timestamp) -> Option<String> {
        let request = self.pop(now)?;
        let id = self.new_id();
        let frame = request.ask.frame(id, &request.process);
        self.outstanding.insert(id, Sent { request, at: now });
        Some(frame)
    }

    fn pop(&mut self, now: Timestamp) -> Option<Request> {
        let outstanding = self.outstanding.len();
        if outstanding >= WINDOW {
            return None;
        }
        if let Some(control) = self.control.pop_front() {
            return Some(control);
        }
        let free = |request: &Request| self.held_until(request).is_none_or(|until| until <= now);
        let next = self.regular.iter().position(free).filter(|_| outstanding < REGULAR)?;
        self.regular.remove(next)
    }

    fn held_until(&self, request: &Request) -> Option<Timestamp> {
        let hold = self.held.get(&request.process)?;
        matches!(request.ask, Ask::Write { .. }).then_some(hold.until)
    }

    /// When a write that is held back may be sent.
    pub(super) fn next_release(&self) -> Option<Timestamp> {
        self.regular.iter().filter_map(|request| self.held_until(request)).min()
    }

    /// The process has read its stdin.
    pub(super) fn release(&mut self, process: &str) {
        self.held.remove(process);
    }

    /// Holds the oldest write back for a while, after the link is restored, so that what waits behind
    /// it gets through: the server gives an unanswered write up when it loses the link (§7).
    pub(super) fn hold_oldest_write(&mut self, now: Timestamp, first: Duration, longest: Duration) {
        let Some(oldest) = self.sent(Ask::is_write).next() else { return };
        let name = Arc::clone(&oldest.request.process);
        let pause = self.held.get(&name).map_or(first, |hold| hold.pause * 2).min(longest);
        self.held.insert(name, Hold { until: now + pause, pause });
    }

    pub(super) fn answered(&mut self, id: i64) -> Option<Sent> {
        self.outstanding.remove(&id)
    }

    /// Takes everything back that was not sent yet.
    pub(super) fn withdraw(&mut self, process: &str) {
        self.control.retain(|request| &*request.process != process);
        self.regular.retain(|request| &*request.process != process);
    }

    /// Takes a start back that was not sent yet.
    pub(super) fn withdraw_start(&mut self, process: &str) -> bool {
        let before = self.regular.len();
        self.regular.retain(|request| {
            &*request.process != process || !matches!(request.ask, Ask::Start { .. })
        });
        self.regular.len() < before
    }

    /// The link is gone: yields what will not be answered, in the order it was sent.
    ///
    /// Writes and reads that were not sent go as well: their sessions ask again. Starts stay.
    pub(super) fn link_lost(&mut self) -> Vec<Request> {
        let sent = std::mem::take(&mut self.outstanding);
        let (starts, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.regular)
            .into_iter()
            .partition(|request| matches!(request.ask, Ask::Start { .. }));
        self.regular = starts.into();
        sent.into_values().map(|sent| sent.request).chain(rest).collect()
    }

    pub(super) fn clear(&mut self) {
        *self = Self { last_id: self.last_id, ..Self::default() };
    }

    /// What keeps the server from answering, if anything may: it answers nothing else while a process
    /// does not read its stdin, unless it was started with more than one concurrent request (§7).
    ///
    /// A write that keeps nobody waiting may take as long as the process takes to read it.
    pub(super) fn due(&self, control: Duration, request: Duration) -> Option<Due> {
        let control =
            self.control_since().map(|since| Due { since, patience: control, asked: None });
        let (asked, since) = self.unanswered().unzip();
        let request = since.map(|since| Due { since, patience: request, asked });
        control.into_iter().chain(request).min_by_key(|due| due.since + due.patience)
    }

    /// Since when a control request has waited behind an unanswered write.
    fn control_since(&self) -> Option<Timestamp> {
        let write = self.sent(Ask::is_write).next()?.at;
        Some(write.max(self.sent(Ask::is_control).next()?.at))
    }

    /// Since when a request has waited that does not just wait for its own process to read.
    fn unanswered(&self) -> Option<(&'static str, Timestamp)> {
        let others = self.sent(|ask| !ask.is_write()).next();
        let writes = self.sent(Ask::is_write).nth(1);
        let oldest = others.into_iter().chain(writes).min_by_key(|sent| sent.at)?;
        Some((oldest.request.ask.method(), oldest.at))
    }

    /// In the order of sending, because ids ascend.
    fn sent(&self, wanted: fn(&Ask) -> bool) -> impl Iterator<Item = &Sent> {
        self.outstanding.values().filter(move |sent| wanted(&sent.request.ask))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.control.is_empty() && self.regular.is_empty() && self.outstanding.is_empty()
    }
}
