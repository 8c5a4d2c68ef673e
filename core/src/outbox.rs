//! stdin, exactly once and in order.

mod refused;
mod saved;

use alloc::{boxed::Box, collections::VecDeque};

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memchr;
use serde::{Deserialize, Serialize};

pub use self::refused::{Refused, SendError};
pub(crate) use self::saved::SavedOutbox;
use crate::{
    Action, Delivery, Limits, Rejected, SendId, Settled, Timeout, TimeoutReason, Timestamp,
    WriteId, WriteOutcome, replay::backoff,
};

/// Messages on their way to the process.
///
/// A message stays in `queue` until it is settled. At most one write is in flight; what waits
/// meanwhile is joined into the next one.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: VecDeque<Queued>,
    queued_bytes: usize,
    /// In a box, because most sessions are idle most of the time.
    in_flight: Option<Box<InFlight>>,
    settled: VecDeque<Settled>,
    /// Sends that did not reach the process, or may not have.
    failed: VecDeque<(SendId, Delivery)>,
    deduplicates: bool,
    next_send: u64,
    next_write: u64,
    state: Stdin,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stdin {
    #[default]
    Open,
    /// No more messages; the close follows the last write.
    Finishing,
    Closed,
}

#[derive(Debug)]
struct Queued {
    id: SendId,
    message: Bytes,
    /// How much of the message and its newline has been accepted.
    written: usize,
}

impl Queued {
    /// The message and its newline.
    fn line_len(&self) -> usize {
        self.message.len() + 1
    }
}

#[derive(Debug)]
struct InFlight {
    id: WriteId,
    data: Bytes,
    /// How many messages at the front of the queue end in this write.
    completes: usize,
    /// How much of the message behind them is accepted once this write is.
    partial: usize,
    attempts: u32,
    state: Flight,
}

impl InFlight {
    /// How many messages at the front of the queue have bytes in this write.
    fn touches(&self) -> usize {
        self.completes + usize::from(self.partial > 0)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flight {
    /// To be handed out.
    Ready,
    /// Handed out; repeated at the deadline, if there is one.
    Sent { deadline: Option<Timestamp> },
    /// The process is still starting.
    Backoff { until: Timestamp },
}

/// What an answered write means for the statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It belongs to no write in flight.
    Stale,
    /// So many bytes were accepted.
    Accepted { bytes: usize },
    /// It will be repeated, or was refused.
    NotAccepted,
}

impl Outbox {
    pub(crate) fn new(deduplicates: bool) -> Self {
        Self {
            queue: VecDeque::new(),
            queued_bytes: 0,
            in_flight: None,
            settled: VecDeque::new(),
            failed: VecDeque::new(),
            deduplicates,
            next_send: 1,
            next_write: 1,
            state: Stdin::Open,
        }
    }

    pub(crate) fn send(&mut self, message: Bytes, limits: &Limits) -> Result<SendId, SendError> {
        if let Some(reason) = self.refusal(&message, limits) {
            return Err(SendError { message, reason });
        }
        let id = SendId(self.next_send);
        self.next_send += 1;
        self.queued_bytes += message.len() + 1;
        self.queue.push_back(Queued { id, message, written: 0 });
        Ok(id)
    }

    fn refusal(&self, message: &[u8], limits: &Limits) -> Option<Refused> {
        if self.state != Stdin::Open {
            return Some(Refused::Closed);
        }
        if message.is_empty() {
            return Some(Refused::Empty);
        }
        if message.len() > limits.max_message {
            return Some(Refused::TooLong { max_message: limits.max_message });
        }
        if let Some(at) = memchr(b'\n', message) {
            return Some(Refused::EmbeddedNewline { at });
        }
        if self.queue.len() + self.settled.len() >= limits.outbox_messages {
            return Some(Refused::Full { limit: "outbox_messages", value: limits.outbox_messages });
        }
        if self.queued_bytes + message.len() >= limits.outbox_bytes {
            return Some(Refused::Full { limit: "outbox_bytes", value: limits.outbox_bytes });
        }
        None
    }

    /// No message is taken any more; stdin is closed behind the last one.
    pub(crate) fn finish(&mut self) {
        if self.state == Stdin::Open {
            self.state = Stdin::Finishing;
        }
    }

    /// The next write or close, if one is due. The flag tells whether it is a repetition.
    pub(crate) fn poll(
        &mut self,
        now: Timestamp,
        limits: &Limits,
        close: bool,
    ) -> Option<(Action, bool)> {
        if self.in_flight.is_none() {
            self.in_flight = self.compose(limits.max_write);
        }
        if self.in_flight.is_none() {
            return self.poll_close(close).map(|action| (action, false));
        }
        self.hand_out(now, limits)
    }

    fn poll_close(&mut self, close: bool) -> Option<Action> {
        if self.state != Stdin::Finishing || !close {
            return None;
        }
        self.state = Stdin::Closed;
        Some(Action::CloseStdin)
    }

    fn hand_out(&mut self, now: Timestamp, limits: &Limits) -> Option<(Action, bool)> {
        let deadline = self.deduplicates.then(|| now + limits.write_timeout);
        let write = self.in_flight.as_mut()?;
        let due = match write.state {
            Flight::Ready => true,
            Flight::Sent { deadline } => deadline.is_some_and(|deadline| now >= deadline),
            Flight::Backoff { until } => now >= until,
        };
        if !due {
            return None;
        }
        let repeated = write.attempts > 0;
        write.attempts = write.attempts.saturating_add(1);
        write.state = Flight::Sent { deadline };
        Some((Action::Write { id: write.id, data: write.data.clone() }, repeated))
    }

    /// Joins what waits into one write of at most `max_write` bytes.
    fn compose(&mut self, max_write: usize) -> Option<Box<InFlight>> {
        let front = self.queue.front()?;
        let rest = front.message.get(front.written..).unwrap_or_default();
        let (data, completes, partial) = if rest.len() >= max_write {
            // A piece of a long message is a slice of it, not a copy.
            let end = front.written + max_write;
            (front.message.slice(front.written..end), 0, end)
        } else {
            self.join(max_write)
        };
        let id = WriteId(self.next_write);
        self.next_write += 1;
        let state = Flight::Ready;
        Some(Box::new(InFlight { id, data, completes, partial, attempts: 0, state }))
    }

    fn join(&self, max_write: usize) -> (Bytes, usize, usize) {
        let mut data = BytesMut::with_capacity(self.joined_len(max_write));
        let mut completes = 0;
        for queued in &self.queue {
            let room = max_write - data.len();
            let rest = queued.message.get(queued.written..).unwrap_or_default();
            let (taken, _) = rest.split_at_checked(room).unwrap_or((rest, &[]));
            data.put_slice(taken);
            if data.len() == max_write {
                return (data.freeze(), completes, queued.written + taken.len());
            }
            data.put_u8(b'\n');
            completes += 1;
        }
        (data.freeze(), completes, 0)
    }

    fn joined_len(&self, max_write: usize) -> usize {
        let lines = self.queue.iter().map(|queued| queued.line_len() - queued.written);
        let mut len = 0_usize;
        for line in lines {
            len = len.saturating_add(line);
            if len >= max_write {
                return max_write;
            }
        }
        len
    }

    /// Takes the answer to a write. `over` tells that the process has closed meanwhile.
    pub(crate) fn answered(
        &mut self,
        now: Timestamp,
        id: WriteId,
        outcome: WriteOutcome,
        limits: &Limits,
        over: bool,
    ) -> Answer {
        let Some(mut write) = self.in_flight.take_if(|write| write.id == id) else {
            return Answer::Stale;
        };
        match outcome {
            WriteOutcome::Accepted if over => self.reject_queue(&Rejected::StdinClosed),
            WriteOutcome::Accepted => return self.accepted(&write),
            WriteOutcome::Starting => {
                let until = now + backoff(limits.starting_backoff, write.attempts);
                write.state = Flight::Backoff { until };
                self.in_flight = Some(write);
            }
            // A refused write leaves stdin at an unknown byte: nothing can follow it.
            WriteOutcome::StdinClosed => self.reject_queue(&Rejected::StdinClosed),
            WriteOutcome::Failed(message) => self.reject_queue(&Rejected::Refused { message }),
        }
        Answer::NotAccepted
    }

    fn accepted(&mut self, write: &InFlight) -> Answer {
        self.settle_front(write.completes, &Delivery::Accepted);
        if let Some(front) = self.queue.front_mut() {
            front.written = write.partial;
        }
        Answer::Accepted { bytes: write.data.len() }
    }

    /// The process will read nothing more. What waits behind a write in flight is settled after it,
    /// to keep the order: by its answer, or at the end.
    pub(crate) fn process_closed(&mut self) {
        self.state = Stdin::Closed;
        if self.in_flight.as_ref().is_none_or(|write| write.attempts == 0) {
            self.end();
        }
    }

    /// The session is over: what is in flight has an unknown outcome.
    pub(crate) fn end(&mut self) {
        self.lose_in_flight();
        self.reject_queue(&Rejected::SessionEnded);
    }

    /// The link is gone. Where the executor deduplicates, the write is repeated when it is back.
    pub(crate) fn link_down(&mut self) {
        let Some(write) = &mut self.in_flight else { return };
        let unknown = matches!(write.state, Flight::Sent { .. }) && !self.deduplicates;
        if !unknown {
            write.state = Flight::Ready;
            return;
        }
        let begun = self.queue.front().is_some_and(|front| front.written > 0);
        let cut = begun || write.partial > 0;
        self.lose_in_flight();
        if cut {
            // Half of a message may have arrived; anything after it would be read as its rest.
            self.reject_queue(&Rejected::StdinClosed);
        }
    }

    fn lose_in_flight(&mut self) {
        let Some(write) = self.in_flight.take() else { return };
        let delivery = match write.attempts {
            0 => Delivery::Rejected(Rejected::SessionEnded),
            _ => Delivery::Unknown,
        };
        self.settle_front(write.touches(), &delivery);
    }

    fn reject_queue(&mut self, why: &Rejected) {
        self.settle_front(self.queue.len(), &Delivery::Rejected(why.clone()));
        self.state = Stdin::Closed;
    }

    fn settle_front(&mut self, count: usize, delivery: &Delivery) {
        for _ in 0..count {
            let Some(queued) = pop(&mut self.queue) else { return };
            self.push_settled(&queued, delivery.clone());
        }
    }

    fn push_settled(&mut self, queued: &Queued, delivery: Delivery) {
        self.queued_bytes = self.queued_bytes.saturating_sub(queued.line_len());
        if delivery != Delivery::Accepted {
            self.failed.push_back((queued.id, delivery.clone()));
        }
        self.settled.push_back(Settled { id: queued.id, delivery });
    }

    /// The next send that did not reach the process, or may not have. The session takes them all
    /// after every input, so they need no budget of their own.
    pub(crate) fn next_failed(&mut self) -> Option<(SendId, Delivery)> {
        pop(&mut self.failed)
    }

    /// Whether nothing waits to be written or answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn poll_settled(&mut self) -> Option<Settled> {
        pop(&mut self.settled)
    }

    pub(crate) fn timeout(&self) -> Option<Timeout> {
        match self.in_flight.as_ref()?.state {
            Flight::Sent { deadline } => {
                deadline.map(|at| Timeout { at, reason: TimeoutReason::WriteAnswer })
            }
            Flight::Backoff { until } => {
                Some(Timeout { at: until, reason: TimeoutReason::WriteRetry })
            }
            Flight::Ready => None,
        }
    }
}

/// Takes the first element, and gives the memory of an empty queue back: many sessions are idle at
/// once, and none of them needs it.
pub(crate) fn pop<T>(queue: &mut VecDeque<T>) -> Option<T> {
    let first = queue.pop_front();
    if queue.is_empty() && queue.capacity() > 0 {
        *queue = VecDeque::new();
    }
    first
}

#[cfg(test)]
mod tests;
