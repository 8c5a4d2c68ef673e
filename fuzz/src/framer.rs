//! The line framer beside its own description, read byte by byte.
//!
//! Input: the limit, the window, then steps: a byte with the length of a chunk in its low bits and
//! what to do around it in the high ones, and the chunk.

use std::mem;

use bytes::Bytes;
use farpipe_core::{Framed, LineFramer, Oversized};

/// What a discarded line may cost beside its windows, and a queued chunk beside its bytes.
const OVERHEAD: usize = 128;

/// Any chunking of any bytes, with holes anywhere, yields the lines of the description, as soon as
/// their newline is there; memory stays bounded and every byte is searched once.
pub fn framer(data: &[u8]) {
    let [max_line, window, script @ ..] = data else { return };
    let mut run = Run::new(usize::from(max_line % 32), usize::from(window % 16));
    let mut script = script;
    while let Some((&head, rest)) = script.split_first() {
        let (chunk, rest) = rest.split_at(usize::from(head % 32).min(rest.len()));
        if head >> 6 == 3 {
            run.hole();
        }
        run.push(chunk);
        if head & 32 != 0 {
            run.drain();
        }
        script = rest;
    }
    run.finish();
}

#[derive(Debug, PartialEq, Eq)]
enum Item {
    Line { bytes: Vec<u8>, unterminated: bool },
    Oversized(Oversized),
}

struct Run {
    framer: LineFramer,
    expected: Expected,
    items: Vec<Item>,
    pushed: usize,
    undrained: usize,
}

impl Run {
    fn new(max_line: usize, window: usize) -> Self {
        let expected = Expected { max_line, window, ..Expected::default() };
        let framer = LineFramer::new(max_line, window);
        Self { framer, expected, items: Vec::new(), pushed: 0, undrained: 0 }
    }

    fn push(&mut self, chunk: &[u8]) {
        self.framer.push(Bytes::copy_from_slice(chunk));
        self.expected.push(chunk);
        self.pushed += chunk.len();
        self.undrained += chunk.len() + OVERHEAD;
        self.check_bounds();
    }

    fn drain(&mut self) {
        while let Some(framed) = self.framer.next_line() {
            self.items.push(own(framed));
        }
        self.undrained = 0;
        assert_eq!(self.items, self.expected.items);
        self.check_bounds();
    }

    fn hole(&mut self) {
        self.drain();
        self.framer.break_line();
        self.expected.hole();
        self.drain();
    }

    fn finish(&mut self) {
        self.drain();
        self.framer.finish();
        self.framer.push(Bytes::from_static(b"late\n"));
        self.expected.finish();
        self.drain();
        assert_eq!(self.framer.scanned(), self.pushed as u64);
        assert_eq!(self.framer.buffered(), 0);
    }

    fn check_bounds(&self) {
        let Expected { max_line, window, .. } = self.expected;
        let open = (max_line + 1).max(OVERHEAD + window + 2 * (window + 1));
        assert!(self.framer.buffered() <= open + self.undrained);
        assert!(self.framer.scanned() <= self.pushed as u64);
    }
}

fn own(framed: Framed<'_>) -> Item {
    match framed {
        Framed::Oversized(oversized) => Item::Oversized(*oversized),
        Framed::Line(mut line) => {
            let bytes = line.to_vec();
            assert_eq!(line.to_bytes(), bytes);
            assert_eq!(*line, bytes, "owning a line does not change it");
            Item::Line { bytes, unterminated: line.is_unterminated() }
        }
    }
}

/// The description.
#[derive(Default)]
struct Expected {
    max_line: usize,
    window: usize,
    open: Vec<u8>,
    behind_hole: bool,
    items: Vec<Item>,
}

impl Expected {
    fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                self.end_line(false);
            } else {
                self.open.push(byte);
            }
        }
    }

    fn end_line(&mut self, unterminated: bool) {
        let line = mem::take(&mut self.open);
        if mem::take(&mut self.behind_hole) {
            return;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if line.len() > self.max_line {
            return self.oversized(line, unterminated);
        }
        let text = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        if !text.trim_ascii().is_empty() {
            self.items.push(Item::Line { bytes: text.to_vec(), unterminated });
        }
    }

    fn oversized(&mut self, line: &[u8], unterminated: bool) {
        let window = self.window.min(line.len());
        self.items.push(Item::Oversized(Oversized {
            len: line.len() as u64,
            limit: self.max_line,
            head: Bytes::copy_from_slice(&line[..window]),
            tail: Bytes::copy_from_slice(&line[line.len() - window..]),
            unterminated,
        }));
    }

    /// The line that is open goes unreported, unless it was already known to be too long.
    fn hole(&mut self) {
        let line = mem::take(&mut self.open);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if line.len() > self.max_line && !self.behind_hole {
            self.oversized(line, true);
        }
        self.behind_hole = true;
    }

    fn finish(&mut self) {
        if !self.open.is_empty() {
            self.end_line(true);
        }
    }
}
