//! One line, lent or owned.

use alloc::vec::Vec;
use core::{fmt, ops::Deref};

use bytes::{Buf, Bytes};

use crate::chunks::freeze;

/// A line without its newline, as lent by [`LineFramer`](crate::LineFramer).
///
/// Reading it costs nothing. [`to_bytes`](Self::to_bytes) makes it outlive the framer's next step.
pub struct Line<'a>(Source<'a>);

/// Kept small: a line is found in a few nanoseconds, and moving it must not take as long.
enum Source<'a> {
    InChunk { chunk: &'a Bytes, line: &'a [u8] },
    Joined(&'a mut JoinedLine),
    Owned(Bytes),
}

/// A line that was joined from several chunks.
#[derive(Debug, Default)]
pub(super) struct JoinedLine {
    pub(super) buffer: Vec<u8>,
    /// The line is `start..end` of the buffer.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) unterminated: bool,
    /// The line, once it has been taken out of the buffer.
    owned: Option<Bytes>,
}

impl<'a> Line<'a> {
    #[inline]
    pub(super) const fn in_chunk(chunk: &'a Bytes, line: &'a [u8]) -> Self {
        Self(Source::InChunk { chunk, line })
    }

    pub(super) const fn joined(line: &'a mut JoinedLine) -> Self {
        Self(Source::Joined(line))
    }

    /// The line as shared bytes.
    ///
    /// A line that lies in one chunk shares that chunk, and keeps it alive. A line that was joined
    /// from several chunks takes the framer's buffer over, or is copied if the buffer is more than
    /// twice its size.
    #[inline]
    pub fn to_bytes(&mut self) -> Bytes {
        match &mut self.0 {
            Source::InChunk { chunk, line } => chunk.slice_ref(line),
            Source::Joined(line) => line.own(),
            Source::Owned(bytes) => bytes.clone(),
        }
    }

    /// The bytes of the line.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Source::InChunk { line, .. } => line,
            Source::Joined(line) => line.as_slice(),
            Source::Owned(bytes) => bytes,
        }
    }

    /// Whether the stream ended before the line did.
    pub const fn is_unterminated(&self) -> bool {
        matches!(&self.0, Source::Joined(JoinedLine { unterminated: true, .. }))
    }
}

impl JoinedLine {
    pub(super) const fn retained(&self) -> usize {
        self.buffer.capacity()
    }

    /// Makes room for another line, in the same buffer unless that is larger than `max_retained`.
    pub(super) fn reset(&mut self, max_retained: usize) {
        if self.buffer.capacity() > max_retained {
            self.buffer = Vec::new();
        }
        self.buffer.clear();
        self.unterminated = false;
        self.owned = None;
    }

    fn own(&mut self) -> Bytes {
        if let Some(bytes) = &self.owned {
            return bytes.clone();
        }
        self.buffer.truncate(self.end);
        let mut bytes = freeze(&mut self.buffer);
        bytes.advance(self.start.min(bytes.len()));
        self.owned = Some(bytes.clone());
        bytes
    }

    fn as_slice(&self) -> &[u8] {
        match &self.owned {
            Some(bytes) => bytes,
            None => self.buffer.get(self.start..self.end).unwrap_or_default(),
        }
    }
}

/// A complete line from elsewhere, such as an element of a [`Batch`](crate::Batch).
impl From<Bytes> for Line<'_> {
    fn from(bytes: Bytes) -> Self {
        Self(Source::Owned(bytes))
    }
}

impl Deref for Line<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl AsRef<[u8]> for Line<'_> {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("bytes", &format_args!("\"{}\"", self.as_slice().escape_ascii()))
            .field("unterminated", &self.is_unterminated())
            .finish()
    }
}
