//! A session, and what must hold for every session whatever happens to it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bytes::Bytes;
use farpipe_core::{
    Action, Capabilities, End, Envelope, Event, Input, JsonRpc, ReplayId, SendError, SendId,
    Session, Settings, Settled, Timestamp, WriteId,
};

/// More than one drain of the actions can have: a step of the close, a write, a replay, and some.
const MOST_ACTIONS: usize = 16;
/// How many events a line, an item or a call may become, at the very most.
const EVENTS_PER_INPUT: usize = 8;

/// Passes everything on to a session and watches what comes out.
///
/// Events end in one `End` with nothing behind it, sends settle once each, a write's id
/// always means the same bytes, no queue is endless, and a timeout that was handled is gone.
pub(crate) struct Watched {
    session: Session<JsonRpc>,
    now: Duration,
    /// How many events there can be at most.
    expectable: usize,
    events: usize,
    end: Option<End>,
    sent: VecDeque<SendId>,
    writes: BTreeMap<WriteId, Bytes>,
    last_replay: Option<ReplayId>,
}

impl Watched {
    /// `None` for settings that the session refuses.
    pub(crate) fn new(capabilities: Capabilities, settings: impl Into<Settings>) -> Option<Self> {
        let session = Session::new(JsonRpc, capabilities, settings).ok()?;
        Some(Self {
            session,
            now: Duration::ZERO,
            expectable: 64,
            events: 0,
            end: None,
            sent: VecDeque::new(),
            writes: BTreeMap::new(),
            last_replay: None,
        })
    }

    pub(crate) fn handle(&mut self, input: Input) {
        self.expectable += EVENTS_PER_INPUT + most_lines(&input);
        self.session.handle(self.now(), input);
    }

    /// Passes a moment that lies in the past, which counts as the latest one.
    pub(crate) fn handle_late(&mut self, input: Input, by: Duration) {
        let now = self.now;
        self.now = now.saturating_sub(by);
        self.handle(input);
        self.now = now;
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now = self.now.saturating_add(time);
    }

    /// Waits until the session wants to be asked again; false if it does not.
    pub(crate) fn tick(&mut self) -> bool {
        let Some(timeout) = self.session.poll_timeout() else { return false };
        self.now = self.now.max(timeout.at.since_origin());
        self.handle(Input::Tick);
        if let Some(next) = self.session.poll_timeout() {
            assert!(next.at > self.now(), "{timeout:?} was handled, and now it is {next:?}");
        }
        true
    }

    pub(crate) fn send(&mut self, message: &Bytes) -> Result<SendId, SendError> {
        self.expectable += message.len() + 1;
        let sent = self.session.send(message.clone());
        match &sent {
            Ok(id) => {
                assert!(self.sent.back().is_none_or(|last| last < id));
                self.sent.push_back(*id);
            }
            Err(error) => assert_eq!(error.message, *message, "a refusal gives the message back"),
        }
        sent
    }

    pub(crate) fn close_stdin(&mut self) {
        self.session.close_stdin();
    }

    pub(crate) fn close(&mut self) {
        self.session.close(self.now());
    }

    pub(crate) fn terminate(&mut self) {
        self.session.terminate(self.now());
    }

    pub(crate) fn poll_event(&mut self) -> Option<Event<Envelope>> {
        let event = self.session.poll_event()?;
        assert!(self.end.is_none(), "behind the end: {event:?}");
        self.events += 1;
        assert!(self.events <= self.expectable, "events without end: {event:?}");
        if let Event::End(end) = &event {
            assert!(self.session.is_ended());
            assert!(!end.to_string().is_empty());
            self.end = Some(end.clone());
        }
        Some(event)
    }

    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        let action = self.session.poll_action()?;
        match &action {
            Action::Write { id, data } => {
                assert!(!data.is_empty());
                let known = self.writes.entry(*id).or_insert_with(|| data.clone());
                assert_eq!(known, data, "{id:?} is used for other bytes");
            }
            Action::Replay { request, .. } => {
                assert!(self.last_replay.replace(*request).is_none_or(|last| last < *request));
            }
            _ => {}
        }
        Some(action)
    }

    pub(crate) fn poll_settled(&mut self) -> Option<Settled> {
        let settled = self.session.poll_settled()?;
        assert_eq!(self.sent.pop_front(), Some(settled.id), "sends settle once, in their order");
        Some(settled)
    }

    /// Polls everything to its end and drops it.
    pub(crate) fn drain(&mut self) {
        while self.poll_event().is_some() {}
        assert!(self.session.wants_input(), "nothing waits for the application");
        let actions = (0..=MOST_ACTIONS).take_while(|_| self.poll_action().is_some()).count();
        assert!(actions <= MOST_ACTIONS, "actions without end");
        while self.poll_settled().is_some() {}
    }

    /// Ends the session the hard way, which always works.
    pub(crate) fn finish(mut self) {
        self.terminate();
        for _ in 0..8 {
            self.drain();
            self.wait(Duration::from_secs(3600));
            self.handle(Input::Tick);
        }
        assert!(self.end.is_some(), "it never ends: {:?}", self.session.poll_timeout());
        assert!(self.sent.is_empty(), "not settled: {:?}", self.sent);
        assert!(self.session.poll_event().is_none() && self.session.poll_action().is_none());
        assert!(self.session.poll_timeout().is_none() && self.session.is_over());
        assert!(self.session.send("late".into()).is_err());
    }

    /// The end, once it was polled.
    pub(crate) fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    pub(crate) fn session(&self) -> &Session<JsonRpc> {
        &self.session
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_origin(self.now)
    }
}

/// Every line has a byte at least, and every chunk may begin behind a hole.
fn most_lines(input: &Input) -> usize {
    match input {
        Input::Output(chunk) => chunk.data.len(),
        Input::Replayed(page) => {
            page.chunks.iter().map(|chunk| chunk.data.len() + EVENTS_PER_INPUT).sum()
        }
        _ => 0,
    }
}
