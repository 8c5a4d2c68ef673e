//! Lines from chunks.

mod discard;
mod line;
mod open;
mod saved;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;

use bytes::Bytes;

pub use self::line::Line;
pub(crate) use self::saved::SavedFramer;
use self::{
    discard::Discard,
    open::{OpenLine, is_plain, skipped_prefix},
};
use crate::{
    Oversized,
    chunks::{Chunks, Piece, strip_cr},
};

/// Splits a stream of chunks into lines.
///
/// * The only delimiter is the byte 0x0A; one CR before it is removed. U+2028, U+2029, NEL, VT and FF
///   are data.
/// * Lines that are empty or all ASCII whitespace are skipped. One UTF-8 byte order mark at the
///   beginning of a line is removed.
/// * A line of up to `max_line` bytes is delivered, a longer one is discarded up to its newline and
///   reported once. How the line was cut into chunks makes no difference. The newline and one CR
///   before it do not count; a byte order mark does.
/// * Every byte is searched once. A line inside one chunk is not copied; one that straddles chunks is
///   copied once, into a buffer that never exceeds `max_line` by more than a byte.
///
/// Lines are found when they are asked for, so a push is O(1) and no queue of lines grows.
///
/// ```
/// use farpipe_core::{Framed, LineFramer};
///
/// let mut framer = LineFramer::new(1024, 64);
/// framer.push("{\"id\":1}\r\n\n{\"id\"".into());
/// assert!(matches!(framer.next_line(), Some(Framed::Line(line)) if *line == *b"{\"id\":1}"));
/// assert!(framer.next_line().is_none());
/// framer.push(":2}\n".into());
/// assert!(matches!(framer.next_line(), Some(Framed::Line(line)) if *line == *b"{\"id\":2}"));
/// ```
#[derive(Debug)]
pub struct LineFramer {
    chunks: Chunks,
    open: OpenLine,
    max_line: usize,
    window: usize,
    finished: bool,
}

/// What [`LineFramer::next_line`] found.
#[derive(Debug)]
pub enum Framed<'a> {
    /// A line within the limit.
    Line(Line<'a>),
    /// A line above the limit, told when its end is reached. Boxed: it is rare, and so large that
    /// moving the room for it would slow every other line down.
    Oversized(Box<Oversized>),
}

/// The same before anything is borrowed.
enum Found {
    InChunk { start: usize, end: usize },
    Joined,
    Oversized(Box<Oversized>),
}

impl LineFramer {
    /// A framer of lines up to `max_line` bytes, which keeps up to `window` bytes of each end of a
    /// longer one.
    pub fn new(max_line: usize, window: usize) -> Self {
        let open = OpenLine::new(max_line, window);
        Self { chunks: Chunks::default(), open, max_line, window, finished: false }
    }

    /// Appends a chunk. O(1), and without an allocation when no other chunk is waiting.
    ///
    /// After [`finish`](Self::finish) it does nothing.
    pub fn push(&mut self, chunk: Bytes) {
        if !self.finished {
            self.chunks.push(chunk);
        }
    }

    /// Finds the next line; `None` when more input is needed.
    #[inline]
    pub fn next_line(&mut self) -> Option<Framed<'_>> {
        let found = match self.find_plain() {
            Some((start, end)) => Found::InChunk { start, end },
            None => self.find()?,
        };
        Some(self.lend(found))
    }

    /// The next line, if it is as almost every line: inside one chunk, within the limit, nothing to
    /// skip. `None` leaves it to [`next_other`](Self::next_other).
    #[inline]
    pub(crate) fn next_plain(&mut self) -> Option<Line<'_>> {
        let (start, end) = self.find_plain()?;
        Some(self.in_chunk(start, end))
    }

    /// The next line, whatever it is.
    pub(crate) fn next_other(&mut self) -> Option<Framed<'_>> {
        let found = self.find()?;
        Some(self.lend(found))
    }

    /// The stream has ended: a last line without a newline becomes available, marked
    /// [`unterminated`](Line::is_unterminated).
    pub const fn finish(&mut self) {
        self.finished = true;
    }

    /// Some of the stream is missing here: reading resumes behind the next newline, because what
    /// comes before it may be the end of a line whose beginning is gone.
    ///
    /// The line that is broken off is dropped without a word, unless it was oversized: then the
    /// coming [`next_line`](Self::next_line) reports it. Call `next_line` until it yields `None`
    /// first: whole lines that are still waiting are dropped, too.
    pub fn break_line(&mut self) {
        self.chunks.clear();
        self.open.break_off();
    }

    /// The bytes that are retained now: chunks that are not read to their end, and the beginning of
    /// a line whose end is missing.
    pub fn buffered(&self) -> usize {
        self.chunks.retained().saturating_add(self.open.retained())
    }

    /// How many bytes have been searched for newlines. Never more than were pushed.
    pub const fn scanned(&self) -> u64 {
        self.chunks.scanned()
    }

    #[inline]
    fn find_plain(&mut self) -> Option<(usize, usize)> {
        if !self.open.is_none() {
            return None;
        }
        let max_line = self.max_line;
        self.chunks.next_ended_if(|line| {
            let line = strip_cr(line);
            (line.len() <= max_line && is_plain(*line.first()?)).then_some(line.len())
        })
    }

    /// Any line at all.
    #[inline(never)]
    fn find(&mut self) -> Option<Found> {
        let mut found = self.open.settle().map(Found::Oversized);
        while found.is_none() {
            found = match self.chunks.next_piece() {
                Some(Piece::Ended { start, end }) => self.end_line(start, end),
                Some(Piece::Rest(rest)) => {
                    self.open.extend(&rest);
                    None
                }
                None => Some(self.end_input()?),
            };
        }
        found
    }

    fn end_line(&mut self, start: usize, end: usize) -> Option<Found> {
        let line = self.chunks.slice(start, end);
        if !self.open.is_none() {
            self.open.extend(line);
            return self.open.close(false);
        }
        let payload = strip_cr(line);
        if payload.len() > self.max_line {
            return Some(self.oversized(line));
        }
        let skipped = skipped_prefix(payload)?;
        Some(Found::InChunk { start: start + skipped, end: start + payload.len() })
    }

    fn oversized(&self, line: &[u8]) -> Found {
        let mut discard = Discard::new(self.window);
        discard.push(line);
        Found::Oversized(Box::new(discard.report(self.max_line, false)))
    }

    fn end_input(&mut self) -> Option<Found> {
        let last = if self.finished { self.open.close(true) } else { None };
        if last.is_none() {
            self.open.release();
        }
        last
    }

    #[inline]
    fn lend(&mut self, found: Found) -> Framed<'_> {
        match found {
            Found::InChunk { start, end } => Framed::Line(self.in_chunk(start, end)),
            Found::Joined => Framed::Line(self.open.lend()),
            Found::Oversized(oversized) => Framed::Oversized(oversized),
        }
    }

    #[inline]
    fn in_chunk(&self, start: usize, end: usize) -> Line<'_> {
        Line::in_chunk(self.chunks.current(), self.chunks.slice(start, end))
    }
}
