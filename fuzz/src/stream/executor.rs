//! An executor that is honest, and a network that is not.

use std::mem;

use bytes::Bytes;
use farpipe_core::{Chunk, Exit, Input, Page, ReplayId, Seq, Stream};

use super::process::Text;

pub(super) const EXIT: Exit = Exit::Code(3);

#[derive(Debug)]
pub(super) enum Produced {
    Output(Stream, Bytes),
    Exit,
    Close,
}

pub(super) struct Executor {
    stdout: Bytes,
    stderr: Bytes,
    /// The event with the number `n` stands at `n - 1`.
    events: Vec<Produced>,
    evicted: Seq,
    in_flight: Vec<Seq>,
    linked: bool,
    exit_seq: Option<Seq>,
    closed: bool,
}

impl Executor {
    pub(super) fn new(text: &Text) -> Self {
        Self {
            stdout: text.stdout().into(),
            stderr: text.stderr().into(),
            events: Vec::new(),
            evicted: 0,
            in_flight: Vec::new(),
            linked: true,
            exit_seq: None,
            closed: false,
        }
    }

    pub(super) fn write(&mut self, stderr: bool, bytes: usize) {
        let (stream, rest) = if stderr {
            (Stream::Stderr, &mut self.stderr)
        } else {
            (Stream::Stdout, &mut self.stdout)
        };
        let data = rest.split_to(bytes.min(rest.len()));
        if !data.is_empty() {
            self.produce(Produced::Output(stream, data));
        }
    }

    pub(super) fn exit(&mut self) {
        if self.exit_seq.is_none() {
            self.produce(Produced::Exit);
            self.exit_seq = Some(self.produced());
        }
    }

    /// The process writes all that is left and ends.
    pub(super) fn close(&mut self) {
        self.write(true, usize::MAX);
        self.write(false, usize::MAX);
        self.exit();
        self.produce(Produced::Close);
        self.closed = true;
    }

    fn produce(&mut self, event: Produced) {
        self.events.push(event);
        if self.linked {
            self.in_flight.push(self.produced());
        }
    }

    pub(super) fn evict(&mut self, keep: Seq) {
        self.evicted = self.evicted.max(self.produced().saturating_sub(keep));
    }

    /// Takes an event that is on its way.
    pub(super) fn take(&mut self, index: u8) -> Option<Seq> {
        if self.in_flight.is_empty() {
            return None;
        }
        Some(self.in_flight.remove(usize::from(index) % self.in_flight.len()))
    }

    pub(super) fn lose_all(&mut self) -> u64 {
        mem::take(&mut self.in_flight).len() as u64
    }

    pub(super) fn link(&mut self, up: bool) {
        self.linked = up;
        if !up {
            self.lose_all();
        }
    }

    pub(super) fn is_linked(&self) -> bool {
        self.linked
    }

    /// The number of the newest event.
    pub(super) fn produced(&self) -> Seq {
        self.events.len() as u64
    }

    pub(super) fn exit_seq(&self) -> Option<Seq> {
        self.exit_seq
    }

    /// Only output is ever retained, and so forgotten.
    pub(super) fn is_evicted(&self, seq: Seq) -> bool {
        seq <= self.evicted && matches!(self.get(seq), Some(Produced::Output(..)))
    }

    pub(super) fn get(&self, seq: Seq) -> Option<&Produced> {
        self.events.get(usize::try_from(seq.checked_sub(1)?).ok()?)
    }

    /// The event as it arrives live.
    pub(super) fn event(&self, seq: Seq) -> Input {
        match self.get(seq).expect("an event that was produced") {
            Produced::Output(..) => Input::Output(self.chunk(seq).expect("output")),
            Produced::Exit => Input::Exited { seq, exit: EXIT },
            Produced::Close => Input::Closed { seq },
        }
    }

    fn chunk(&self, seq: Seq) -> Option<Chunk> {
        match self.get(seq)? {
            Produced::Output(stream, data) => {
                Some(Chunk { seq, stream: *stream, data: data.clone() })
            }
            _ => None,
        }
    }

    /// What is retained after `after`, in about `max_bytes`.
    pub(super) fn page(&self, request: ReplayId, after: Seq, max_bytes: usize) -> Page {
        let mut bytes = 0;
        let retained = after.max(self.evicted) + 1..=self.produced();
        let chunks = retained.filter_map(|seq| self.chunk(seq)).take_while(|chunk| {
            let first = bytes == 0;
            bytes += chunk.data.len();
            first || bytes <= max_bytes
        });
        let chunks = chunks.collect::<Vec<_>>();
        let next = chunks.last().map_or(self.produced() + 1, |chunk| chunk.seq + 1);
        Page {
            request,
            chunks,
            next,
            exit: self.exit_seq.map(|_| EXIT),
            closed: self.closed,
            failure: None,
        }
    }
}
