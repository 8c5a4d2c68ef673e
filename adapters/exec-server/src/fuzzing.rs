//! The connection without a socket, for fuzzing. Not part of the public interface.

use std::task::{Context, Poll, Waker};

use farpipe_core::{Input, ReplayId, Seq, Timestamp, WriteId};
use farpipe_driver::Flow;

use crate::{
    Fault, ProcessSpec,
    connection::{Connection, Name},
    wire::{outgoing::Ask, plain},
};

/// One session, frame by frame.
#[derive(Debug)]
pub struct Wire(Connection);

impl Wire {
    /// How many bytes may wait for a process before the link is held up.
    pub const BUDGET: usize = 1000;

    #[expect(clippy::new_without_default, reason = "a session is opened, not made of nothing")]
    pub fn new() -> Self {
        Self(Connection::new("fuzz".into(), Self::BUDGET, 1))
    }

    pub fn connected(&mut self) {
        self.0.connected();
    }

    pub fn received(&mut self, frame: &str) -> Result<(), Fault> {
        self.0.received(Timestamp::ORIGIN, frame)
    }

    /// Whether output is read as JSON is, if it is not read as JSON.
    pub fn reads_as_json(frame: &str) -> bool {
        plain::agrees(frame)
    }

    pub fn next_frame(&mut self) -> Option<String> {
        self.0.next_frame(Timestamp::ORIGIN)
    }

    pub fn link_lost(&mut self) {
        self.0.link_lost("fuzz");
    }

    pub fn session_lost(&mut self) {
        self.0.session_lost("fuzz");
    }

    pub fn start(&mut self) -> Option<Name> {
        self.0.start(&ProcessSpec::new("fuzz")).ok()
    }

    pub fn is_started(&mut self, name: &Name) -> bool {
        let started = self.0.poll_started(name, &Context::from_waker(Waker::noop()));
        matches!(started, Poll::Ready(Ok(())))
    }

    pub fn write(&mut self, name: &Name, id: u64) {
        let ask = Ask::Write { id: WriteId(id), lane: "".into(), data: "fuzz".into() };
        self.0.ask(name, ask);
    }

    pub fn read(&mut self, name: &Name, request: u64, after: Seq) {
        self.0.ask(name, Ask::Read { request: ReplayId(request), after, max_bytes: 100 });
    }

    pub fn terminate(&mut self, name: &Name) {
        self.0.terminate(name);
    }

    pub fn abandon(&mut self, name: &Name) {
        self.0.abandon(name);
    }

    pub fn input(&mut self, name: &Name, paused: bool) -> Option<Input> {
        let flow = if paused { Flow::Paused } else { Flow::Open };
        match self.0.poll_input(name, &Context::from_waker(Waker::noop()), flow) {
            Poll::Ready(input) => Some(input),
            Poll::Pending => None,
        }
    }

    pub fn is_idle(&self) -> bool {
        self.0.is_idle()
    }
}
