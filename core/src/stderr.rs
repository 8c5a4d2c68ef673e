//! Lines of stderr, bounded and never in the way.

mod saved;

use alloc::vec::Vec;
use core::mem;

use bytes::Bytes;

pub(crate) use self::saved::SavedStderr;
use crate::{
    StderrLine,
    chunks::{Chunks, Piece, append, fits, freeze, strip_cr},
};

/// Splits stderr into lines.
///
/// The delimiter is 0x0A; one CR before it is removed and blank lines are kept. A line above the
/// limit is delivered at once, cut to the limit and marked, and its rest is dropped up to the
/// newline, so a program that never writes one costs no memory and delays nothing.
///
/// ```
/// use farpipe_core::StderrLines;
///
/// let mut lines = StderrLines::new(4);
/// lines.push("ok\r\nfatal: oops\n".into());
/// assert_eq!(lines.next_line().unwrap().text(), "ok");
/// let cut = lines.next_line().unwrap();
/// assert_eq!((cut.text().as_str(), cut.truncated), ("fata", true));
/// assert_eq!(lines.next_line(), None);
/// ```
#[derive(Debug)]
pub struct StderrLines {
    chunks: Chunks,
    /// The beginning of a line whose end has not been read.
    joined: Vec<u8>,
    /// The line was delivered, cut; its rest is dropped.
    dropping: bool,
    /// The coming line lies behind a hole and may lack its beginning.
    torn: bool,
    /// The line that a hole broke off.
    broken: Option<StderrLine>,
    max_line: usize,
    finished: bool,
}

impl StderrLines {
    /// Lines of up to `max_line` bytes; newline and CR do not count.
    pub fn new(max_line: usize) -> Self {
        Self {
            chunks: Chunks::default(),
            joined: Vec::new(),
            dropping: false,
            torn: false,
            broken: None,
            max_line,
            finished: false,
        }
    }

    /// Appends a chunk. O(1). After [`finish`](Self::finish) it does nothing.
    pub fn push(&mut self, chunk: Bytes) {
        if !self.finished {
            self.chunks.push(chunk);
        }
    }

    /// Finds the next line; `None` when more input is needed.
    pub fn next_line(&mut self) -> Option<StderrLine> {
        if self.broken.is_some() {
            return self.broken.take();
        }
        loop {
            let line = match self.chunks.next_piece() {
                Some(Piece::Ended { start, end }) => self.end_line(start, end),
                Some(Piece::Rest(rest)) => self.extend(&rest),
                None => return self.end_input(),
            };
            if line.is_some() {
                return line;
            }
        }
    }

    /// Some of the stream is missing here: the line that is broken off becomes available, marked as
    /// truncated, and so will be the remains of a line in front of the next newline.
    ///
    /// Call [`next_line`](Self::next_line) until it yields `None` first: what is still waiting is
    /// dropped.
    pub fn break_line(&mut self) {
        self.chunks.clear();
        self.dropping = false;
        if !self.joined.is_empty() {
            self.broken = self.take_joined(true);
        }
        self.torn = true;
    }

    /// The stream has ended: a last line without a newline becomes available.
    pub const fn finish(&mut self) {
        self.finished = true;
    }

    /// The bytes that are retained now.
    pub fn buffered(&self) -> usize {
        let broken = self.broken.as_ref().map_or(0, |line| line.bytes.len());
        self.chunks.retained().saturating_add(self.joined.capacity()).saturating_add(broken)
    }

    fn end_line(&mut self, start: usize, end: usize) -> Option<StderrLine> {
        if mem::take(&mut self.dropping) {
            return None;
        }
        let line = self.chunks.slice(start, end);
        if self.joined.is_empty() {
            let line = strip_cr(line);
            let kept = line.get(..self.max_line).unwrap_or(line);
            return self.deliver(self.chunks.current().slice_ref(kept), kept.len() < line.len());
        }
        let cut = join(&mut self.joined, line, self.max_line);
        self.take_joined(cut)
    }

    /// Adds to the line that is open, which is delivered at once if it exceeds the limit.
    fn extend(&mut self, rest: &[u8]) -> Option<StderrLine> {
        if self.dropping || !join(&mut self.joined, rest, self.max_line) {
            return None;
        }
        self.dropping = true;
        self.take_joined(true)
    }

    fn end_input(&mut self) -> Option<StderrLine> {
        if self.joined.is_empty() {
            self.joined = Vec::new();
            return None;
        }
        if self.finished { self.take_joined(false) } else { None }
    }

    fn take_joined(&mut self, truncated: bool) -> Option<StderrLine> {
        if !truncated {
            self.joined.truncate(strip_cr(&self.joined).len());
        }
        let bytes = freeze(&mut self.joined);
        self.deliver(bytes, truncated)
    }

    fn deliver(&mut self, bytes: Bytes, truncated: bool) -> Option<StderrLine> {
        let torn = mem::take(&mut self.torn);
        if torn && bytes.is_empty() {
            return None;
        }
        Some(StderrLine { bytes, truncated: truncated || torn })
    }
}

/// Appends what the limit leaves room for; returns whether that was not all.
fn join(joined: &mut Vec<u8>, bytes: &[u8], max_line: usize) -> bool {
    let len = joined.len().saturating_add(bytes.len());
    if fits(len, bytes.last().or(joined.last()), max_line) {
        append(joined, bytes, max_line.saturating_add(1));
        return false;
    }
    // A CR that waited for its newline may stand above the limit.
    joined.truncate(max_line);
    append(joined, bytes.get(..max_line - joined.len()).unwrap_or_default(), max_line);
    true
}

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec};

    use proptest::prelude::*;

    use super::*;

    fn drain(lines: &mut StderrLines) -> Vec<(String, bool)> {
        core::iter::from_fn(|| lines.next_line())
            .map(|line| (line.text(), line.truncated))
            .collect()
    }

    fn split(max_line: usize, chunks: &[&str]) -> Vec<(String, bool)> {
        let mut lines = StderrLines::new(max_line);
        for chunk in chunks {
            lines.push(Bytes::copy_from_slice(chunk.as_bytes()));
        }
        drain(&mut lines)
    }

    fn whole(text: &str) -> (String, bool) {
        (text.into(), false)
    }

    fn cut(text: &str) -> (String, bool) {
        (text.into(), true)
    }

    #[test]
    fn what_is_buffered_is_what_is_open() {
        let mut lines = StderrLines::new(10);
        assert_eq!(lines.buffered(), 0);
        lines.push(Bytes::from_static(b"whole\nhalf"));
        assert!(lines.buffered() >= "whole\nhalf".len());
        assert_eq!(drain(&mut lines), [whole("whole")]);
        assert!((4..=10).contains(&lines.buffered()), "{}", lines.buffered());
    }

    #[test]
    fn blank_lines_are_kept_and_a_cr_is_removed() {
        let expected = ["a", "", "b", " "].map(whole);
        assert_eq!(split(100, &["a\n\r\nb\r\n \n"]), expected);
        assert_eq!(split(100, &["a", "\n\r", "\nb\r", "\n", " ", "\n"]), expected);
    }

    /// <https://github.com/openai/codex/issues/23276>
    #[test]
    fn oversized_stderr_line_is_truncated_and_the_next_one_is_whole() {
        for chunks in
            [&["1234567\nok\n"][..], &["12", "34567", "8\nok\n"], &["1234\r", "5\nok", "\n"]]
        {
            assert_eq!(split(4, chunks), [cut("1234"), whole("ok")]);
        }
        assert_eq!(split(4, &["1234\r", "\n1234\r\n"]), [whole("1234"), whole("1234")]);
    }

    /// <https://github.com/openai/codex/issues/7155>
    #[test]
    fn megabytes_without_a_newline_are_one_truncated_line_and_no_memory() {
        let mut lines = StderrLines::new(64 << 10);
        let chunk = Bytes::from(vec![b'x'; 10_000]);
        let mut delivered = 0;
        for _ in 0..500 {
            lines.push(chunk.clone());
            delivered += core::iter::from_fn(|| lines.next_line()).count();
            assert!(lines.buffered() <= (64 << 10) + 1);
        }
        assert_eq!((delivered, lines.buffered()), (1, 0), "delivered before its end, once");
        lines.push("\nok\n".into());
        assert_eq!(drain(&mut lines), [whole("ok")]);
    }

    #[test]
    fn line_inside_one_chunk_shares_it() {
        let chunk = Bytes::from_static(b"abc\n");
        let mut lines = StderrLines::new(100);
        lines.push(chunk.clone());
        assert_eq!(lines.next_line().unwrap().bytes.as_ptr(), chunk.as_ptr());
    }

    #[test]
    fn both_sides_of_a_hole_are_delivered_and_marked() {
        let mut lines = StderrLines::new(100);
        lines.push("a\nbef".into());
        assert_eq!(drain(&mut lines), [whole("a")]);
        lines.break_line();
        lines.push("ter\nb\n".into());
        assert_eq!(drain(&mut lines), [cut("bef"), cut("ter"), whole("b")]);
        lines.break_line();
        lines.push("\nc\n".into());
        assert_eq!(drain(&mut lines), [whole("c")], "nothing of the torn line is left");
    }

    #[test]
    fn final_line_without_a_newline_is_delivered_at_the_end() {
        let mut lines = StderrLines::new(100);
        lines.push("panic".into());
        assert_eq!(drain(&mut lines), []);
        lines.finish();
        lines.push("more\n".into());
        assert_eq!(drain(&mut lines), [whole("panic")]);
    }

    fn reference(stream: &[u8], max_line: usize) -> Vec<(String, bool)> {
        let lines = stream.split_inclusive(|&byte| byte == b'\n');
        let payloads = lines.map(|line| strip_cr(line.strip_suffix(b"\n").unwrap_or(line)));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let cut = |line: &[u8]| (text(&line[..max_line.min(line.len())]), line.len() > max_line);
        payloads.map(cut).collect()
    }

    proptest! {
        #[test]
        fn every_chunking_equals_the_reference(
            stream in "[a-c\r\n]{0,60}",
            sizes in prop::collection::vec(1usize..10, 1..6),
            max_line in 1usize..8,
        ) {
            let mut lines = StderrLines::new(max_line);
            let (mut delivered, mut rest) = (Vec::new(), stream.as_bytes());
            for &size in sizes.iter().cycle().take_while(|_| !stream.is_empty()) {
                let (chunk, after) = rest.split_at(size.min(rest.len()));
                lines.push(Bytes::copy_from_slice(chunk));
                delivered.extend(drain(&mut lines));
                prop_assert!(lines.buffered() <= max_line + 1);
                rest = after;
                if rest.is_empty() {
                    break;
                }
            }
            lines.finish();
            delivered.extend(drain(&mut lines));
            prop_assert_eq!(delivered, reference(stream.as_bytes(), max_line));
        }
    }
}
