//! The last bytes of a stream.

use alloc::vec::Vec;

use bytes::Bytes;

/// Keeps the last bytes of all that was pushed, up to a limit.
///
/// Nothing is allocated before the first push and never more than twice the limit; a push costs
/// amortised O(1) per byte, however small or large the pieces are.
///
/// ```
/// use farpipe_core::Tail;
///
/// let mut tail = Tail::new(5);
/// tail.push(b"hello ");
/// tail.push(b"world");
/// assert_eq!(tail.to_bytes(), "world");
/// ```
#[derive(Clone, Debug)]
pub struct Tail {
    /// May hold more than `limit` bytes: the front is moved out once per `limit` bytes, not per push.
    buffer: Vec<u8>,
    limit: usize,
}

impl Tail {
    /// An empty tail of at most `limit` bytes.
    pub const fn new(limit: usize) -> Self {
        Self { buffer: Vec::new(), limit }
    }

    /// Appends bytes; the oldest beyond the limit are forgotten.
    pub fn push(&mut self, bytes: &[u8]) {
        let bytes = last(bytes, self.limit);
        let keep = self.limit - bytes.len();
        if self.buffer.len().saturating_add(bytes.len()) > self.limit.saturating_mul(2) {
            self.buffer.drain(..self.buffer.len().saturating_sub(keep));
        }
        crate::chunks::append(&mut self.buffer, bytes, self.limit.saturating_mul(2));
    }

    /// The bytes that are kept.
    pub fn as_slice(&self) -> &[u8] {
        last(&self.buffer, self.limit)
    }

    /// A copy of the bytes that are kept.
    pub fn to_bytes(&self) -> Bytes {
        Bytes::copy_from_slice(self.as_slice())
    }

    /// The bytes that are allocated.
    pub(crate) const fn retained(&self) -> usize {
        self.buffer.capacity()
    }
}

fn last(bytes: &[u8], limit: usize) -> &[u8] {
    bytes.get(bytes.len().saturating_sub(limit)..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_allocated_before_the_first_push() {
        assert_eq!(Tail::new(8192).retained(), 0);
    }

    #[test]
    fn a_limit_of_zero_keeps_nothing() {
        let mut tail = Tail::new(0);
        tail.push(b"abc");
        assert_eq!(tail.as_slice(), b"");
        assert_eq!(tail.retained(), 0);
    }

    proptest! {
        #[test]
        fn equals_the_end_of_everything_pushed(
            limit in 0usize..20,
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..30),
        ) {
            let mut tail = Tail::new(limit);
            let mut all = Vec::new();
            for piece in pieces {
                tail.push(&piece);
                all.extend_from_slice(&piece);
                prop_assert_eq!(tail.as_slice(), last(&all, limit));
                prop_assert!((tail.as_slice().len()..=2 * limit).contains(&tail.retained()));
            }
        }
    }
}
