//! One run: a session, a simulated executor, and what must hold at every moment.

mod facts;
mod finish;
mod verdict;

use std::time::Duration;

use farpipe_core::{
    Action, Checkpoint, Delivery, Envelope, Event, Input, JsonRpc, ReplayId, SendId, Session,
    Settings, Settled, Timestamp, WriteId,
};

use self::facts::Facts;
use crate::{
    Ask, Coverage, Fate, Schedule, Setup, SimExecutor, Step, Violation, text, violation::ensure,
};

/// More than one drain of the actions can have: a step of the close, a write, a replay, and some.
const MOST_ACTIONS: usize = 16;

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// The name of the cause that the session ended with.
    pub cause: &'static str,
    /// What happened how often.
    pub coverage: Coverage,
}

/// Runs a schedule, and everything that is still possible behind it, and compares what came of it
/// with the truth.
///
/// # Errors
///
/// Tells the first thing that must not be.
pub fn run(schedule: &Schedule) -> Result<Outcome, Violation> {
    let mut run = Run::new(&schedule.setup)?;
    for step in &schedule.steps {
        run.step(*step)?;
    }
    run.finish()?;
    run.verdict()
}

/// A message that the session has taken.
#[derive(Debug)]
struct Sent {
    id: SendId,
    line: Vec<u8>,
    calls: Vec<String>,
}

struct Run {
    setup: Setup,
    settings: Settings,
    executor: SimExecutor,
    session: Session<JsonRpc>,
    now: Duration,
    facts: Facts,
    events: Vec<Event<Envelope>>,
    sent: Vec<Sent>,
    settled: Vec<Settled>,
    asked: u64,
    write: Option<WriteId>,
    /// The link is back, and this write has to be repeated before anything waits.
    due_again: Option<WriteId>,
    replay: Option<(ReplayId, Duration)>,
    coverage: Coverage,
}

impl Run {
    fn new(setup: &Setup) -> Result<Self, Violation> {
        let settings = setup.settings();
        let executor = SimExecutor::new(setup);
        let session = Session::new(JsonRpc, setup.capabilities(), settings.clone())
            .map_err(|error| Violation::new(error.to_string()))?;
        let mut run = Self {
            setup: setup.clone(),
            settings,
            executor,
            session,
            now: Duration::ZERO,
            facts: Facts::default(),
            events: Vec::new(),
            sent: Vec::new(),
            settled: Vec::new(),
            asked: 0,
            write: None,
            due_again: None,
            replay: None,
            coverage: Coverage::default(),
        };
        if !setup.unannounced {
            let identity = run.executor.identity();
            run.handle(Input::LinkUp { identity })?;
        }
        Ok(run)
    }

    fn step(&mut self, step: Step) -> Result<(), Violation> {
        match step {
            Step::Say(line) => self.executor.say(line),
            Step::Warn(len) => self.executor.warn(len),
            Step::Write(stream, bytes) => self.executor.write(stream, bytes.into()),
            Step::Exit => self.executor.exit(),
            Step::Close => self.executor.close(),
            Step::GiveUp => {
                self.executor.give_up();
                self.facts.excuse("failed");
            }
            Step::Evict(keep) => {
                self.executor.evict(keep.into());
            }
            Step::Arrive(_)
            | Step::Answer
            | Step::Double(_)
            | Step::Lose(_)
            | Step::Lag
            | Step::EndFeed => return self.network(step),
            Step::Act(fate) => return self.act(fate).map(drop),
            Step::Serve(pick) => self.executor.serve(pick.into()),
            Step::LinkDown(_) | Step::LinkUp | Step::Crash | Step::Forget => {
                return self.link(step);
            }
            Step::Wait(millis) => return self.pass(Duration::from_millis(millis.into())),
            Step::Tick => return self.tick().map(drop),
            Step::Read(count) => return (0..count).try_for_each(|_| self.read().map(drop)),
            Step::Settle(count) => return (0..count).try_for_each(|_| self.settle().map(drop)),
            Step::Send(ask) => return self.send(ask),
            Step::CloseStdin => self.session.close_stdin(),
            Step::CloseSession | Step::Terminate => self.close(step),
            Step::Restore => return self.restore(),
        }
        Ok(())
    }

    fn network(&mut self, step: Step) -> Result<(), Violation> {
        let input = match step {
            Step::Arrive(pick) => self.executor.arrive(pick.into()),
            Step::Answer => self.executor.arrive_answer(),
            Step::Double(pick) => {
                self.coverage.doubled += u64::from(self.executor.on_its_way() > 0);
                self.executor.double(pick.into())
            }
            Step::Lag => self.executor.lag(),
            Step::EndFeed => {
                self.facts.excuse("incomplete");
                Some(Input::Ended)
            }
            Step::Lose(pick) => {
                self.coverage.dropped += u64::from(self.executor.lose(pick.into()));
                None
            }
            _ => None,
        };
        input.map_or(Ok(()), |input| self.handle(input))
    }

    fn link(&mut self, step: Step) -> Result<(), Violation> {
        let input = match step {
            Step::LinkDown(late) => self.executor.link_down(late),
            Step::LinkUp => return self.link_up(),
            // Who was never named cannot be told from another one.
            Step::Crash if self.setup.unannounced => None,
            Step::Crash => {
                self.coverage.crashes += 1;
                self.executor.crash()
            }
            _ => {
                self.facts.excuse("session_lost");
                Some(Input::SessionLost { reason: "it was restarted".to_owned() })
            }
        };
        input.map_or(Ok(()), |input| self.handle(input))
    }

    fn link_up(&mut self) -> Result<(), Violation> {
        let Some(input) = self.executor.link_up() else { return Ok(()) };
        if self.executor.has_crashed() {
            self.facts.excuse("session_lost");
        }
        self.handle(input)?;
        let noticed = !self.executor.has_crashed() || self.session.is_ending();
        ensure!(noticed, "another executor answers, and the session goes on");
        self.due_again = self.write.filter(|_| !self.session.is_ending());
        Ok(())
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_origin(self.now)
    }

    fn handle(&mut self, input: Input) -> Result<(), Violation> {
        if self
            .write
            .is_some_and(|write| matches!(&input, Input::Written { id, .. } if *id == write))
        {
            self.write = None;
            self.due_again = None;
        }
        match &input {
            Input::LinkDown { .. } => {
                self.forget_outstanding();
                self.facts.closing(&self.executor);
            }
            Input::Replayed(page) => self.answered(page.request),
            Input::ReplayFailed { request, retryable, .. } => {
                let last = self.replay.is_some_and(|(asked, _)| asked == *request) && !retryable;
                if last {
                    self.facts.excuse("replay_failed");
                }
                self.answered(*request);
            }
            _ => {}
        }
        self.facts.before(&self.session, &input);
        self.session.handle(Timestamp::from_origin(self.now), input);
        self.facts.after(&self.session, &self.executor, self.now)?;
        let (stats, limits) = (self.session.stats(), self.session.limits());
        ensure!(
            stats.reorder_peak <= limits.reorder_events as u64,
            "{} events wait, and reorder_events is {}",
            stats.reorder_peak,
            limits.reorder_events
        );
        Ok(())
    }

    fn answered(&mut self, request: ReplayId) {
        self.replay = self.replay.filter(|(asked, _)| *asked != request);
    }

    fn forget_outstanding(&mut self) {
        self.due_again = None;
        self.replay = None;
        if !self.setup.write_deduplication {
            self.write = None;
        }
    }

    fn pass(&mut self, time: Duration) -> Result<(), Violation> {
        self.now += time;
        self.facts.pass(time);
        self.handle(Input::Tick)
    }

    /// Waits until the session wants to be asked again; false if it does not.
    fn tick(&mut self) -> Result<bool, Violation> {
        let Some(timeout) = self.session.poll_timeout() else { return Ok(false) };
        self.pass(timeout.at.saturating_since(self.now()))?;
        if let Some(next) = self.session.poll_timeout() {
            ensure!(next.at > self.now(), "{timeout:?} was handled, and now it is {next:?}");
        }
        Ok(true)
    }

    /// Hands the next action to the executor; false if there is none.
    fn act(&mut self, fate: Fate) -> Result<bool, Violation> {
        let Some(action) = self.session.poll_action() else {
            let due = self.due_again.take().filter(|_| !self.session.is_ending());
            ensure!(due.is_none(), "the link is back, and {due:?} is not written again");
            return Ok(false);
        };
        let terminates = matches!(action, Action::Terminate);
        ensure!(
            self.executor.is_linked() || terminates,
            "{action:?} is asked for while the link is down"
        );
        self.check_action(&action)?;
        self.coverage.fate(&action, fate);
        self.executor.act(action, fate).map_err(|misuse| Violation::new(misuse.to_string()))?;
        Ok(true)
    }

    /// At most one write and one replay are outstanding.
    fn check_action(&mut self, action: &Action) -> Result<(), Violation> {
        match action {
            Action::Write { id, data } => {
                self.due_again = None;
                ensure!(!data.is_empty(), "an empty write {id:?}");
                ensure!(data.len() <= self.settings.limits.max_write, "{id:?} is above max_write");
                let outstanding = self.write.replace(*id).filter(|write| write != id);
                ensure!(
                    outstanding.is_none(),
                    "{id:?} is written while {outstanding:?} is in flight"
                );
            }
            Action::Replay { request, max_bytes, .. } => {
                ensure!(*max_bytes == self.settings.limits.replay_page, "a page of {max_bytes}");
                let outstanding = self.replay.replace((*request, self.now));
                let timeout = self.settings.limits.replay_timeout;
                let early =
                    outstanding.filter(|(_, since)| self.now.saturating_sub(*since) < timeout);
                ensure!(early.is_none(), "{request:?} is asked for while {early:?} is outstanding");
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads the next event; false if there is none.
    fn read(&mut self) -> Result<bool, Violation> {
        let Some(event) = self.session.poll_event() else { return Ok(false) };
        let ended = matches!(self.events.last(), Some(Event::End(_)));
        ensure!(!ended, "behind the end: {event:?}");
        if let Event::Lost(lost) = &event {
            self.facts.lost(&lost.missing, &self.setup, &self.executor, &self.session)?;
            let pending = self.session.calls().len();
            ensure!(pending == 0, "{pending} calls are not told of the loss of {:?}", lost.missing);
        }
        self.events.push(event);
        Ok(true)
    }

    fn settle(&mut self) -> Result<bool, Violation> {
        let Some(settled) = self.session.poll_settled() else { return Ok(false) };
        let expected = self.sent.get(self.settled.len()).map(|sent| sent.id);
        ensure!(Some(settled.id) == expected, "{settled:?} is settled instead of {expected:?}");
        if settled.delivery == Delivery::Unknown {
            let ending = self.session.is_ending();
            let lost_link = !self.setup.write_deduplication && self.facts.link_losses > 0;
            ensure!(ending || lost_link, "{settled:?}, although the answer can still come");
        }
        self.settled.push(settled);
        Ok(true)
    }

    fn send(&mut self, ask: Ask) -> Result<(), Violation> {
        let (message, calls) = text::ask(ask, self.asked);
        self.asked += 2;
        match self.session.send(message.clone().into()) {
            Ok(id) => {
                let later = self.sent.last().is_none_or(|last| last.id < id);
                ensure!(later, "{id:?} is not above the id before it");
                self.sent.push(Sent { id, line: (message + "\n").into_bytes(), calls });
            }
            Err(error) => {
                self.coverage.refused_sends += 1;
                ensure!(error.message == message, "a refusal gives the message back");
            }
        }
        Ok(())
    }

    fn close(&mut self, step: Step) {
        self.facts.close(&self.session);
        match step {
            Step::Terminate => self.session.terminate(self.now()),
            _ => self.session.close(self.now()),
        }
        self.facts.closing(&self.executor);
    }

    /// Another process takes over. Two are made of the same checkpoint: one is read to the end and
    /// compared with the old session, the other one goes on.
    fn restore(&mut self) -> Result<(), Violation> {
        self.coverage.restores += 1;
        let json = self.session.checkpoint().to_json();
        let (mut probe, next) = (self.restored(&json)?, self.restored(&json)?);
        self.compare_unread(&mut probe)?;
        self.session = next;
        self.executor.detach();
        self.forget_outstanding();
        self.now = Duration::ZERO;
        self.facts.restored(&self.session);
        Ok(())
    }

    fn restored(&self, json: &str) -> Result<Session<JsonRpc>, Violation> {
        let refused =
            |error: &dyn std::fmt::Display| Violation::new(format!("a restore fails: {error}"));
        let checkpoint = Checkpoint::from_json(json.as_bytes()).map_err(|error| refused(&error))?;
        let (capabilities, settings) = (self.setup.capabilities(), self.settings.clone());
        Session::restore(JsonRpc, capabilities, settings, checkpoint)
            .map_err(|error| refused(&error))
    }

    /// What the old session had in hand comes first in the new one.
    fn compare_unread(&mut self, probe: &mut Session<JsonRpc>) -> Result<(), Violation> {
        let old = std::iter::from_fn(|| self.session.poll_event()).collect::<Vec<_>>();
        let new = std::iter::from_fn(|| probe.poll_event()).collect::<Vec<_>>();
        verdict::compare_unread(&old, &new)?;
        while let Some(old) = self.session.poll_settled() {
            let new = probe.poll_settled();
            let same = new.as_ref().is_some_and(|new| verdict::is_same_outcome(&old, new));
            ensure!(same, "a restore turns {old:?} into {new:?}");
        }
        Ok(())
    }
}
