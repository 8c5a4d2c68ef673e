//! The window of requests: few enough that the server cannot lock itself up (§9).

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
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
struct Sent {
    request: Request,
    at: Timestamp,
}

/// What waits to be asked, and what waits for an answer.
#[derive(Debug, Default)]
pub(super) struct Requests {
    control: VecDeque<Request>,
    regular: VecDeque<Request>,
    outstanding: BTreeMap<i64, Sent>,
    last_id: i64,
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
        let request = self.pop()?;
        let id = self.new_id();
        let frame = request.ask.frame(id, &request.process);
        self.outstanding.insert(id, Sent { request, at: now });
        Some(frame)
    }

    fn pop(&mut self) -> Option<Request> {
        let outstanding = self.outstanding.len();
        if outstanding >= WINDOW {
            return None;
        }
        let control = self.control.pop_front();
        control.or_else(|| if outstanding < REGULAR { self.regular.pop_front() } else { None })
    }

    pub(super) fn answered(&mut self, id: i64) -> Option<Request> {
        Some(self.outstanding.remove(&id)?.request)
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

    /// Since when a control request has waited behind an unanswered write. A server without
    /// concurrency answers nothing while a process does not read its stdin (§7).
    pub(super) fn stuck_since(&self) -> Option<Timestamp> {
        let oldest = |wanted: fn(&Ask) -> bool| {
            self.outstanding
                .values()
                .filter(|sent| wanted(&sent.request.ask))
                .map(|sent| sent.at)
                .min()
        };
        let write = oldest(|ask| matches!(ask, Ask::Write { .. }))?;
        Some(write.max(oldest(Ask::is_control)?))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.control.is_empty() && self.regular.is_empty() && self.outstanding.is_empty()
    }
}
