//! Where output is read to.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// The most that is read at once: what a pipe holds on Linux.
pub(super) const READ_SIZE: usize = 64 * 1024;

/// A piece that fills less than this part of a buffer is copied.
const SHARED_PART: usize = READ_SIZE / 4 * 3;

/// As many lent buffers are remembered: with fewer, a reader that is a little behind would cost new
/// ones all the time.
const LENT: usize = 4;

/// Buffers that are read to, lent to whoever reads the output, and used again.
///
/// A large piece of output shares its buffer: nothing is copied, and a stream of them needs no
/// memory beyond a few buffers as long as its reader keeps up. A small one gets an allocation of
/// exactly its own size, so that it never pins a buffer. No buffer is cleared twice.
#[derive(Default)]
pub(super) struct Buffers {
    free: Option<BytesMut>,
    /// The one that has been lent for the longest time first.
    lent: VecDeque<Bytes>,
}

impl Buffers {
    /// [`READ_SIZE`] bytes to write to.
    pub(super) fn room(&mut self) -> &mut [u8] {
        let free = self.free.take().or_else(|| self.returned());
        self.free.insert(free.unwrap_or_else(|| BytesMut::zeroed(READ_SIZE)))
    }

    /// The first `len` bytes of the room that was written to.
    pub(super) fn piece(&mut self, len: usize) -> Bytes {
        let buffer = self.free.take().unwrap_or_default();
        if len < SHARED_PART {
            let piece = Bytes::copy_from_slice(&buffer[..len]);
            self.free = Some(buffer);
            // Less comes now: one buffer may soon be enough.
            self.lent.pop_front();
            return piece;
        }
        let buffer = buffer.freeze();
        let piece = buffer.slice(..len);
        self.lent.push_back(buffer);
        piece
    }

    /// The buffer that has been lent for the longest time, if nobody reads it any more.
    fn returned(&mut self) -> Option<BytesMut> {
        match self.lent.pop_front()?.try_into_mut() {
            Ok(buffer) => Some(buffer),
            Err(busy) => {
                if self.lent.len() + 1 < LENT {
                    self.lent.push_front(busy);
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_when_its_piece_is_read() {
        let mut buffers = Buffers::default();
        let room = buffers.room();
        room[0] = 7;
        let address = room.as_ptr();
        let piece = buffers.piece(READ_SIZE);
        assert_eq!((piece.len(), piece[0]), (READ_SIZE, 7));
        assert_eq!(piece.as_ptr(), address, "no copy");
        assert_ne!(buffers.room().as_ptr(), address, "it is being read");
        let second = buffers.piece(SHARED_PART);
        drop(piece);
        assert_eq!(buffers.room().as_ptr(), address);
        assert_eq!((second.len(), second[0]), (SHARED_PART, 0));
    }

    #[test]
    fn a_short_piece_pins_nothing() {
        let mut buffers = Buffers::default();
        let address = buffers.room().as_ptr();
        let piece = buffers.piece(SHARED_PART - 1);
        assert_ne!(piece.as_ptr(), address);
        assert_eq!(buffers.room().as_ptr(), address, "nothing was lent");
    }

    #[test]
    fn a_reader_far_behind_has_no_buffers_remembered_for_it() {
        let mut buffers = Buffers::default();
        let pieces: Vec<_> = (0..3 * LENT)
            .map(|_| {
                buffers.room();
                buffers.piece(READ_SIZE)
            })
            .collect();
        assert!(buffers.lent.len() <= LENT);
        drop(pieces);
        for _ in 0..LENT {
            buffers.room();
            buffers.piece(1);
        }
        assert!(buffers.lent.is_empty(), "it has become quiet");
    }
}
