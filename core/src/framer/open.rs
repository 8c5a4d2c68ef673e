//! The line that is open: its beginning has been read, its end has not.

use alloc::boxed::Box;
use core::mem;

use bytes::Bytes;

use super::{
    Found,
    discard::Discard,
    line::{JoinedLine, Line},
    saved::{SavedDiscard, SavedLine},
};
use crate::{
    Oversized, RestoreError,
    chunks::{append, fits, strip_cr},
};

/// A joining buffer above this is given back once its line is done.
const RETAINED_BUFFER: usize = 64 * 1024;

/// Joins the pieces of a line that straddles chunks.
#[derive(Debug)]
pub(super) struct OpenLine {
    state: State,
    joined: JoinedLine,
    max_line: usize,
    window: usize,
}

#[derive(Debug)]
enum State {
    /// No line is open.
    Start,
    /// `joined` holds what has been read.
    Joining,
    /// No line is open, and `joined` was lent to the caller.
    Lent,
    /// The line is above the limit.
    Discarding(Box<Discard>),
    /// Behind a hole, inside an unknown line; with the oversized line that the hole broke off.
    Broken(Option<Box<Discard>>),
}

impl OpenLine {
    pub(super) fn new(max_line: usize, window: usize) -> Self {
        Self { state: State::Start, joined: JoinedLine::default(), max_line, window }
    }

    /// Whether the next byte begins a line.
    #[inline]
    pub(super) const fn is_none(&self) -> bool {
        matches!(self.state, State::Start | State::Lent)
    }

    /// Takes a lent buffer back; yields the oversized line that a hole broke off.
    pub(super) fn settle(&mut self) -> Option<Box<Oversized>> {
        match &mut self.state {
            State::Lent => {
                self.take_back();
                None
            }
            State::Broken(pending) => Some(Box::new(pending.take()?.report(self.max_line, true))),
            _ => None,
        }
    }

    pub(super) fn extend(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Broken(_) => {}
            State::Discarding(discard) => discard.push(bytes),
            State::Start | State::Joining | State::Lent => self.join(bytes),
        }
    }

    /// Ends the line, at its newline or at the end of the stream; `None` if it is to be skipped.
    pub(super) fn close(&mut self, unterminated: bool) -> Option<Found> {
        match mem::replace(&mut self.state, State::Start) {
            State::Joining => self.close_joined(unterminated),
            State::Discarding(discard) => {
                Some(Found::Oversized(Box::new(discard.report(self.max_line, unterminated))))
            }
            State::Start | State::Lent | State::Broken(_) => None,
        }
    }

    pub(super) const fn lend(&mut self) -> Line<'_> {
        Line::joined(&mut self.joined)
    }

    /// Drops the line and all up to the next newline.
    pub(super) fn break_off(&mut self) {
        self.joined = JoinedLine::default();
        let pending = match mem::replace(&mut self.state, State::Start) {
            State::Discarding(discard) | State::Broken(Some(discard)) => Some(discard),
            _ => None,
        };
        self.state = State::Broken(pending);
    }

    /// Gives an unused buffer back. Many sessions are idle at once, and none of them needs one.
    pub(super) fn release(&mut self) {
        if self.is_none() && self.joined.retained() > 0 {
            self.joined = JoinedLine::default();
        }
    }

    /// A line that was lent is done with.
    pub(super) fn save(&self) -> SavedLine {
        match &self.state {
            State::Start | State::Lent => SavedLine::Start,
            State::Joining => SavedLine::Joining(Bytes::copy_from_slice(&self.joined.buffer)),
            State::Discarding(discard) => SavedLine::Discarding(discard.save()),
            State::Broken(pending) => {
                SavedLine::Broken(pending.as_ref().map(|discard| discard.save()))
            }
        }
    }

    pub(super) fn restore(
        saved: SavedLine,
        max_line: usize,
        window: usize,
    ) -> Result<Self, RestoreError> {
        let mut open = Self::new(max_line, window);
        let discard = |saved: SavedDiscard| Discard::restore(&saved, window).map(Box::new);
        open.state = match saved {
            SavedLine::Start => State::Start,
            SavedLine::Joining(line) => {
                if !fits(line.len(), line.last(), max_line) {
                    RestoreError::check_limit("max_line", max_line, line.len())?;
                }
                open.joined.buffer = line.to_vec();
                State::Joining
            }
            SavedLine::Discarding(saved) => State::Discarding(discard(saved)?),
            SavedLine::Broken(saved) => State::Broken(saved.map(discard).transpose()?),
        };
        Ok(open)
    }

    pub(super) fn retained(&self) -> usize {
        let discard = match &self.state {
            State::Discarding(discard) | State::Broken(Some(discard)) => discard.retained(),
            _ => 0,
        };
        self.joined.retained().saturating_add(discard)
    }

    fn join(&mut self, bytes: &[u8]) {
        let joined = &mut self.joined.buffer;
        let len = joined.len().saturating_add(bytes.len());
        if fits(len, bytes.last().or(joined.last()), self.max_line) {
            append(joined, bytes, self.max_line.saturating_add(1));
            self.state = State::Joining;
            return;
        }
        let mut discard = Box::new(Discard::new(self.window));
        discard.push(joined);
        discard.push(bytes);
        self.joined = JoinedLine::default();
        self.state = State::Discarding(discard);
    }

    fn close_joined(&mut self, unterminated: bool) -> Option<Found> {
        let payload = strip_cr(&self.joined.buffer);
        let Some(start) = skipped_prefix(payload) else {
            self.take_back();
            return None;
        };
        self.joined.end = payload.len();
        self.joined.start = start;
        self.joined.unterminated = unterminated;
        self.state = State::Lent;
        Some(Found::Joined)
    }

    fn take_back(&mut self) {
        self.joined.reset(RETAINED_BUFFER);
        self.state = State::Start;
    }
}

/// How many bytes to skip in front of a line; `None` for a line that is to be skipped as a whole.
pub(super) fn skipped_prefix(line: &[u8]) -> Option<usize> {
    if is_plain(*line.first()?) {
        return Some(0);
    }
    let text = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    if text.trim_ascii_start().is_empty() { None } else { Some(line.len() - text.len()) }
}

/// Whether nothing has to be skipped in front of a line that begins with this byte.
#[inline]
pub(super) const fn is_plain(first: u8) -> bool {
    first > b' ' && first != 0xEF
}
