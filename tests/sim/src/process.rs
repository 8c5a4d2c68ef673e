//! The process: what it reads, what it writes, and the numbered events that come of it.

use bytes::Bytes;
use farpipe_core::{Exit, Seq, Stream};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::text;

/// How the simulated process ends.
pub(crate) const EXIT: Exit = Exit::Code(3);

/// One event of the process, as it truly happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Produced {
    /// It wrote a chunk.
    Output(Stream, Bytes),
    /// It ended.
    Exited(Exit),
    /// Its output was closed.
    Closed,
}

/// A process that answers requests and says what it is told to.
#[derive(Debug, Default)]
pub(crate) struct Process {
    stdin: Vec<u8>,
    /// How much of stdin has been read as whole lines.
    read: usize,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    said: u64,
    events: Vec<Produced>,
    exit_seq: Option<Seq>,
    closed: bool,
    given_up: bool,
}

impl Process {
    pub(crate) fn say(&mut self, line: crate::Line) {
        self.said += 1;
        self.stdout.extend(text::line(line, self.said));
    }

    pub(crate) fn warn(&mut self, len: u8) {
        self.said += 1;
        self.stderr.extend(text::warning(self.said, len));
    }

    /// Writes so many of the bytes in hand as one chunk; the number of the event.
    pub(crate) fn write(&mut self, stream: Stream, bytes: usize) -> Option<Seq> {
        let in_hand = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let rest = in_hand.split_off(bytes.min(in_hand.len()));
        let chunk = std::mem::replace(in_hand, rest);
        if chunk.is_empty() || self.is_over() {
            return None;
        }
        Some(self.produce(Produced::Output(stream, chunk.into())))
    }

    pub(crate) fn exit(&mut self) -> Option<Seq> {
        if self.exit_seq.is_some() || self.is_over() {
            return None;
        }
        let seq = self.produce(Produced::Exited(EXIT));
        self.exit_seq = Some(seq);
        Some(seq)
    }

    /// To be called when everything is written and the process has ended.
    pub(crate) fn close(&mut self) -> Option<Seq> {
        if self.is_over() {
            return None;
        }
        self.closed = true;
        Some(self.produce(Produced::Closed))
    }

    /// Nothing is heard of the process any more; no event says so.
    pub(crate) fn give_up(&mut self) {
        self.given_up = true;
    }

    /// Takes bytes on stdin and answers every request that is now complete.
    pub(crate) fn feed(&mut self, data: &[u8]) {
        self.stdin.extend_from_slice(data);
        while let Some(len) = self.stdin[self.read..].iter().position(|&byte| byte == b'\n') {
            let line = &self.stdin[self.read..self.read + len];
            let answers = answers(line);
            self.read += len + 1;
            self.stdout.extend_from_slice(answers.as_bytes());
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.exit_seq.is_none() && !self.is_over()
    }

    /// Whether no further event can follow.
    pub(crate) const fn is_over(&self) -> bool {
        self.closed || self.given_up
    }

    pub(crate) const fn exit_seq(&self) -> Option<Seq> {
        self.exit_seq
    }

    pub(crate) fn events(&self) -> &[Produced] {
        &self.events
    }

    pub(crate) fn stdin(&self) -> &[u8] {
        &self.stdin
    }

    fn produce(&mut self, event: Produced) -> Seq {
        self.events.push(event);
        self.events.len() as Seq
    }
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    method: &'a str,
}

fn answers(line: &[u8]) -> String {
    let Ok(requests) = serde_json::from_slice::<Vec<Request<'_>>>(line) else {
        return serde_json::from_slice(line).map_or(String::new(), |request| answer(&request));
    };
    requests.iter().map(answer).collect()
}

fn answer(request: &Request<'_>) -> String {
    request.id.map_or(String::new(), |id| text::answer(id.get(), request.method))
}
