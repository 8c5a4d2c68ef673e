//! The naive reader: what an application must see, read off the true events byte by byte.
//!
//! It is written to be obviously right, not fast: it keeps every open line whole, looks at one byte
//! at a time, and asks `serde_json` what a line is.

mod lines;
mod meaning;

use std::ops::RangeInclusive;

use bytes::Bytes;
use farpipe_core::{Envelope, Event, Exit, Limits, NoisePolicy, Seq, Settings, Stream};

use self::lines::{Stderr, Stdout};
use crate::process::Produced;

/// An event, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A message, as it was written.
    Message(Bytes),
    /// A line of stderr.
    Stderr {
        /// The line.
        bytes: Bytes,
        /// Whether some of it is missing.
        truncated: bool,
    },
    /// A line that is no message.
    Bad {
        /// Whether it looks like one.
        malformed: bool,
        /// Its length.
        len: usize,
        /// Whether its end is missing.
        unterminated: bool,
    },
    /// A line above the limit.
    Oversized {
        /// Its length.
        len: u64,
        /// Whether its end is missing.
        unterminated: bool,
    },
    /// A hole.
    Lost(RangeInclusive<Seq>),
    /// The end of the process.
    Exited(Exit),
    /// The end of the session.
    End,
    /// An event that this model does not know.
    Unknown(String),
}

impl From<&Event<Envelope>> for Seen {
    fn from(event: &Event<Envelope>) -> Self {
        match event {
            Event::Message(message) => Self::Message(message.raw().clone()),
            Event::Stderr(line) => {
                Self::Stderr { bytes: line.bytes.clone(), truncated: line.truncated }
            }
            Event::Noise(line) => {
                Self::Bad { malformed: false, len: line.len, unterminated: line.unterminated }
            }
            Event::Malformed(line) => {
                Self::Bad { malformed: true, len: line.len, unterminated: line.unterminated }
            }
            Event::Oversized(line) => {
                Self::Oversized { len: line.len, unterminated: line.unterminated }
            }
            Event::Lost(lost) => Self::Lost(lost.missing.clone()),
            Event::Exited(exit) => Self::Exited(*exit),
            Event::End(_) => Self::End,
            other => Self::Unknown(format!("{other:?}")),
        }
    }
}

/// What comes of a stream.
#[derive(Debug, Default)]
pub struct Expected {
    /// The events, in order, and the line that each of them comes from where it is not in the event.
    pub seen: Vec<(Seen, Vec<u8>)>,
    /// The end of stderr.
    pub stderr_tail: Vec<u8>,
}

/// What comes of the first `taken` events when those in `lost` are missing.
pub fn read(
    events: &[Produced],
    taken: Seq,
    lost: &[RangeInclusive<Seq>],
    settings: &Settings,
) -> Expected {
    let mut reader = Reader::new(settings);
    for (seq, event) in (1..=taken).zip(events) {
        match lost.iter().find(|range| range.contains(&seq)) {
            Some(range) if *range.start() == seq => reader.hole(range),
            Some(_) => {}
            None => reader.event(event),
        }
    }
    reader.end()
}

struct Reader<'a> {
    limits: &'a Limits,
    strict: bool,
    /// Nothing is delivered behind a line that ended the session.
    cut: bool,
    stdout: Stdout,
    stderr: Stderr,
    all_stderr: Vec<u8>,
    seen: Vec<(Seen, Vec<u8>)>,
}

impl<'a> Reader<'a> {
    fn new(settings: &'a Settings) -> Self {
        Self {
            limits: &settings.limits,
            strict: settings.noise == NoisePolicy::Strict,
            cut: false,
            stdout: Stdout::default(),
            stderr: Stderr::default(),
            all_stderr: Vec::new(),
            seen: Vec::new(),
        }
    }

    fn event(&mut self, event: &Produced) {
        match event {
            Produced::Output(Stream::Stdout, data) => data.iter().for_each(|&byte| {
                if let Some(line) = self.stdout.byte(byte) {
                    self.stdout_line(&line, false);
                }
            }),
            Produced::Output(Stream::Stderr, data) => {
                self.all_stderr.extend_from_slice(data);
                data.iter().for_each(|&byte| {
                    let line = self.stderr.byte(byte, self.limits.stderr_line);
                    self.stderr_line(line);
                });
            }
            Produced::Exited(exit) => self.push(Seen::Exited(*exit), &[]),
            Produced::Closed => {}
        }
    }

    /// The numbers do not tell which stream the hole is in: both are broken off.
    fn hole(&mut self, missing: &RangeInclusive<Seq>) {
        if let Some(line) = self.stdout.break_off() {
            self.oversized(lines::strip_cr(&line), true);
        }
        let line = self.stderr.break_off();
        self.stderr_line(line);
        self.push(Seen::Lost(missing.clone()), &[]);
    }

    fn end(mut self) -> Expected {
        if let Some(line) = self.stdout.end() {
            self.stdout_line(&line, true);
        }
        let line = self.stderr.end();
        self.stderr_line(line);
        self.cut = false;
        self.push(Seen::End, &[]);
        let tail = self.all_stderr.len().saturating_sub(self.limits.stderr_tail);
        Expected { seen: self.seen, stderr_tail: self.all_stderr.split_off(tail) }
    }

    fn stderr_line(&mut self, line: Option<(Vec<u8>, bool)>) {
        if let Some((bytes, truncated)) = line {
            self.push(Seen::Stderr { bytes: bytes.into(), truncated }, &[]);
        }
    }

    fn stdout_line(&mut self, line: &[u8], unterminated: bool) {
        let line = lines::strip_cr(line);
        if self.oversized(line, unterminated) {
            return;
        }
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        if line.trim_ascii().is_empty() {
            return;
        }
        match meaning::elements(line) {
            Some(elements) => elements.iter().for_each(|element| self.text(element, false)),
            None => self.text(line, unterminated),
        }
    }

    fn oversized(&mut self, line: &[u8], unterminated: bool) -> bool {
        let oversized = line.len() > self.limits.max_line;
        if oversized {
            self.push(Seen::Oversized { len: line.len() as u64, unterminated }, line);
        }
        oversized
    }

    fn text(&mut self, text: &[u8], unterminated: bool) {
        if meaning::is_message(text) {
            return self.push(Seen::Message(Bytes::copy_from_slice(text)), &[]);
        }
        let malformed = meaning::looks_like_message(text);
        self.push(Seen::Bad { malformed, len: text.len(), unterminated }, text);
        self.cut |= self.strict;
        if let Some(message) = meaning::behind_noise(text).filter(|_| !malformed) {
            self.push(Seen::Message(Bytes::copy_from_slice(message)), &[]);
        }
    }

    fn push(&mut self, seen: Seen, line: &[u8]) {
        if !self.cut {
            self.seen.push((seen, line.to_vec()));
        }
    }
}
