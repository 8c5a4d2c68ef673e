//! Lines, one byte at a time.

use std::mem;

pub(super) fn strip_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// stdout: a line is whole or it is nothing.
#[derive(Default)]
pub(super) struct Stdout {
    line: Vec<u8>,
    behind_hole: bool,
}

impl Stdout {
    /// The line that ends here, unless its beginning may be missing.
    pub(super) fn byte(&mut self, byte: u8) -> Option<Vec<u8>> {
        if byte != b'\n' {
            self.line.push(byte);
            return None;
        }
        let line = mem::take(&mut self.line);
        (!mem::take(&mut self.behind_hole)).then_some(line)
    }

    /// What was open.
    pub(super) fn break_off(&mut self) -> Option<Vec<u8>> {
        let line = mem::take(&mut self.line);
        (!mem::replace(&mut self.behind_hole, true)).then_some(line)
    }

    /// The line that has no newline.
    pub(super) fn end(&mut self) -> Option<Vec<u8>> {
        let line = mem::take(&mut self.line);
        (!self.behind_hole && !line.is_empty()).then_some(line)
    }
}

/// stderr: a line is told as soon as it is too long, and what a hole leaves of it is told, too.
#[derive(Default)]
pub(super) struct Stderr {
    line: Vec<u8>,
    /// The line has been told, and the rest of it is dropped.
    told: bool,
    behind_hole: bool,
}

impl Stderr {
    /// The line that ends or becomes too long here, and whether some of it is missing.
    pub(super) fn byte(&mut self, byte: u8, max_line: usize) -> Option<(Vec<u8>, bool)> {
        if byte == b'\n' {
            return self.end_line();
        }
        if self.told {
            return None;
        }
        self.line.push(byte);
        if strip_cr(&self.line).len() <= max_line {
            return None;
        }
        self.line.truncate(max_line);
        self.told = true;
        self.behind_hole = false;
        Some((mem::take(&mut self.line), true))
    }

    fn end_line(&mut self) -> Option<(Vec<u8>, bool)> {
        let line = mem::take(&mut self.line);
        if mem::take(&mut self.told) {
            return None;
        }
        let torn = mem::take(&mut self.behind_hole);
        let line = strip_cr(&line).to_vec();
        (!(torn && line.is_empty())).then_some((line, torn))
    }

    pub(super) fn break_off(&mut self) -> Option<(Vec<u8>, bool)> {
        let line = mem::take(&mut self.line);
        self.told = false;
        self.behind_hole = true;
        (!line.is_empty()).then_some((line, true))
    }

    pub(super) fn end(&mut self) -> Option<(Vec<u8>, bool)> {
        if self.line.is_empty() { None } else { self.end_line() }
    }
}
