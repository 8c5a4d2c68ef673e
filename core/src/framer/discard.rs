//! A line above the limit, of which only the two ends are kept.

use alloc::vec::Vec;

use bytes::Bytes;

use super::saved::SavedDiscard;
use crate::{Oversized, RestoreError, Tail, chunks::append};

/// Follows an oversized line to its end.
#[derive(Debug)]
pub(super) struct Discard {
    len: u64,
    head: Vec<u8>,
    tail: Tail,
    window: usize,
}

impl Discard {
    pub(super) const fn new(window: usize) -> Self {
        // The last byte may turn out to be a CR, which is no part of the line.
        let tail = Tail::new(window.saturating_add(1));
        Self { len: 0, head: Vec::new(), tail, window }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.len = self.len.saturating_add(bytes.len() as u64);
        let (head, _) =
            bytes.split_at_checked(self.window - self.head.len()).unwrap_or((bytes, &[]));
        append(&mut self.head, head, self.window);
        self.tail.push(bytes);
    }

    pub(super) fn report(&self, limit: usize, unterminated: bool) -> Oversized {
        let tail = self.tail.as_slice();
        let line = tail.strip_suffix(b"\r").unwrap_or(tail);
        let len = self.len.saturating_sub((tail.len() - line.len()) as u64);
        let head_len = self.head.len().min(usize::try_from(len).unwrap_or(usize::MAX));
        let head = self.head.get(..head_len).unwrap_or_default();
        let tail = line.get(line.len().saturating_sub(self.window)..).unwrap_or_default();
        Oversized {
            len,
            limit,
            head: Bytes::copy_from_slice(head),
            tail: Bytes::copy_from_slice(tail),
            unterminated,
        }
    }

    pub(super) fn save(&self) -> SavedDiscard {
        SavedDiscard {
            len: self.len,
            window: self.window,
            head: Bytes::copy_from_slice(&self.head),
            tail: Bytes::copy_from_slice(self.tail.as_slice()),
        }
    }

    /// Keeps the window that the line was begun with: a head cannot grow later.
    pub(super) fn restore(saved: &SavedDiscard, max_window: usize) -> Result<Self, RestoreError> {
        RestoreError::check_limit("line_window", max_window, saved.window)?;
        if saved.head.len() > saved.window {
            return Err(RestoreError::corrupt("the head of a line is longer than its window"));
        }
        let mut discard = Self::new(saved.window);
        discard.len = saved.len;
        discard.head = saved.head.to_vec();
        discard.tail.push(&saved.tail);
        Ok(discard)
    }

    pub(super) const fn retained(&self) -> usize {
        size_of::<Self>() + self.head.capacity() + self.tail.retained()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(window: usize, pieces: &[&str]) -> Oversized {
        let mut discard = Discard::new(window);
        for piece in pieces {
            discard.push(piece.as_bytes());
        }
        discard.report(4, false)
    }

    #[test]
    fn both_ends_are_kept_and_a_cr_is_not_one_of_them() {
        for pieces in [&["abcdefg\r"][..], &["abcdefg", "\r"], &["a", "bcd", "efg\r"]] {
            let oversized = report(3, pieces);
            assert_eq!((oversized.len, oversized.limit), (7, 4));
            assert_eq!(oversized.head, "abc");
            assert_eq!(oversized.tail, "efg");
        }
    }

    #[test]
    fn the_ends_of_a_line_shorter_than_the_window_are_the_line() {
        let oversized = report(100, &["abcde", "\r"]);
        assert_eq!((oversized.head, oversized.tail), ("abcde".into(), "abcde".into()));
    }

    #[test]
    fn a_window_of_zero_keeps_nothing() {
        let oversized = report(0, &["abcde", "\r"]);
        assert_eq!((oversized.len, oversized.head.len(), oversized.tail.len()), (5, 0, 0));
    }
}
