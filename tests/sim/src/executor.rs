//! An executor that is honest, and a network that is not.

mod retained;
mod wire;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
};

use bytes::Bytes;
use farpipe_core::{
    Action, Capabilities, Identity, Input, Page, ReplayId, Seq, Stream, WriteId, WriteOutcome,
};

use self::{retained::Retained, wire::Wire};
use crate::{Fate, Line, Setup, process::Process};

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

/// # What the executor does for the session
impl SimExecutor {
    /// Takes an action. Its answer, if it has one, is then on its way, or will be.
    ///
    /// # Errors
    ///
    /// A write under an id that was used for other bytes.
    pub fn act(&mut self, action: Action, fate: Fate) -> Result<(), Misuse> {
        match action {
            Action::Replay { request, after, max_bytes } => {
                self.replay(request, after, max_bytes, fate);
                Ok(())
            }
            Action::Write { id, data } => self.take_write(id, data, fate),
            Action::CloseStdin | Action::Interrupt => {
                if !self.setup.stubborn {
                    self.close();
                }
                Ok(())
            }
            _ => {
                self.close();
                Ok(())
            }
        }
    }

    fn replay(&mut self, request: ReplayId, after: Seq, max_bytes: usize, fate: Fate) {
        let short = fate == Fate::Short;
        let asked = Request::Replay { request, after, max_bytes, short };
        match fate {
            Fate::Served | Fate::Short => self.carry_out(asked),
            Fate::Slow => self.requests.push_back(asked),
            Fate::Lost => {}
            Fate::NotYet | Fate::Refused => {
                let (message, retryable) = ("busy".to_owned(), fate == Fate::NotYet);
                self.wire.push_answer(Input::ReplayFailed { request, message, retryable });
            }
        }
    }

    fn take_write(&mut self, id: WriteId, data: Bytes, fate: Fate) -> Result<(), Misuse> {
        if let Some((known, _)) = self.writes.get(&id).filter(|(known, _)| *known != data) {
            let text = format!("{id:?} was used for {known:?} and now for {data:?}");
            return Err(Misuse(text));
        }
        let known = self.writes.contains_key(&id);
        if known && !self.setup.write_deduplication {
            return Err(Misuse(format!("{id:?} is written twice, and nothing deduplicates")));
        }
        let answered = true;
        match fate {
            Fate::Lost if self.setup.write_deduplication => {}
            Fate::Slow | Fate::Lost => {
                self.requests.push_back(Request::Write { id, data, answered });
            }
            Fate::NotYet if !known && !self.waits(id) => {
                self.wire.push_answer(Input::Written { id, outcome: WriteOutcome::Starting });
            }
            Fate::Refused if !known && !self.waits(id) => {
                let outcome = WriteOutcome::Failed("no".to_owned());
                self.writes.insert(id, (data, outcome.clone()));
                self.wire.push_answer(Input::Written { id, outcome });
            }
            _ => {
                self.requests.push_back(Request::Write { id, data, answered });
                self.serve_writes(usize::MAX);
            }
        }
        Ok(())
    }

    fn waits(&self, asked: WriteId) -> bool {
        self.requests
            .iter()
            .any(|request| matches!(request, Request::Write { id, .. } if *id == asked))
    }

    /// Carries out a request that waits. Writes keep their order.
    pub fn serve(&mut self, pick: usize) {
        let Some(pick) = pick.checked_rem(self.requests.len()) else { return };
        match self.requests[pick] {
            Request::Write { .. } => self.serve_writes(1),
            Request::Replay { .. } => {
                if let Some(request) = self.requests.remove(pick) {
                    self.carry_out(request);
                }
            }
        }
    }

    fn serve_writes(&mut self, most: usize) {
        for _ in 0..most {
            let is_write = |request: &Request| matches!(request, Request::Write { .. });
            let Some(at) = self.requests.iter().position(is_write) else { return };
            let Some(request) = self.requests.remove(at) else { return };
            self.carry_out(request);
        }
    }

    fn carry_out(&mut self, request: Request) {
        match request {
            Request::Replay { request, after, max_bytes, short } => {
                let page = self.page(request, after, max_bytes, short);
                self.wire.push_answer(Input::Replayed(page));
            }
            Request::Write { id, data, answered } => {
                let outcome = self.apply(id, data);
                if answered {
                    self.wire.push_answer(Input::Written { id, outcome });
                }
            }
        }
    }

    fn apply(&mut self, id: WriteId, data: Bytes) -> WriteOutcome {
        if let Some((_, outcome)) = self.writes.get(&id) {
            return outcome.clone();
        }
        let outcome = if self.process.is_open() {
            self.process.feed(&data);
            WriteOutcome::Accepted
        } else {
            WriteOutcome::StdinClosed
        };
        self.writes.insert(id, (data, outcome.clone()));
        outcome
    }

    fn page(&self, request: ReplayId, after: Seq, max_bytes: usize, short: bool) -> Page {
        let max_bytes = if short { 0 } else { max_bytes };
        let events = self.process.events();
        let chunks = self.retained.chunks(events, after, max_bytes);
        let next = chunks.last().map_or(events.len() as Seq, |chunk| chunk.seq) + 1;
        Page {
            request,
            chunks,
            next,
            exit: self.process.exit_seq().map(|_| crate::process::EXIT),
            closed: self.process.is_over(),
            failure: self.failure.clone(),
        }
    }
}

/// # What the network does
impl SimExecutor {
    /// Something that is on its way arrives: the oldest (0), the one after it (1), and so on.
    pub fn arrive(&mut self, pick: usize) -> Option<Input> {
        self.wire.take(pick)
    }

    /// The oldest answer that is on its way arrives.
    pub fn arrive_answer(&mut self) -> Option<Input> {
        self.wire.take_answer()
    }

    /// Something arrives, and it will arrive again; an answer to a write only where writes are deduplicated.
    pub fn double(&mut self, pick: usize) -> Option<Input> {
        let once = |input: &Input| {
            matches!(input, Input::Written { .. }) && !self.setup.write_deduplication
        };
        match self.wire.copy(pick) {
            Some(input) if once(&input) => self.wire.take(pick),
            copy => copy,
        }
    }

    /// Something that is on its way is lost; false if that may not happen: events of a
    /// [lossless](Setup::lossless) executor, and answers that would never be asked for again.
    pub fn lose(&mut self, pick: usize) -> bool {
        let (lossless, repeated) = (self.setup.lossless, self.setup.write_deduplication);
        self.wire.lose(pick, |is_event, input| match input {
            _ if is_event => !lossless,
            Input::Written { .. } => repeated,
            _ => true,
        })
    }

    /// The feed drops every event that is on its way, and says so; `None` where it never would.
    pub fn lag(&mut self) -> Option<Input> {
        if self.setup.lossless || !self.linked {
            return None;
        }
        Some(Input::Lagged { skipped: self.wire.drop_events() })
    }

    /// The link breaks; `None` if it is broken. What is on its way, in both directions, is lost, or
    /// only late.
    pub fn link_down(&mut self, late: bool) -> Option<Input> {
        if !std::mem::replace(&mut self.linked, false) {
            return None;
        }
        if !late {
            self.wire.clear();
            self.requests.clear();
        }
        // The answers have nowhere to go.
        self.requests.retain(|request| matches!(request, Request::Write { .. }));
        for request in &mut self.requests {
            if let Request::Write { answered, .. } = request {
                *answered = false;
            }
        }
        Some(Input::LinkDown { reason: "the network is gone".to_owned() })
    }

    /// The link works again; `None` if it does. What is only late from a
    /// [lossless](Setup::lossless) executor has come before.
    pub fn link_up(&mut self) -> Option<Input> {
        if std::mem::replace(&mut self.linked, true) {
            return None;
        }
        if self.setup.lossless {
            self.wire.drop_events();
        }
        Some(Input::LinkUp { identity: self.identity() })
    }

    /// The executor starts anew and has forgotten the process; the link is down then.
    pub fn crash(&mut self) -> Option<Input> {
        self.life += 1;
        let input = self.link_down(false);
        self.requests.clear();
        input
    }

    /// Whoever was attached is gone, and with it what was on its way there. The link is down then.
    pub fn detach(&mut self) {
        self.linked = true;
        drop(self.link_down(true));
        self.wire.clear();
    }

    /// Who it is. After a [`crash`](Self::crash) it is another one.
    pub fn identity(&self) -> Identity {
        format!("life {}", self.life).into()
    }

    /// How much is on its way to the session.
    pub fn on_its_way(&self) -> usize {
        self.wire.len()
    }

    /// How many requests wait to be carried out.
    pub fn waiting(&self) -> usize {
        self.requests.len()
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
