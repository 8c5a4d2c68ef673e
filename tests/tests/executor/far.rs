//! A process and what its executor keeps of it, without any I/O.

use std::collections::HashMap;

use farpipe_core::{Chunk, Exit, Input, Page, ReplayId, Seq, Stream, WriteId};

/// A small generator of pseudo-random numbers (xorshift64*).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap() % limit
    }

    pub(crate) fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

/// What really happened.
#[derive(Clone, Default)]
pub(crate) struct Truth {
    pub(crate) requests: Vec<String>,
    pub(crate) messages: Vec<String>,
    pub(crate) stderr: Vec<String>,
    pub(crate) repeated_writes: usize,
    /// Writes under the id of other bytes.
    pub(crate) reused_ids: usize,
    pub(crate) replays: usize,
}

/// Answers every request, and says this and that besides.
pub(crate) struct Far {
    pub(crate) truth: Truth,
    stdin: String,
    stdout: Vec<u8>,
    applied: HashMap<WriteId, String>,
    output: Vec<Chunk>,
    /// The next number.
    next: Seq,
    ended: bool,
}

impl Far {
    pub(crate) fn new() -> Self {
        Self {
            truth: Truth::default(),
            stdin: String::new(),
            stdout: Vec::new(),
            applied: HashMap::new(),
            output: Vec::new(),
            next: 1,
            ended: false,
        }
    }

    /// Applies a write once, and yields what the process does then.
    pub(crate) fn write(&mut self, id: WriteId, data: &str, dice: &mut Dice) -> Vec<Input> {
        if let Some(first) = self.applied.get(&id) {
            self.truth.repeated_writes += 1;
            self.truth.reused_ids += usize::from(first != data);
            return Vec::new();
        }
        self.applied.insert(id, data.to_owned());
        self.stdin.push_str(data);
        let mut events = Vec::new();
        while let Some((request, rest)) = self.stdin.split_once('\n') {
            let (request, rest) = (request.to_owned(), rest.to_owned());
            self.stdin = rest;
            self.answer(&request, dice);
            if dice.one_in(8) {
                events.push(self.complain());
            }
            self.truth.requests.push(request);
        }
        while self.stdout.len() > 200 || (!self.stdout.is_empty() && !dice.one_in(3)) {
            let len = 1 + dice.below(self.stdout.len().min(300));
            events.push(self.flush(len));
        }
        events
    }

    fn answer(&mut self, request: &str, dice: &mut Dice) {
        let id = request.split(['"', ':', ',']).find_map(|part| part.parse::<u64>().ok());
        let id = id.unwrap_or_default();
        self.say(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"text":"für {id}"}}}}"#));
        if dice.one_in(5) {
            self.say(format!(r#"{{"jsonrpc":"2.0","method":"progress/{id}"}}"#));
        }
    }

    fn say(&mut self, message: String) {
        self.stdout.extend_from_slice(message.as_bytes());
        self.stdout.push(b'\n');
        self.truth.messages.push(message);
    }

    fn complain(&mut self) -> Input {
        let line = format!("warning {}", self.truth.stderr.len());
        let data = format!("{line}\n");
        self.truth.stderr.push(line);
        self.output(Stream::Stderr, data.into())
    }

    fn flush(&mut self, len: usize) -> Input {
        let data: Vec<u8> = self.stdout.drain(..len).collect();
        self.output(Stream::Stdout, data.into())
    }

    fn output(&mut self, stream: Stream, data: bytes::Bytes) -> Input {
        let chunk = Chunk { seq: self.next, stream, data };
        self.next += 1;
        self.output.push(chunk.clone());
        Input::Output(chunk)
    }

    /// The process reads the end of its stdin, once.
    pub(crate) fn close_stdin(&mut self) -> Vec<Input> {
        if self.ended {
            return Vec::new();
        }
        self.ended = true;
        let mut events = Vec::new();
        if !self.stdout.is_empty() {
            events.push(self.flush(self.stdout.len()));
        }
        events.push(Input::Exited { seq: self.next, exit: Exit::Code(0) });
        events.push(Input::Closed { seq: self.next + 1 });
        self.next += 2;
        events
    }

    pub(crate) fn page(&mut self, request: ReplayId, after: Seq, max_bytes: usize) -> Page {
        self.truth.replays += 1;
        let start = self.output.partition_point(|chunk| chunk.seq <= after);
        let mut room = max_bytes;
        let mut chunks = Vec::new();
        for chunk in &self.output[start..] {
            if room == 0 {
                break;
            }
            room = room.saturating_sub(chunk.data.len());
            chunks.push(chunk.clone());
        }
        Page {
            request,
            next: chunks.last().map_or(self.next, |chunk| chunk.seq + 1),
            chunks,
            exit: self.ended.then_some(Exit::Code(0)),
            closed: self.ended,
            failure: None,
        }
    }
}
