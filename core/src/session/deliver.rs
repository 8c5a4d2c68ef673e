//! From ordered items to events: framing and decoding, only as far as the application reads.

mod lines;

use core::mem;

use super::{Phase, Session, inbox::Item};
use crate::{
    BadReason, CallFailure, Cause, Decode, Event, LineFramer, Lost, StderrLine, StderrLines, Stream,
};

impl<D: Decode> Session<D> {
    #[inline]
    pub(super) fn next_event(&mut self) -> Option<Event<D::Message>> {
        loop {
            match self.next_plain() {
                Ok(Some(message)) => return Some(Event::Message(message)),
                Ok(None) => {}
                Err(bad) => return Some(self.bad_line(*bad)),
            }
            if let Some(event) = self.next_of_any() {
                return Some(event);
            }
            let item = self.inbox.pop()?;
            self.unpack(item);
        }
    }

    /// The next event of what has been unpacked.
    #[inline(never)]
    fn next_of_any(&mut self) -> Option<Event<D::Message>> {
        loop {
            if let Some(event) = self.next_answer().or_else(|| self.next_of_stdout()) {
                return Some(event);
            }
            if let Some(line) = self.stderr.next_line() {
                return Some(self.stderr_event(line));
            }
            // What broke a stream off follows its last line.
            let item = self.staged.take()?;
            let event = self.pass(item);
            if event.is_some() {
                return event;
            }
        }
    }

    /// An answer in the process's place. A decoder that has none to give leaves the call alone.
    fn next_answer(&mut self) -> Option<Event<D::Message>> {
        while let Some(call) = self.calls.next_answer() {
            if let Some(message) = self.decode.answer_failed(&call) {
                self.stats.failed_calls += 1;
                return Some(Event::Message(message));
            }
        }
        None
    }

    fn unpack(&mut self, item: Item) {
        match item {
            Item::Output(Stream::Stdout, data) => self.stdout.push(data),
            Item::Output(Stream::Stderr, data) => self.stderr.push(data),
            Item::Exited(_) => self.staged = Some(item),
            Item::Undelivered(send, failure) => {
                self.calls.fail_send(send, &failure, self.limits.late_answers);
            }
            // The streams share one numbering: a hole may be in either of them.
            Item::Hole(_) => {
                self.stdout.break_line();
                self.stderr.break_line();
                self.staged = Some(item);
            }
            Item::End => {
                self.stdout.finish();
                self.stderr.finish();
                self.staged = Some(item);
            }
        }
    }

    fn pass(&mut self, item: Item) -> Option<Event<D::Message>> {
        match item {
            Item::Hole(missing) => {
                let failure = CallFailure::Lost { missing: missing.clone() };
                self.calls.fail_all(&failure, self.limits.late_answers);
                Some(Event::Lost(Lost { missing }))
            }
            Item::End => self.pass_end(),
            Item::Exited(exit) => Some(Event::Exited(exit)),
            Item::Output(..) | Item::Undelivered(..) => None,
        }
    }

    /// Tells every pending call why it has no answer, and then the end.
    fn pass_end(&mut self) -> Option<Event<D::Message>> {
        let end = self.end()?;
        let failure =
            CallFailure::Ended { end: end.cause.name(), message: alloc::format!("{end}") };
        let failed = self.calls.fail_all(&failure, self.limits.late_answers);
        if failed > 0 {
            self.pending_failed += failed;
            self.staged = Some(Item::End);
            return None;
        }
        self.inbox.mark_ended();
        self.outbox.end();
        Some(Event::End(end))
    }

    fn stderr_event(&mut self, line: StderrLine) -> Event<D::Message> {
        self.stats.stderr_lines += 1;
        self.stats.stderr_truncated += u64::from(line.truncated);
        Event::Stderr(line)
    }

    /// Ends the session at the line that was just read: nothing behind it is delivered.
    fn end_strictly(&mut self, reason: BadReason) {
        let limits = &self.limits;
        self.stdout = LineFramer::new(limits.max_line, limits.line_window);
        self.stderr = StderrLines::new(limits.stderr_line);
        self.batch = None;
        self.staged = None;
        self.salvaged = None;
        self.inbox.cut();
        self.outbox.end();
        self.finish(Cause::Noise { reason });
        if mem::replace(&mut self.phase, Phase::Broken) == Phase::Closed {
            // There is nothing left to terminate.
            self.phase = Phase::Closed;
        }
    }
}
