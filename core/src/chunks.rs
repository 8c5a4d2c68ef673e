//! Queued chunks and the search for newlines in them.

use alloc::{collections::VecDeque, vec::Vec};
use core::mem;

use bytes::{Buf, Bytes};
use memchr::memchr;

/// Chunks that wait to be split, read from the front, each byte searched once.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    current: Bytes,
    /// Where the unread part of `current` begins.
    pos: usize,
    /// Up to where there is no newline behind `pos`.
    searched: usize,
    queue: VecDeque<Bytes>,
    queued_bytes: usize,
    /// How much was searched before `current`.
    scanned: u64,
}

/// What lies in front.
#[derive(Debug)]
pub(crate) enum Piece {
    /// `start..end` of the current chunk, followed by a newline.
    Ended { start: usize, end: usize },
    /// All that is left of a chunk, without a newline in it; never empty.
    Rest(Bytes),
}

impl Chunks {
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        if self.pos >= self.current.len() && self.queue.is_empty() {
            self.begin(chunk);
        } else {
            self.queued_bytes = self.queued_bytes.saturating_add(chunk.len());
            self.queue.push_back(chunk);
        }
    }

    /// Takes the line in front if its newline is in the current chunk and `accept` tells how much of
    /// it is wanted: `start..end` of the chunk. Else it stays in front.
    #[inline]
    pub(crate) fn next_ended_if(
        &mut self,
        accept: impl FnOnce(&[u8]) -> Option<usize>,
    ) -> Option<(usize, usize)> {
        let (start, unsearched) = (self.searched, self.current.get(self.searched..)?);
        let Some(at) = memchr(b'\n', unsearched) else {
            self.searched = self.current.len();
            return None;
        };
        // What was searched before was not accepted, or there was no newline in it.
        let whole = unsearched.get(..at).filter(|_| start == self.pos);
        self.searched = start + at;
        let len = accept(whole?)?;
        self.searched += 1;
        self.pos = self.searched;
        Some((start, start + len))
    }

    fn next_ended(&mut self) -> Option<(usize, usize)> {
        let at = memchr(b'\n', self.current.get(self.searched..)?)?;
        let (start, end) = (self.pos, self.searched + at);
        self.searched = end + 1;
        self.pos = self.searched;
        Some((start, end))
    }

    /// Takes what lies in front; `None` when everything is read, and then nothing is retained.
    pub(crate) fn next_piece(&mut self) -> Option<Piece> {
        loop {
            if let Some((start, end)) = self.next_ended() {
                return Some(Piece::Ended { start, end });
            }
            let rest = self.take_rest();
            if !rest.is_empty() {
                return Some(Piece::Rest(rest));
            }
            self.advance()?;
        }
    }

    /// A part of the chunk that the last [`Piece::Ended`] was found in.
    #[inline]
    pub(crate) fn slice(&self, start: usize, end: usize) -> &[u8] {
        self.current.get(start..end).unwrap_or_default()
    }

    /// The chunk that the last [`Piece::Ended`] was found in.
    #[inline]
    pub(crate) const fn current(&self) -> &Bytes {
        &self.current
    }

    pub(crate) fn clear(&mut self) {
        *self = Self { scanned: self.scanned(), ..Self::default() };
    }

    /// A copy of all that is unread; shared if it lies in one chunk.
    pub(crate) fn unread(&self) -> Bytes {
        let current = self.current.slice(self.pos.min(self.current.len())..);
        if self.queue.is_empty() {
            return current;
        }
        let mut all = Vec::with_capacity(current.len().saturating_add(self.queued_bytes));
        all.extend_from_slice(&current);
        self.queue.iter().for_each(|chunk| all.extend_from_slice(chunk));
        all.into()
    }

    pub(crate) const fn scanned(&self) -> u64 {
        self.scanned.saturating_add(self.searched as u64)
    }

    /// The bytes that the chunks keep alive, with what it costs to queue them.
    pub(crate) fn retained(&self) -> usize {
        let handles = self.queue.capacity().saturating_mul(size_of::<Bytes>());
        self.current.len().saturating_add(self.queued_bytes).saturating_add(handles)
    }

    fn advance(&mut self) -> Option<()> {
        if let Some(chunk) = self.queue.pop_front() {
            self.queued_bytes = self.queued_bytes.saturating_sub(chunk.len());
            self.begin(chunk);
            return Some(());
        }
        if self.queue.capacity() > 0 {
            self.queue = VecDeque::new();
        }
        None
    }

    fn take_rest(&mut self) -> Bytes {
        let pos = self.pos;
        self.searched = self.current.len();
        let mut rest = self.begin(Bytes::new());
        rest.advance(pos.min(rest.len()));
        rest
    }

    /// Reads on in another chunk; yields the one before.
    fn begin(&mut self, chunk: Bytes) -> Bytes {
        self.scanned = self.scanned();
        self.pos = 0;
        self.searched = 0;
        mem::replace(&mut self.current, chunk)
    }
}

/// The part of a line in front of its CR, if it ends in one.
#[inline]
pub(crate) fn strip_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether the beginning of a line, `len` bytes up to `last`, can belong to a line of `max` bytes.
///
/// A CR at its end does not count: the newline may be next.
pub(crate) fn fits(len: usize, last: Option<&u8>, max: usize) -> bool {
    len <= max.saturating_add(usize::from(last == Some(&b'\r')))
}

/// Appends to a buffer that doubles as it grows, but never allocates more than `max` bytes.
///
/// The caller has made sure that the sum stays within `max`.
pub(crate) fn append(buffer: &mut Vec<u8>, bytes: &[u8], max: usize) {
    let needed = buffer.len().saturating_add(bytes.len());
    if needed > buffer.capacity() {
        let target = buffer.capacity().saturating_mul(2).min(max).max(needed);
        buffer.reserve_exact(target - buffer.len());
    }
    buffer.extend_from_slice(bytes);
}

/// Turns a buffer into shared bytes: without a copy, unless more than half of it would be waste.
pub(crate) fn freeze(buffer: &mut Vec<u8>) -> Bytes {
    if buffer.capacity() <= buffer.len().saturating_mul(2) {
        return Bytes::from(mem::take(buffer));
    }
    let bytes = Bytes::copy_from_slice(buffer);
    buffer.clear();
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(chunks: &mut Chunks) -> Vec<(Vec<u8>, bool)> {
        core::iter::from_fn(|| {
            Some(match chunks.next_piece()? {
                Piece::Ended { start, end } => (chunks.slice(start, end).to_vec(), true),
                Piece::Rest(rest) => (rest.to_vec(), false),
            })
        })
        .collect()
    }

    #[test]
    fn pieces_end_at_newlines_and_at_the_end_of_a_chunk() {
        let mut chunks = Chunks::default();
        for chunk in ["a\nb", "", "c", "\n\n"] {
            chunks.push(Bytes::from_static(chunk.as_bytes()));
        }
        let expected: [(&[u8], bool); 5] =
            [(b"a", true), (b"b", false), (b"c", false), (b"", true), (b"", true)];
        assert_eq!(pieces(&mut chunks), expected.map(|(piece, ended)| (piece.to_vec(), ended)));
        assert_eq!(chunks.scanned(), 6);
    }

    #[test]
    fn a_line_that_is_not_accepted_stays_and_is_not_searched_again() {
        let mut chunks = Chunks::default();
        chunks.push(Bytes::from_static(b"ab\ncd"));
        assert_eq!(chunks.next_ended_if(|_| None), None);
        assert_eq!(chunks.next_ended_if(|line| Some(line.len())), None, "only a part is left");
        assert_eq!(chunks.scanned(), 2);
        assert_eq!(pieces(&mut chunks), [(b"ab".to_vec(), true), (b"cd".to_vec(), false)]);
        chunks.push(Bytes::from_static(b"ef\n"));
        assert_eq!(chunks.next_ended_if(|line| Some(line.len() - 1)), Some((0, 1)));
        assert_eq!(chunks.scanned(), 8);
    }

    #[test]
    fn a_chunk_does_not_overtake_one_that_waits() {
        let mut chunks = Chunks::default();
        for chunk in ["a\n", "b\n"] {
            chunks.push(Bytes::from_static(chunk.as_bytes()));
        }
        assert_eq!(chunks.next_ended(), Some((0, 1)));
        chunks.push(Bytes::from_static(b"c\n"));
        assert_eq!(pieces(&mut chunks), [(b"b".to_vec(), true), (b"c".to_vec(), true)]);
    }

    #[test]
    fn what_is_read_is_released() {
        let mut chunks = Chunks::default();
        chunks.push(Bytes::from_static(b"abc\n"));
        assert_eq!(chunks.queue.capacity(), 0, "a single chunk needs no queue");
        chunks.push(Bytes::from_static(b"def\n"));
        assert!(chunks.retained() >= 8);
        pieces(&mut chunks);
        assert_eq!(chunks.retained(), 0);
    }

    #[test]
    fn what_was_searched_stays_counted_when_the_rest_is_dropped() {
        let mut chunks = Chunks::default();
        chunks.push(Bytes::from_static(b"abc\ndef\n"));
        assert_eq!(chunks.next_ended(), Some((0, 3)));
        let scanned = chunks.scanned();
        assert!(scanned > 0);
        chunks.clear();
        assert_eq!((chunks.scanned(), chunks.retained()), (scanned, 0));
    }

    #[test]
    fn growth_doubles_and_respects_its_limit() {
        let mut buffer = Vec::new();
        let mut allocations = 0;
        for _ in 0..1000 {
            let before = buffer.capacity();
            append(&mut buffer, &[0; 10], 10_001);
            allocations += usize::from(buffer.capacity() != before);
        }
        assert_eq!(buffer.len(), 10_000);
        assert!(buffer.capacity() <= 10_001);
        assert!(allocations < 16, "{allocations} allocations");

        let mut full = Vec::with_capacity(10);
        append(&mut full, &[0; 10], 1000);
        assert_eq!(full.capacity(), 10, "what fits needs no room");
    }

    #[test]
    fn a_buffer_is_taken_over_unless_it_is_mostly_empty() {
        let mut buffer = Vec::with_capacity(100);
        buffer.extend_from_slice(&[7; 60]);
        let address = buffer.as_ptr();
        assert_eq!(freeze(&mut buffer).as_ptr(), address);
        assert_eq!(buffer.capacity(), 0);

        let mut buffer = Vec::with_capacity(100);
        buffer.extend_from_slice(&[7; 40]);
        assert_eq!(freeze(&mut buffer).len(), 40);
        assert_eq!(buffer.capacity(), 100);
    }
}
