//! The loop between our three streams and a session.

use std::{future::Future, io, pin::Pin, task::Poll, time::Duration};

use farpipe_core::{Cause, End, Event, Exit};
use farpipe_driver::{Handle, Monitor};
use tokio::time::{Instant, sleep_until};

use super::{
    diagnostics::Diagnostics, greeting::Greeting, input::Input, output::Output, signals::Signals,
    state::Journal,
};
use crate::raw::{Raw, RawMessage};

/// How long the command has after a signal: whoever sends one kills soon afterwards.
const SIGNAL_PATIENCE: Duration = Duration::from_millis(1800);

/// How long a killed command is waited for after a signal.
const KILL_PATIENCE: Duration = Duration::from_secs(1);

/// How long a command whose stdin cannot be closed has to be silent before it is ended.
const QUIET: Duration = Duration::from_millis(250);

/// A session, and what drives it.
pub(super) struct Life {
    pub(super) handle: Handle<Raw>,
    pub(super) pump: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Whether the end of our stdin can be passed on.
    pub(super) closes_stdin: bool,
}

/// Our three streams, and how the end of the first is dealt with.
pub(super) struct Bridge {
    pub(super) input: Input,
    pub(super) output: Output,
    pub(super) diagnostics: Diagnostics,
    pub(super) signals: Signals,
    pub(super) drain_timeout: Duration,
    pub(super) greeting: Greeting,
    pub(super) journal: Option<Journal>,
    pub(super) ending: Ending,
}

/// How far we are on the way to the end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// Nobody has asked for it.
    No,
    /// Our stdin has ended: the answers are awaited.
    Draining { since: Instant, last_output: Instant },
    /// The command is being ended; perhaps with a signal only because its stdin cannot be closed.
    Closing { for_want_of_eof: bool },
    /// A signal has asked for it.
    Signalled { signal: i32, since: Instant, killed: bool },
}

/// How a life ended.
pub(super) enum Outcome {
    End(End),
    /// Whoever sent a signal does not wait any longer.
    GivenUp {
        signal: i32,
        exit: Option<Exit>,
    },
}

impl Bridge {
    /// Carries messages until the session has ended and all of it is written.
    pub(super) async fn live(&mut self, mut life: Life, mut greeted: bool) -> Outcome {
        let monitor = life.handle.monitor();
        let mut end = None;
        let mut pumped = false;
        if !greeted {
            self.greet(&life.handle).await;
        }
        loop {
            if greeted && end.is_none() {
                self.pass_input(&life.handle).await;
            }
            self.output.start();
            if let Some(end) = end.take_if(|_| self.output.is_idle()) {
                return Outcome::End(end);
            }
            if let Some(outcome) = self.advance_ending(&life, &monitor) {
                return outcome;
            }
            let deadline = self.deadline(&life);
            tokio::select! {
                () = &mut life.pump, if !pumped => pumped = true,
                () = self.input.advance() => self.note_end_of_input(),
                events = next_events(&life.handle, self.output.room()),
                    if end.is_none() && self.output.room() > 0 =>
                {
                    for event in events {
                        end = self.event(event, &life.handle, &mut greeted).await;
                    }
                }
                result = self.output.written() => self.written(result, &life.handle).await,
                signal = self.signals.next() => self.signalled(signal, &life.handle),
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {}
            }
        }
    }

    /// Repeats the client's handshake for a command that was started again.
    async fn greet(&mut self, handle: &Handle<Raw>) {
        let Some((request, call)) = self.greeting.request() else { return };
        if let Err(error) = handle.send_call(request, Some(call)) {
            self.diagnostics.note(format!("the handshake is not repeated: {error}")).await;
        }
    }

    async fn pass_input(&mut self, handle: &Handle<Raw>) {
        for problem in self.input.pass(handle, &mut self.greeting) {
            self.diagnostics.note(problem.note).await;
            for answer in problem.answers {
                self.output.push(answer.as_bytes());
            }
        }
    }

    fn note_end_of_input(&mut self) {
        if self.input.is_ended() && matches!(self.ending, Ending::No) {
            let now = Instant::now();
            self.ending = Ending::Draining { since: now, last_output: now };
        }
    }

    async fn event(
        &mut self,
        event: Event<RawMessage>,
        handle: &Handle<Raw>,
        greeted: &mut bool,
    ) -> Option<End> {
        if let Ending::Draining { last_output, .. } = &mut self.ending {
            *last_output = Instant::now();
        }
        match event {
            Event::Message(message) if !*greeted && self.greeting.is_answered_by(&message) => {
                *greeted = true;
                // The client knows the answer to the first one.
                if let Some(initialized) = self.greeting.initialized() {
                    drop(handle.send_call(initialized, None));
                }
            }
            Event::Message(message) => {
                self.greeting.note_received(&message);
                self.output.push(message.line());
            }
            Event::Stderr(line) => self.diagnostics.stderr(&line).await,
            Event::Noise(line) | Event::Malformed(line) => self.diagnostics.noise(&line).await,
            Event::Oversized(line) => {
                let (len, limit) = (line.len, line.limit);
                let note = format!(
                    "a message of {len} bytes from the command is not passed on: the limit is {limit} (`max_line`)"
                );
                self.diagnostics.note(note).await;
            }
            Event::Lost(lost) => self.diagnostics.note(lost.to_string()).await,
            Event::End(end) => return Some(end),
            _ => {}
        }
        None
    }

    async fn written(&mut self, result: io::Result<()>, handle: &Handle<Raw>) {
        if let Err(error) = result {
            self.diagnostics
                .note(format!("our stdout is gone ({error}): the command is ended"))
                .await;
            self.close(handle, false);
        }
        if let Some(Err(error)) = self.journal.as_ref().map(Journal::save) {
            self.diagnostics.note(error.to_string()).await;
        }
    }

    fn close(&mut self, handle: &Handle<Raw>, for_want_of_eof: bool) {
        drop(handle.close());
        if !matches!(self.ending, Ending::Signalled { .. }) {
            self.ending = Ending::Closing { for_want_of_eof };
        }
    }

    fn signalled(&mut self, signal: i32, handle: &Handle<Raw>) {
        let again = matches!(self.ending, Ending::Signalled { .. });
        let since = Instant::now();
        self.ending = Ending::Signalled { signal, since, killed: again };
        if again {
            handle.terminate();
        } else {
            drop(handle.close());
        }
    }

    /// Takes the next step towards the end if its time has come.
    fn advance_ending(&mut self, life: &Life, monitor: &Monitor<Raw>) -> Option<Outcome> {
        let now = Instant::now();
        if let Ending::Draining { since, last_output } = self.ending {
            let answered = self.input.is_delivered() && monitor.pending_calls() == 0;
            let quiet = life.closes_stdin || now >= last_output + QUIET;
            if (answered && quiet) || now >= since + self.drain_timeout {
                self.close(&life.handle, !life.closes_stdin);
            }
        }
        let Ending::Signalled { signal, since, killed } = self.ending else { return None };
        if now < since + patience(killed) {
            return None;
        }
        if killed {
            return Some(Outcome::GivenUp { signal, exit: monitor.exit() });
        }
        life.handle.terminate();
        self.ending = Ending::Signalled { signal, since: now, killed: true };
        None
    }

    /// When to look again at how far the end is.
    fn deadline(&self, life: &Life) -> Option<Instant> {
        match self.ending {
            Ending::No | Ending::Closing { .. } => None,
            Ending::Draining { since, last_output } => {
                let until = since + self.drain_timeout;
                let quiet = (last_output + QUIET).min(until);
                let waits = life.closes_stdin || quiet <= Instant::now();
                Some(if waits { until } else { quiet })
            }
            Ending::Signalled { since, killed, .. } => Some(since + patience(killed)),
        }
    }

    /// Whether a command that has died is to be started again.
    pub(super) fn may_respawn(&self, end: &End) -> bool {
        matches!(self.ending, Ending::No)
            && !matches!(end.cause, Cause::Requested)
            && self.greeting.request().is_some()
    }
}

const fn patience(killed: bool) -> Duration {
    if killed { KILL_PATIENCE } else { SIGNAL_PATIENCE }
}

/// All events that are there, as far as there is room. Cancel safe: they are taken in the very poll
/// that returns them.
async fn next_events(handle: &Handle<Raw>, mut room: usize) -> Vec<Event<RawMessage>> {
    std::future::poll_fn(|cx| {
        let mut events = Vec::new();
        while room > 0 {
            match handle.poll_event(cx) {
                Poll::Ready(Some(event)) => {
                    if let Event::Message(message) = &event {
                        room = room.saturating_sub(message.line().len());
                    }
                    // Whatever it is, it takes some time.
                    room = room.saturating_sub(64);
                    events.push(event);
                }
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        if events.is_empty() { Poll::Pending } else { Poll::Ready(events) }
    })
    .await
}
