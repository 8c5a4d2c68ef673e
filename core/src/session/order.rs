//! From numbered events to ordered items.

use bytes::Bytes;

use super::{Phase, Session, inbox::Item, timers::ExitWait};
use crate::{
    Cause, Chunk, Decode, Exit, LossPolicy, Seq, Stream, Violation,
    sequencer::{Cost, Place},
};

/// An event without its number.
#[derive(Debug)]
pub(super) enum Payload {
    Output(Stream, Bytes),
    Exited(Exit),
    Closed,
}

impl Cost for Payload {
    fn cost(&self) -> usize {
        match self {
            Self::Output(_, data) => data.len() + size_of::<Self>(),
            _ => size_of::<Self>(),
        }
    }
}

impl Payload {
    /// Holds its own bytes, so that what waits costs what is charged for it: a short slice of a
    /// long buffer would keep the whole buffer.
    fn detached(self) -> Self {
        match self {
            Self::Output(stream, data) => Self::Output(stream, Bytes::copy_from_slice(&data)),
            other => other,
        }
    }
}

impl<D: Decode> Session<D> {
    pub(super) fn output(&mut self, chunk: Chunk) {
        self.event(chunk.seq, Payload::Output(chunk.stream, chunk.data));
    }

    pub(super) fn exited(&mut self, seq: Seq, exit: Exit) {
        match self.exited_at {
            Some(first) if first != seq => {
                return self.violated(Violation::ConflictingExit { first, second: seq });
            }
            _ => self.exited_at = Some(seq),
        }
        self.note_exit(exit);
        self.event(seq, Payload::Exited(exit));
    }

    pub(super) fn note_exit(&mut self, exit: Exit) {
        self.exit.get_or_insert(exit);
        self.exit_wait.get_or_insert(ExitWait::starting(self.now));
    }

    pub(super) fn closed(&mut self, seq: Seq) {
        match self.closed_at {
            Some(first) if first != seq => {
                return self.violated(Violation::ConflictingClose { first, second: seq });
            }
            Some(_) => {}
            None if seq <= self.sequencer.cursor() => {
                let event = self.sequencer.cursor();
                return self.violated(Violation::EventAfterClose { closed: seq, event });
            }
            None => self.closed_at = Some(seq),
        }
        if let Some(event) = self.sequencer.highest_held().filter(|&event| event > seq) {
            return self.violated(Violation::EventAfterClose { closed: seq, event });
        }
        self.event(seq, Payload::Closed);
    }

    /// Consumes the event if it is the expected one, and holds it back if it is early.
    pub(super) fn event(&mut self, seq: Seq, payload: Payload) {
        if let Some(closed) = self.closed_at.filter(|&closed| seq > closed) {
            return self.violated(Violation::EventAfterClose { closed, event: seq });
        }
        match self.sequencer.place(seq) {
            Place::Seen => self.stats.duplicates += 1,
            Place::Next if self.inbox.is_overfull() => self.shed_expected(seq),
            Place::Next => {
                self.sequencer.advance();
                self.take(payload);
                self.drain();
            }
            Place::Ahead => self.hold(seq, payload),
        }
    }

    fn hold(&mut self, seq: Seq, payload: Payload) {
        self.stats.reordered += 1;
        let shed = self.sequencer.hold(seq, payload.detached());
        let held = u64::try_from(self.sequencer.held_events()).unwrap_or(u64::MAX);
        self.stats.reorder_peak = self.stats.reorder_peak.max(held);
        if let Some(shed) = shed {
            self.stats.shed += shed.events;
            self.must_replay(shed.lowest, "reorder_bytes", self.limits.reorder_bytes);
        }
    }

    /// The application does not keep up and the executor does not pause: the expected event is
    /// dropped as if it had not come.
    fn shed_expected(&mut self, seq: Seq) {
        self.stats.shed += 1;
        self.must_replay(seq, "inbox_bytes", self.limits.inbox_bytes);
    }

    fn must_replay(&mut self, lowest: Seq, limit: &'static str, value: usize) {
        if self.capabilities.replay {
            self.replay.need_shed(lowest);
        } else {
            self.fail(Cause::Overflow { limit, value });
        }
    }

    /// Takes what was held back for the expected event.
    pub(super) fn drain(&mut self) {
        while let Some(payload) = self.sequencer.pop() {
            self.take(payload);
        }
    }

    fn take(&mut self, payload: Payload) {
        self.stats.events += 1;
        match payload {
            Payload::Output(stream, data) => self.take_output(stream, data),
            Payload::Exited(exit) => self.inbox.push(Item::Exited(exit)),
            Payload::Closed => self.take_close(),
        }
    }

    fn take_output(&mut self, stream: Stream, data: Bytes) {
        let len = u64::try_from(data.len()).unwrap_or(u64::MAX);
        match stream {
            Stream::Stdout => self.stats.stdout_bytes += len,
            Stream::Stderr => {
                self.stats.stderr_bytes += len;
                self.stderr_tail.push(&data);
            }
        }
        if let Some(wait) = &mut self.exit_wait {
            wait.saw_output(self.now);
        }
        self.inbox.push(Item::Output(stream, data));
    }

    fn take_close(&mut self) {
        self.outbox.process_closed();
        self.phase = Phase::Closed;
        let requested = self.close_plan.is_some();
        self.finish(if requested { Cause::Requested } else { Cause::Closed });
    }

    /// Crosses every hole up to `upto`, each reported once.
    pub(super) fn lose_up_to(&mut self, upto: Seq) {
        while self.phase == Phase::Running {
            let Some(missing) = self.sequencer.give_up(upto) else { return };
            let events = missing.end().saturating_sub(*missing.start()).saturating_add(1);
            self.stats.lost = self.stats.lost.saturating_add(events);
            let (first, last) = (*missing.start(), *missing.end());
            self.inbox.push(Item::Hole(missing));
            match self.loss {
                LossPolicy::FailCalls => self.drain(),
                LossPolicy::End => self.fail(Cause::Lost { first, last }),
            }
        }
    }

    pub(super) fn violated(&mut self, violation: Violation) {
        self.fail(Cause::Violation(violation));
    }
}
