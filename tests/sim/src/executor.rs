//! An executor that is honest, and a network that is not.

mod network;
mod requests;
mod retained;
mod wire;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

use bytes::Bytes;
use farpipe_core::{Capabilities, Input, ReplayId, Seq, Stream, WriteId, WriteOutcome};

use self::{retained::Retained, wire::Wire};
use crate::{Line, Setup, process::Process};

pub use crate::process::Produced;

/// A simulated executor with one process, driven by hand: nothing happens by itself, and there is no
/// clock in it.
///
/// It is honest: it numbers events densely, replays what it retains, applies a write once, answers
/// truly. What is on its way to the session can be delivered in any order, twice, late or never, as
/// far as the [`Setup`] allows; so a session that gets it wrong has no excuse.
///
/// Its methods are of three kinds: what the process does ([`say`](Self::say), [`write`](Self::write),
/// [`exit`](Self::exit) …), what the network does ([`arrive`](Self::arrive), [`lose`](Self::lose),
/// [`link_down`](Self::link_down) …), and the truth, to compare with ([`produced`](Self::produced),
/// [`stdin`](Self::stdin) …).
///
/// ```
/// use farpipe_core::{Event, JsonRpc, Session, Timestamp};
/// use farpipe_sim::{Fate, Line, Setup, SimExecutor};
///
/// let setup = Setup { replay: true, ..Setup::default() };
/// let mut executor = SimExecutor::new(&setup);
/// let mut session = Session::new(JsonRpc, setup.capabilities(), setup.settings())?;
///
/// // The process writes a message in two chunks, and the first is lost.
/// executor.say(Line::Message(0));
/// executor.write(farpipe_core::Stream::Stdout, 10);
/// executor.write(farpipe_core::Stream::Stdout, 1000);
/// executor.lose(0);
/// session.handle(Timestamp::ORIGIN, executor.arrive(0).unwrap());
/// assert_eq!(session.poll_event(), None);
///
/// // The session misses it and asks for it.
/// let due = session.poll_timeout().unwrap().at;
/// session.handle(due, farpipe_core::Input::Tick);
/// executor.act(session.poll_action().unwrap(), Fate::Served);
/// session.handle(due, executor.arrive(0).unwrap());
/// assert!(matches!(session.poll_event(), Some(Event::Message(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SimExecutor {
    setup: Setup,
    process: Process,
    retained: Retained,
    wire: Wire,
    requests: VecDeque<Request>,
    /// What became of each write; one that comes again has the same fate.
    writes: BTreeMap<WriteId, (Bytes, WriteOutcome)>,
    linked: bool,
    life: u64,
    failure: Option<String>,
}

#[derive(Debug)]
enum Request {
    Replay { request: ReplayId, after: Seq, max_bytes: usize, short: bool },
    Write { id: WriteId, data: Bytes, answered: bool },
}

/// What the session asked for and an honest session never would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misuse(String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}

/// # What the process does
impl SimExecutor {
    /// An executor whose process has just started, with the link up.
    pub fn new(setup: &Setup) -> Self {
        let mut executor = Self {
            setup: setup.clone(),
            process: Process::default(),
            retained: Retained::new(setup.retention),
            wire: Wire::default(),
            requests: VecDeque::new(),
            writes: BTreeMap::new(),
            linked: true,
            life: 0,
            failure: None,
        };
        for _ in 0..setup.written_before.unwrap_or(0) {
            executor.say(Line::Message(1));
            executor.write(Stream::Stdout, usize::MAX);
        }
        executor.wire.clear();
        executor
    }

    /// What it promises.
    pub fn capabilities(&self) -> Capabilities {
        self.setup.capabilities()
    }

    /// The process has a line for its stdout in hand.
    pub fn say(&mut self, line: Line) {
        self.process.say(line);
    }

    /// The process has a line of about so many bytes for its stderr in hand.
    pub fn warn(&mut self, len: u8) {
        self.process.warn(len);
    }

    /// The process writes what it has in hand, as one chunk of at most so many bytes.
    pub fn write(&mut self, stream: Stream, bytes: usize) {
        let seq = self.process.write(stream, bytes);
        self.produced_now(seq);
    }

    /// The process ends.
    pub fn exit(&mut self) {
        let seq = self.process.exit();
        self.produced_now(seq);
    }

    /// The process writes all it has in hand, ends, and its output is closed, unless a descendant
    /// [clings](Setup::clings) to it.
    pub fn close(&mut self) {
        self.write(Stream::Stderr, usize::MAX);
        self.write(Stream::Stdout, usize::MAX);
        self.exit();
        if !self.setup.clings {
            let seq = self.process.close();
            self.produced_now(seq);
        }
    }

    /// The executor gives the process up; what is to be told is on its way.
    pub fn give_up(&mut self) {
        if !self.process.is_over() {
            self.process.give_up();
            let message = "the sandbox is gone".to_owned();
            self.failure = Some(message.clone());
            if self.linked {
                self.wire.push_event(Input::Failed { message });
            }
        }
    }

    /// The executor forgets its oldest output, up to `keep` events from the newest. The number up to
    /// which output is forgotten.
    pub fn evict(&mut self, keep: Seq) -> Seq {
        let newest = self.process.events().len() as Seq;
        self.retained.evict(newest.saturating_sub(keep));
        self.retained.evicted()
    }

    fn produced_now(&mut self, seq: Option<Seq>) {
        let Some(seq) = seq else { return };
        self.retained.note(self.process.events());
        if self.linked {
            self.wire.push_event(self.event(seq));
        }
    }

    /// The event as it is told live.
    fn event(&self, seq: Seq) -> Input {
        match &self.process.events()[usize::try_from(seq - 1).unwrap_or(usize::MAX)] {
            Produced::Output(stream, data) => {
                let (stream, data) = (*stream, data.clone());
                Input::Output(farpipe_core::Chunk { seq, stream, data })
            }
            Produced::Exited(exit) => Input::Exited { seq, exit: *exit },
            Produced::Closed => Input::Closed { seq },
        }
    }
}

/// # The truth
impl SimExecutor {
    /// Every event of the process so far; the one with the number `n` stands at `n - 1`.
    pub fn produced(&self) -> &[Produced] {
        self.process.events()
    }

    /// All that has reached the process's stdin.
    pub fn stdin(&self) -> &[u8] {
        self.process.stdin()
    }

    /// The number up to which output is no longer retained.
    pub fn evicted(&self) -> Seq {
        self.retained.evicted()
    }

    /// The number of the exit, once the process has ended.
    pub fn exit_seq(&self) -> Option<Seq> {
        self.process.exit_seq()
    }

    /// Whether the link is up.
    pub fn is_linked(&self) -> bool {
        self.linked
    }

    /// Whether it has started anew.
    pub fn has_crashed(&self) -> bool {
        self.life > 0
    }
}
