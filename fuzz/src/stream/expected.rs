//! What the application is to see, read off the process's own events.

use std::{mem, ops::RangeInclusive};

use bytes::Bytes;
use farpipe_core::{Batch, Envelope, Event, Exit, Seq, Stream, looks_like_message};

use super::executor::{EXIT, Executor, Produced};

/// An event, as far as it is compared.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Message(Bytes),
    Stderr { bytes: Bytes, truncated: bool },
    BadLine { malformed: bool, len: usize, unterminated: bool },
    Oversized { len: u64, unterminated: bool },
    Lost(RangeInclusive<Seq>),
    Exited(Exit),
    End,
}

impl From<Event<Envelope>> for Seen {
    fn from(event: Event<Envelope>) -> Self {
        match event {
            Event::Message(message) => Self::Message(message.into_raw()),
            Event::Stderr(line) => Self::Stderr { bytes: line.bytes, truncated: line.truncated },
            Event::Noise(line) => {
                Self::BadLine { malformed: false, len: line.len, unterminated: line.unterminated }
            }
            Event::Malformed(line) => {
                Self::BadLine { malformed: true, len: line.len, unterminated: line.unterminated }
            }
            Event::Oversized(line) => {
                Self::Oversized { len: line.len, unterminated: line.unterminated }
            }
            Event::Lost(lost) => Self::Lost(lost.missing),
            Event::Exited(exit) => Self::Exited(exit),
            Event::End(_) => Self::End,
            event => panic!("an event that nothing leads to: {event:?}"),
        }
    }
}

/// What comes of the events up to `taken`, without those that were lost.
pub(super) fn expected(
    executor: &Executor,
    max_line: usize,
    taken: Seq,
    lost: &[RangeInclusive<Seq>],
) -> Vec<Seen> {
    let mut reader = Reader { max_line, ..Reader::default() };
    for seq in 1..=taken {
        match lost.iter().find(|range| range.contains(&seq)) {
            Some(range) if *range.start() == seq => reader.hole(range),
            Some(_) => {}
            None => reader.event(executor.get(seq).expect("nothing is made up")),
        }
    }
    reader.end();
    reader.seen
}

#[derive(Default)]
struct Reader {
    max_line: usize,
    stdout: Open,
    stderr: Open,
    seen: Vec<Seen>,
}

/// A line whose end has not been read.
#[derive(Default)]
struct Open {
    bytes: Vec<u8>,
    behind_hole: bool,
}

impl Open {
    /// Takes it off, and begins behind a hole.
    fn break_off(&mut self) -> Self {
        mem::replace(self, Self { bytes: Vec::new(), behind_hole: true })
    }
}

impl Reader {
    fn event(&mut self, event: &Produced) {
        match event {
            Produced::Output(stream, data) => data.iter().for_each(|&byte| match stream {
                Stream::Stdout if byte == b'\n' => self.end_stdout_line(false),
                Stream::Stdout => self.stdout.bytes.push(byte),
                Stream::Stderr if byte == b'\n' => self.end_stderr_line(),
                Stream::Stderr => self.stderr.bytes.push(byte),
            }),
            Produced::Exit => self.seen.push(Seen::Exited(EXIT)),
            Produced::Close => {}
        }
    }

    /// The numbers do not tell which stream the hole is in: both are broken off.
    fn hole(&mut self, missing: &RangeInclusive<Seq>) {
        let line = self.stdout.break_off();
        if !line.behind_hole {
            self.oversized(strip_cr(&line.bytes), true);
        }
        let line = self.stderr.break_off();
        if !line.bytes.is_empty() {
            self.seen.push(Seen::Stderr { bytes: line.bytes.into(), truncated: true });
        }
        self.seen.push(Seen::Lost(missing.clone()));
    }

    fn end(&mut self) {
        if !self.stdout.bytes.is_empty() {
            self.end_stdout_line(true);
        }
        if !self.stderr.bytes.is_empty() {
            self.end_stderr_line();
        }
        self.seen.push(Seen::End);
    }

    fn end_stderr_line(&mut self) {
        let Open { bytes, behind_hole } = mem::take(&mut self.stderr);
        if !(behind_hole && bytes.is_empty()) {
            self.seen.push(Seen::Stderr { bytes: bytes.into(), truncated: behind_hole });
        }
    }

    fn end_stdout_line(&mut self, unterminated: bool) {
        let Open { bytes, behind_hole } = mem::take(&mut self.stdout);
        let line = Bytes::copy_from_slice(strip_cr(&bytes));
        if behind_hole || self.oversized(&line, unterminated) || line.trim_ascii().is_empty() {
            return;
        }
        match Batch::parse(line.clone()) {
            Ok(mut batch) => {
                while let Some(element) = batch.next_element() {
                    self.message(element, unterminated);
                }
            }
            Err(_) => self.message(line, unterminated),
        }
    }

    fn message(&mut self, line: Bytes, unterminated: bool) {
        let (malformed, len) = (looks_like_message(&line), line.len());
        self.seen.push(match Envelope::parse(line) {
            Ok(message) => Seen::Message(message.into_raw()),
            Err(_) => Seen::BadLine { malformed, len, unterminated },
        });
    }

    fn oversized(&mut self, line: &[u8], unterminated: bool) -> bool {
        let oversized = line.len() > self.max_line;
        if oversized {
            self.seen.push(Seen::Oversized { len: line.len() as u64, unterminated });
        }
        oversized
    }
}

fn strip_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
