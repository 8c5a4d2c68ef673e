//! The framer that suggests itself.

/// Appends to one buffer, searches it from its beginning, and moves the rest to the front.
///
/// A line of n bytes that comes in k chunks is searched k times.
#[derive(Debug, Default)]
pub struct NaiveFramer {
    buffer: Vec<u8>,
}

impl NaiveFramer {
    /// Appends a chunk.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// Takes the next line, with its newline.
    pub fn next_line(&mut self) -> Option<Vec<u8>> {
        let newline = self.buffer.iter().position(|&byte| byte == b'\n')?;
        Some(self.buffer.drain(..=newline).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back() {
        let mut framer = NaiveFramer::default();
        framer.push(b"ab\nc");
        assert_eq!(framer.next_line().unwrap(), b"ab\n");
        assert_eq!(framer.next_line(), None);
        framer.push(b"d\n");
        assert_eq!(framer.next_line().unwrap(), b"cd\n");
    }
}
