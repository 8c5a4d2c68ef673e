//! From lines of stdout to messages, or to what is wrong with them.

use alloc::boxed::Box;

use bytes::Bytes;
use memchr::memchr_iter;

use super::Session;
use crate::{
    BadLine, BadReason, CallFailure, Calls, Decode, Decoded, Event, Framed, Id, Limits, Line,
    NoisePolicy, Oversized, calls::response_id, looks_like_message,
};

/// How many times a message is looked for behind noise on its line. A line full of braces must not
/// be read over and over.
const SALVAGE_ATTEMPTS: usize = 4;

/// A line that could not be read, and whose answer it was.
pub(super) struct Bad {
    line: BadLine,
    answers: Option<Id>,
    /// A message that follows the noise on its line.
    salvaged: Option<Bytes>,
}

/// Boxed: it is rare, and so large that moving the room for it would slow every message down.
type Read<M> = Result<Decoded<M>, Box<Bad>>;

/// The message of a line, none where a line yields none, or what is wrong with it.
type Outcome<M> = Result<Option<M>, Box<Bad>>;

impl<D: Decode> Session<D> {
    /// The next message, if it comes as almost every message does: on a line of its own, and with
    /// nothing to be told or read before it. `None` leaves the rest to
    /// [`next_of_stdout`](Self::next_of_stdout).
    ///
    /// An event is large: what else makes one is kept out of here, so that no room for it is moved.
    #[inline]
    pub(super) fn next_plain(&mut self) -> Outcome<D::Message> {
        if self.calls.has_answers() || self.salvaged.is_some() || self.batch.is_some() {
            return Ok(None);
        }
        let Some(mut line) = self.stdout.next_plain() else { return Ok(None) };
        match self.decode.decode(&mut line, &self.calls) {
            Ok(Decoded::Message(message)) => Ok(self.message(message)),
            read => {
                let read = explained(read, &mut self.decode, &mut line, &self.calls, &self.limits);
                self.decoded(read)
            }
        }
    }

    pub(super) fn next_of_stdout(&mut self) -> Option<Event<D::Message>> {
        loop {
            if let Some(message) = self.next_salvaged() {
                return Some(Event::Message(message));
            }
            let read = match self.next_of_batch() {
                Some(read) => read,
                None => match self.next_of_framer()? {
                    Ok(read) => read,
                    Err(line) => return Some(self.oversized(*line)),
                },
            };
            match self.decoded(read) {
                Ok(Some(message)) => return Some(Event::Message(message)),
                Ok(None) => {}
                Err(bad) => return Some(self.bad_line(*bad)),
            }
        }
    }

    /// Decodes a second time: only bytes can be put aside with the session.
    fn next_salvaged(&mut self) -> Option<D::Message> {
        let mut line = Line::from(self.salvaged.take()?);
        let Ok(Decoded::Message(message)) = self.decode.decode(&mut line, &self.calls) else {
            return None;
        };
        self.stats.salvaged += 1;
        self.message(message)
    }

    fn next_of_framer(&mut self) -> Option<Result<Read<D::Message>, Box<Oversized>>> {
        match self.stdout.next_other()? {
            Framed::Oversized(line) => Some(Err(line)),
            Framed::Line(mut line) => {
                let read = self.decode.decode(&mut line, &self.calls);
                Some(Ok(explained(read, &mut self.decode, &mut line, &self.calls, &self.limits)))
            }
        }
    }

    fn next_of_batch(&mut self) -> Option<Read<D::Message>> {
        let Some(element) = self.batch.as_mut()?.next_element() else {
            self.batch = None;
            return None;
        };
        let mut line = Line::from(element);
        let read = match self.decode.decode(&mut line, &self.calls) {
            Ok(Decoded::Batch(_)) => Err(BadReason::NotJsonRpc), // Batches do not nest.
            read => read,
        };
        Some(read.map_err(|reason| bad(reason, &line, self.limits.line_window, None)))
    }

    fn decoded(&mut self, read: Read<D::Message>) -> Outcome<D::Message> {
        match read? {
            Decoded::Message(message) => return Ok(self.message(message)),
            Decoded::Batch(batch) => self.batch = Some(batch),
            Decoded::Ignored => self.stats.ignored += 1,
        }
        Ok(None)
    }

    /// A message, unless it answers a call that has been answered in its place.
    fn message(&mut self, message: D::Message) -> Option<D::Message> {
        let answers = self.decode.answers(&message);
        if answers.is_some_and(|id| !self.calls.answered(&id)) {
            self.stats.late_answers += 1;
            return None;
        }
        for id in self.decode.answers_also(&message) {
            self.stats.late_answers += u64::from(!self.calls.answered(id));
        }
        self.stats.messages += 1;
        Some(message)
    }

    fn oversized(&mut self, line: Oversized) -> Event<D::Message> {
        self.stats.oversized += 1;
        if let Some(id) = line.response_id() {
            let (len, value) = (line.len, line.limit);
            let failure = CallFailure::Oversized { len, limit: "max_line", value };
            self.calls.fail(&id, failure, self.limits.late_answers);
        }
        Event::Oversized(line)
    }

    pub(super) fn bad_line(&mut self, bad: Bad) -> Event<D::Message> {
        let line = bad.line;
        self.salvaged = bad.salvaged;
        if let Some(id) = bad.answers {
            let failure = CallFailure::Malformed { reason: line.reason, len: line.len };
            self.calls.fail(&id, failure, self.limits.late_answers);
        }
        if self.noise == NoisePolicy::Strict {
            self.end_strictly(line.reason);
        }
        if looks_like_message(&line.head) {
            self.stats.malformed += 1;
            Event::Malformed(line)
        } else {
            self.stats.noise += 1;
            Event::Noise(line)
        }
    }
}

/// Adds to what is wrong with a line what the line tells.
fn explained<D: Decode>(
    read: Result<Decoded<D::Message>, BadReason>,
    decode: &mut D,
    line: &mut Line<'_>,
    calls: &Calls,
    limits: &Limits,
) -> Read<D::Message> {
    read.map_err(|reason| {
        let salvaged = salvage(decode, line, calls);
        bad(reason, line, limits.line_window, salvaged)
    })
}

/// Looks for a message behind noise on the same line: a banner without a newline, a progress bar.
fn salvage<D: Decode>(decode: &mut D, line: &mut Line<'_>, calls: &Calls) -> Option<Bytes> {
    if looks_like_message(line) {
        return None;
    }
    let starts: [Option<usize>; SALVAGE_ATTEMPTS] = {
        let mut braces = memchr_iter(b'{', line);
        core::array::from_fn(|_| braces.next())
    };
    let bytes = starts.first()?.map(|_| line.to_bytes())?;
    starts.into_iter().flatten().map(|start| bytes.slice(start..)).find(|rest| {
        let read = decode.decode(&mut Line::from(rest.clone()), calls);
        matches!(read, Ok(Decoded::Message(_)))
    })
}

/// Keeps the two ends of the line; copies, so that a sample does not pin its chunk.
fn bad(reason: BadReason, line: &Line<'_>, window: usize, salvaged: Option<Bytes>) -> Box<Bad> {
    let bytes = line.as_slice();
    let (head, rest) = bytes.split_at_checked(window).unwrap_or((bytes, &[]));
    let tail = rest.get(rest.len().saturating_sub(window)..).unwrap_or_default();
    let unterminated = line.is_unterminated();
    let line = BadLine {
        reason,
        len: bytes.len(),
        head: Bytes::copy_from_slice(head),
        tail: Bytes::copy_from_slice(tail),
        unterminated,
    };
    Box::new(Bad { line, answers: response_id(bytes, bytes, unterminated), salvaged })
}
