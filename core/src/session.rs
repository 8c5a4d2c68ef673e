//! One process's session: everything above the wire and below the application.

mod checkpoint;
mod close;
mod commands;
mod deliver;
mod inbox;
mod life;
mod look;
mod order;
mod replaying;
#[cfg(test)]
mod tests;
mod timers;

use alloc::{boxed::Box, string::String};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub(crate) use self::checkpoint::State;

use self::{
    close::ClosePlan,
    inbox::{Inbox, Item},
    order::Payload,
    timers::ExitWait,
};
use crate::{
    Action, Batch, Calls, Capabilities, Cause, Decode, Event, Exit, Identity, Input, InvalidLimits,
    Limits, LineFramer, LossPolicy, NoisePolicy, Seq, Settings, Settled, Stats, StderrLines, Tail,
    Timestamp, outbox::Outbox, replay::Replay, sequencer::Sequencer,
};

#[cfg(feature = "recording")]
use crate::recording::{Entry, Header, Log};

/// The session with one far process: a synchronous state machine without I/O, clock or threads.
///
/// Its methods fall into four groups:
///
/// 1. what arrived goes in with [`handle`](Self::handle);
/// 2. what the application wants goes in with [`send`](Self::send),
///    [`close_stdin`](Self::close_stdin) and [`close`](Self::close);
/// 3. what to do next comes out of [`poll_event`](Self::poll_event) for the application,
///    [`poll_settled`](Self::poll_settled) for whoever sent something, and
///    [`poll_action`](Self::poll_action) and [`poll_timeout`](Self::poll_timeout) for the adapter;
/// 4. everything else only looks.
///
/// After any call of the first two groups, poll the third until it yields `None`. The order among
/// them does not matter, and nothing is lost by polling late: outputs are state, not signals.
///
/// ```
/// use farpipe_core::{
///     Action, Capabilities, Chunk, Event, Exit, Input, JsonRpc, Limits, Session, Stream, Timestamp,
///     WriteOutcome,
/// };
///
/// let mut session = Session::new(JsonRpc, Capabilities::local(), Limits::default())?;
/// let now = Timestamp::ORIGIN;
///
/// session.send(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.into())?;
/// let Some(Action::Write { id, data }) = session.poll_action() else { panic!() };
/// assert!(data.ends_with(b"\n"));
/// session.handle(now, Input::Written { id, outcome: WriteOutcome::Accepted });
///
/// // The answer arrives in two chunks, the second one first.
/// let chunk = |seq, data: &'static str| {
///     Input::Output(Chunk { seq, stream: Stream::Stdout, data: data.into() })
/// };
/// session.handle(now, chunk(2, "\"result\":{}}\n"));
/// assert_eq!(session.poll_event(), None);
/// session.handle(now, chunk(1, r#"{"jsonrpc":"2.0","id":1,"#));
/// let Some(Event::Message(answer)) = session.poll_event() else { panic!() };
/// assert_eq!(answer.result(), Some("{}"));
///
/// session.handle(now, Input::Exited { seq: 3, exit: Exit::Code(0) });
/// session.handle(now, Input::Closed { seq: 4 });
/// assert_eq!(session.poll_event(), Some(Event::Exited(Exit::Code(0))));
/// let Some(Event::End(end)) = session.poll_event() else { panic!() };
/// assert_eq!(end.to_string(), "the process ended with exit code 0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Session<D: Decode> {
    decode: D,
    capabilities: Capabilities,
    limits: Box<Limits>,
    loss: LossPolicy,
    noise: NoisePolicy,
    stats: Box<Stats>,
    now: Timestamp,

    sequencer: Sequencer<Payload>,
    replay: Replay,
    inbox: Inbox,
    exited_at: Option<Seq>,
    closed_at: Option<Seq>,
    exit: Option<Exit>,
    /// The exit may lie in a hole that was crossed.
    exit_lost: bool,
    cause: Option<Cause>,

    stdout: LineFramer,
    stderr: StderrLines,
    stderr_tail: Tail,
    batch: Option<Batch>,
    staged: Option<Item>,
    /// A message that was found behind noise on its line, to be decoded again.
    salvaged: Option<Bytes>,

    calls: Calls,
    pending_failed: usize,
    outbox: Outbox,
    phase: Phase,
    link: Link,
    exit_wait: Option<ExitWait>,
    close_plan: Option<ClosePlan>,
    #[cfg(feature = "recording")]
    log: Log,
}

/// How far the session has come. It only moves down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// Inputs are taken.
    #[default]
    Running,
    /// The close has been taken in order: the process is over, its last output is being delivered.
    Closed,
    /// A cause has ended the session while the process may live; it has to be terminated.
    Broken,
    /// As above, and the termination has been handed out.
    Terminated,
}

#[derive(Debug)]
enum Link {
    Up {
        identity: Option<Identity>,
    },
    /// `since` is not known before the first moment of a restored session.
    Down {
        identity: Option<Identity>,
        since: Option<Timestamp>,
        reason: String,
    },
}

impl<D: Decode> Session<D> {
    /// A session with a process that is about to start or already runs.
    pub fn new(
        decode: D,
        capabilities: Capabilities,
        settings: impl Into<Settings>,
    ) -> Result<Self, InvalidLimits> {
        let Settings { limits, loss, noise } = settings.into();
        limits.validate()?;
        let mut replay = Replay::default();
        if capabilities.replay && !capabilities.from_start {
            replay.need();
        }
        Ok(Self {
            decode,
            sequencer: Sequencer::new(limits.reorder_events, limits.reorder_bytes),
            replay,
            inbox: Inbox::new(limits.inbox_bytes),
            exited_at: None,
            closed_at: None,
            exit: None,
            exit_lost: false,
            cause: None,
            stdout: LineFramer::new(limits.max_line, limits.line_window),
            stderr: StderrLines::new(limits.stderr_line),
            stderr_tail: Tail::new(limits.stderr_tail),
            batch: None,
            staged: None,
            salvaged: None,
            calls: Calls::default(),
            pending_failed: 0,
            outbox: Outbox::new(capabilities.write_deduplication),
            phase: Phase::Running,
            link: Link::Up { identity: None },
            exit_wait: None,
            close_plan: None,
            #[cfg(feature = "recording")]
            log: Log::default(),
            capabilities,
            limits: Box::new(limits),
            loss,
            noise,
            stats: Box::default(),
            now: Timestamp::ORIGIN,
        })
    }

    /// Takes what arrived, or the passing of time. Never panics; ignored once the session is over.
    ///
    /// Afterwards every `poll_*` may have something new.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        #[cfg(feature = "recording")]
        self.log.note(|| Entry::Handle { at: now, input: input.clone() });
        self.now = self.now.max(now);
        if self.phase >= Phase::Broken {
            return;
        }
        self.wake();
        match input {
            Input::Output(chunk) => {
                self.replay.saw_live(chunk.seq);
                self.output(chunk);
            }
            Input::Exited { seq, exit } => {
                self.replay.saw_live(seq);
                self.exited(seq, exit);
            }
            Input::Closed { seq } => self.closed(seq),
            Input::Failed { message } => self.fail(Cause::Failed { message }),
            Input::Lagged { skipped } => self.lagged(skipped),
            Input::Replayed(page) => self.replayed(page),
            Input::ReplayFailed { request, message, retryable } => {
                self.replay_failed(request, message, retryable);
            }
            Input::Written { id, outcome } => self.written(id, outcome),
            Input::LinkDown { reason } => self.link_down(reason),
            Input::LinkUp { identity } => self.link_up(identity),
            Input::SessionLost { reason } => self.fail(Cause::SessionLost { reason }),
            Input::Ended => self.ended(),
            Input::Tick => {}
        }
        self.after_input();
    }

    /// The next thing for the application. Decodes lazily: a line costs nothing before it is polled.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event<D::Message>> {
        #[cfg(feature = "recording")]
        let unread = self.unread();
        let event = self.next_event();
        // Also a poll without an event may have read on, and made room.
        #[cfg(feature = "recording")]
        if event.is_some() || self.unread() != unread {
            self.log.count_event();
        }
        event
    }

    /// How many ordered items wait to be read.
    #[cfg(feature = "recording")]
    pub(crate) fn unread(&self) -> usize {
        self.inbox.len()
    }

    /// The next thing for the adapter to do.
    ///
    /// May change after [`handle`](Self::handle), [`send`](Self::send), [`close`](Self::close),
    /// [`close_stdin`](Self::close_stdin), and when [`poll_event`](Self::poll_event) turns
    /// [`wants_input`](Self::wants_input) true.
    #[must_use]
    pub fn poll_action(&mut self) -> Option<Action> {
        let action = self.next_action()?;
        #[cfg(feature = "recording")]
        self.log.count_action();
        Some(action)
    }

    fn next_action(&mut self) -> Option<Action> {
        match self.phase {
            Phase::Running => self.running_action(),
            Phase::Broken => {
                self.phase = Phase::Terminated;
                Some(Action::Terminate)
            }
            Phase::Closed | Phase::Terminated => None,
        }
    }

    fn running_action(&mut self) -> Option<Action> {
        if matches!(self.link, Link::Down { .. }) {
            return None;
        }
        self.close_action().or_else(|| self.write_action()).or_else(|| self.replay_action())
    }

    fn write_action(&mut self) -> Option<Action> {
        let (action, repeated) =
            self.outbox.poll(self.now, &self.limits, self.capabilities.close_stdin)?;
        self.stats.repeated_writes += u64::from(repeated);
        Some(action)
    }

    /// The next outcome of a send, in the order of sending.
    ///
    /// Kept apart from the events because it has another consumer: whoever waits for a send must
    /// learn of it even while nobody reads messages.
    #[must_use]
    pub fn poll_settled(&mut self) -> Option<Settled> {
        let settled = self.outbox.poll_settled()?;
        #[cfg(feature = "recording")]
        self.log.count_settled();
        Some(settled)
    }

    /// Notes everything that is done with a new session, for [`poll_entry`](Self::poll_entry). To be
    /// called before anything else: a recording begins with an empty session, so one that was
    /// restored cannot be recorded.
    #[cfg(feature = "recording")]
    pub fn start_recording(&mut self) -> Header {
        self.log.start();
        let limits = (*self.limits).clone();
        let settings = Settings { limits, loss: self.loss, noise: self.noise };
        Header::new(self.capabilities.clone(), settings)
    }

    /// The next entry of the recording. Poll it after every other call: what is not polled waits.
    #[cfg(feature = "recording")]
    #[must_use]
    pub fn poll_entry(&mut self) -> Option<Entry> {
        self.log.pop()
    }
}
