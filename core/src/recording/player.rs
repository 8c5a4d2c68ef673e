//! Playing a recording again.

use alloc::{collections::VecDeque, vec};

use super::{Entry, Recording, RecordingError};
use crate::{Action, Decode, Event, Session, Settled, Timestamp};

/// Plays a recording: an iterator over everything that went in and came out, in order.
#[derive(Debug)]
pub struct Player<D: Decode> {
    session: Session<D>,
    entries: vec::IntoIter<Entry>,
    now: Timestamp,
    steps: VecDeque<Step<D::Message>>,
}

/// One thing that went into a session or came out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step<M> {
    /// This was done with the session.
    In {
        /// When, as far as that is known.
        at: Timestamp,
        /// What.
        entry: Entry,
    },
    /// This was told to the application.
    Event {
        /// When, as far as that is known.
        at: Timestamp,
        /// What.
        event: Event<M>,
    },
    /// This was asked of the executor.
    Action {
        /// When, as far as that is known.
        at: Timestamp,
        /// What.
        action: Action,
    },
    /// This became of a send.
    Settled {
        /// When, as far as that is known.
        at: Timestamp,
        /// What.
        settled: Settled,
    },
}

impl<M> Step<M> {
    /// What was told to the application, if this is such a step.
    pub fn event(self) -> Option<Event<M>> {
        match self {
            Self::Event { event, .. } => Some(event),
            _ => None,
        }
    }
}

impl<D: Decode> Player<D> {
    /// Prepares a session like the one that was recorded.
    pub fn new(decode: D, recording: Recording) -> Result<Self, RecordingError> {
        let header = recording.header;
        let session = Session::new(decode, header.capabilities, header.settings)
            .map_err(RecordingError::InvalidLimits)?;
        Ok(Self {
            session,
            entries: recording.entries.into_iter(),
            now: Timestamp::ORIGIN,
            steps: VecDeque::new(),
        })
    }

    /// The session as it is at this point.
    pub const fn session(&self) -> &Session<D> {
        &self.session
    }

    fn play(&mut self, entry: Entry) {
        match entry {
            Entry::Events(count) => self.repeat(count, Self::play_event),
            Entry::Actions(count) => self.repeat(count, Self::play_action),
            Entry::Settled(count) => self.repeat(count, Self::play_settled),
            entry => self.play_input(entry),
        }
    }

    /// A count that a damaged recording made up ends where nothing is left to poll.
    fn repeat(&mut self, count: u64, poll: impl Fn(&mut Self) -> bool) {
        for _ in 0..count {
            if !poll(self) {
                return;
            }
        }
    }

    fn play_event(&mut self) -> bool {
        let unread = self.session.unread();
        let event = self.session.poll_event();
        let progress = event.is_some() || self.session.unread() != unread;
        self.steps.extend(event.map(|event| Step::Event { at: self.now, event }));
        progress
    }

    fn play_action(&mut self) -> bool {
        let Some(action) = self.session.poll_action() else { return false };
        self.steps.push_back(Step::Action { at: self.now, action });
        true
    }

    fn play_settled(&mut self) -> bool {
        let Some(settled) = self.session.poll_settled() else { return false };
        self.steps.push_back(Step::Settled { at: self.now, settled });
        true
    }

    fn play_input(&mut self, entry: Entry) {
        self.apply(entry.clone());
        self.steps.push_back(Step::In { at: self.now, entry });
    }

    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Handle { at, input } => {
                self.pass(at);
                self.session.handle(at, input);
            }
            Entry::Send { message, calls } => {
                // Whether it was refused then, it is refused now.
                drop(self.session.send_calls(message, calls));
            }
            Entry::ForgetCall { id } => self.session.forget_call(&id),
            Entry::CloseStdin => self.session.close_stdin(),
            Entry::Close { at } => {
                self.pass(at);
                self.session.close(at);
            }
            Entry::Terminate { at } => {
                self.pass(at);
                self.session.terminate(at);
            }
            Entry::Events(_) | Entry::Actions(_) | Entry::Settled(_) => {}
        }
    }

    fn pass(&mut self, at: Timestamp) {
        self.now = self.now.max(at);
    }
}

impl<D: Decode> Iterator for Player<D> {
    type Item = Step<D::Message>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(step) = self.steps.pop_front() {
                return Some(step);
            }
            let entry = self.entries.next()?;
            self.play(entry);
        }
    }
}
