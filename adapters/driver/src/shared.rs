//! The session and who waits for it, behind one lock.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use farpipe_core::{
    Action, Decode, Delivery, End, Event, Input, SendError, SendId, Session, Timestamp,
    WriteOutcome,
};
use futures_channel::oneshot;

use crate::{
    Flow, Options, Sent, Terminator,
    options::Leftover,
    record::Recorder,
    trace,
    wakers::{Wakers, Wakeups},
};

/// What handles, monitors and the pump have in common.
pub(crate) struct Shared<D: Decode> {
    state: Mutex<State<D>>,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    terminator: Terminator,
    leftover: Option<Leftover<D>>,
}

/// Nobody waits for ever, though the code that is given what nobody reads may panic.
struct Retired<'a, D: Decode>(&'a Shared<D>);

impl<D: Decode> Drop for Retired<'_, D> {
    fn drop(&mut self) {
        self.0.update(State::undriven);
    }
}

pub(crate) struct State<D: Decode> {
    pub(crate) session: Session<D>,
    /// Set when the end has been delivered.
    pub(crate) end: Option<End>,
    /// No handle is left.
    abandoned: bool,
    /// The pump is being polled, and has not ended.
    driven: bool,
    /// Who waits for an event.
    pub(crate) consumers: Wakers,
    /// Who waits for the end to be delivered.
    pub(crate) mourners: Wakers,
    pump: Option<Waker>,
    recorder: Option<Recorder>,
    sends: BTreeMap<SendId, oneshot::Sender<Delivery>>,
    end_traced: bool,
}

/// What the pump has to do next.
pub(crate) enum Turn<M> {
    /// Nothing any more.
    Stop,
    /// Hand this to the executor.
    Act(Action),
    /// Hand this to whoever wants what nobody reads.
    Leave(Event<M>),
    /// Wait for the executor, for the deadline, or to be woken.
    Wait { flow: Flow, deadline: Option<Timestamp>, over: bool },
}

impl<D: Decode> Shared<D> {
    pub(crate) fn new(
        mut session: Session<D>,
        options: Options<D>,
        terminator: Terminator,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        let recorder = options.recording.map(|out| Recorder::new(out, &session.start_recording()));
        let state = State {
            session,
            end: None,
            abandoned: false,
            driven: false,
            consumers: Wakers::default(),
            mourners: Wakers::default(),
            pump: None,
            recorder,
            sends: BTreeMap::new(),
            end_traced: false,
        };
        let (clock, leftover) = (Box::new(clock), options.leftover);
        Self { state: Mutex::new(state), clock, terminator, leftover }
    }

    /// The state as it is: no call leaves it half changed, not even a decoder that panics.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State<D>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state; whoever has to know is told outside the lock.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut State<D>, &mut Wakeups) -> T) -> T {
        let mut wakeups = Wakeups::default();
        let mut state = self.lock();
        let value = change(&mut state, &mut wakeups);
        state.settle(&mut wakeups);
        state.record();
        let end = state.untraced_end();
        drop(state);
        if let Some(end) = end {
            trace::end(&end);
        }
        wakeups.fire();
        value
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Lets the pump be woken when something changes from here on.
    pub(crate) fn register_pump(&self, waker: &Waker) {
        let mut state = self.lock();
        state.driven = true;
        let former = state.pump.replace(waker.clone());
        drop(state);
        // Outside the lock: dropping a waker can drop a task, and a handle with it.
        drop(former);
    }

    /// Passes on what the executor told, lets time pass, and says what is next.
    pub(crate) fn turn(&self, input: Option<Input>) -> Turn<D::Message> {
        let now = self.now();
        self.update(|state, wakeups| {
            if let Some(input) = input {
                state.handle(now, input, wakeups);
            }
            state.turn(now, wakeups)
        })
    }

    /// Ends the session because nobody drives it any more.
    pub(crate) fn lose(&self, reason: &str) {
        let now = self.now();
        self.update(|state, wakeups| {
            state.handle(now, Input::SessionLost { reason: reason.to_owned() }, wakeups);
            // Settles what was still being written if the process was over before that.
            state.handle(now, Input::Ended, wakeups);
        });
        self.retire();
    }

    /// Nobody drives the session any more: what nobody is left to read is given away now.
    ///
    /// Until that is done it counts as driven: whoever drops the last handle meanwhile leaves it to
    /// this thread, and the end is not known before what came before it.
    pub(crate) fn retire(&self) {
        let _retired = Retired(self);
        while let Some(event) = self.update(State::last_event) {
            self.leave(event);
        }
    }

    /// The last handle is gone. The pump, if there is one, sees the process to its end.
    pub(crate) fn abandon(&self) {
        let now = self.now();
        // Before the process is gone, or its end would seem to be its own doing.
        let driven = self.update(|state, wakeups| {
            state.abandoned = true;
            state.terminate(now, wakeups);
            state.driven
        });
        self.terminator.terminate();
        if !driven {
            self.lose("the last handle was dropped");
        }
    }

    /// Gives away an event that nobody reads. Foreign code, so not under the lock.
    pub(crate) fn leave(&self, event: Event<D::Message>) {
        if let Some(leftover) = &self.leftover {
            leftover(event);
        }
    }
}

impl<D: Decode> State<D> {
    fn handle(&mut self, now: Timestamp, input: Input, wakeups: &mut Wakeups) {
        if !is_plain_receipt(&input) {
            self.consumers.wake(wakeups);
        }
        self.session.handle(now, input);
    }

    fn turn(&mut self, now: Timestamp, wakeups: &mut Wakeups) -> Turn<D::Message> {
        // The clock decides, not the timer: under load a timer may be polled long after its time.
        if self.deadline().is_some_and(|at| at <= now) {
            self.handle(now, Input::Tick, wakeups);
        }
        if let Some(action) = self.session.poll_action() {
            return Turn::Act(action);
        }
        if let Some(event) = self.abandoned_event(wakeups) {
            return Turn::Leave(event);
        }
        let over = self.session.is_over();
        if over && self.session.is_ended() {
            return Turn::Stop;
        }
        Turn::Wait { flow: self.flow(), deadline: self.deadline(), over }
    }

    fn deadline(&self) -> Option<Timestamp> {
        self.session.poll_timeout().map(|timeout| timeout.at)
    }

    fn flow(&self) -> Flow {
        if self.session.wants_input() { Flow::Open } else { Flow::Paused }
    }

    pub(crate) fn next_event(&mut self, wakeups: &mut Wakeups) -> Option<Event<D::Message>> {
        let was_paused = self.flow() == Flow::Paused;
        let event = self.session.poll_event();
        if let Some(Event::End(end)) = &event {
            self.end = Some(end.clone());
            self.mourners.wake(wakeups);
            self.wake_pump(wakeups);
        } else if was_paused && self.flow() == Flow::Open {
            self.wake_pump(wakeups);
        }
        event
    }

    /// The next event, if there is no handle left to read it.
    fn abandoned_event(&mut self, wakeups: &mut Wakeups) -> Option<Event<D::Message>> {
        if self.abandoned { self.next_event(wakeups) } else { None }
    }

    /// The same at the end of the session's driver; without an event, the driver is gone.
    fn last_event(&mut self, wakeups: &mut Wakeups) -> Option<Event<D::Message>> {
        let event = self.abandoned_event(wakeups);
        if event.is_none() {
            self.undriven(wakeups);
        }
        event
    }

    fn undriven(&mut self, wakeups: &mut Wakeups) {
        self.driven = false;
        self.mourners.wake(wakeups);
    }

    pub(crate) fn send(
        &mut self,
        wakeups: &mut Wakeups,
        send: impl FnOnce(&mut Session<D>) -> Result<SendId, SendError>,
    ) -> Result<Sent, SendError> {
        let id = send(&mut self.session)?;
        let (sender, outcome) = oneshot::channel();
        self.sends.insert(id, sender);
        self.wake_pump(wakeups);
        Ok(Sent::new(id, outcome))
    }

    pub(crate) fn close_stdin(&mut self, wakeups: &mut Wakeups) {
        self.session.close_stdin();
        self.wake_pump(wakeups);
    }

    pub(crate) fn close(&mut self, now: Timestamp, wakeups: &mut Wakeups) {
        self.session.close(now);
        self.consumers.wake(wakeups);
        self.wake_pump(wakeups);
    }

    pub(crate) fn terminate(&mut self, now: Timestamp, wakeups: &mut Wakeups) {
        self.session.terminate(now);
        self.consumers.wake(wakeups);
        self.wake_pump(wakeups);
    }

    /// The end, once it has been delivered or nobody is left to deliver it to.
    pub(crate) fn final_end(&self) -> Option<End> {
        let unread = self.abandoned && !self.driven;
        self.end.clone().or_else(|| self.session.end().filter(|_| unread))
    }

    /// The end, the first time that it is known.
    fn untraced_end(&mut self) -> Option<End> {
        if self.end_traced || !self.session.is_ending() {
            return None;
        }
        self.end_traced = true;
        self.session.end()
    }

    fn record(&mut self) {
        let Some(recorder) = &mut self.recorder else { return };
        while let Some(entry) = self.session.poll_entry() {
            recorder.entry(&entry);
        }
    }

    fn wake_pump(&mut self, wakeups: &mut Wakeups) {
        wakeups.task(&mut self.pump);
    }

    fn settle(&mut self, wakeups: &mut Wakeups) {
        while let Some(settled) = self.session.poll_settled() {
            if let Some(sender) = self.sends.remove(&settled.id) {
                wakeups.settled(sender, settled.delivery);
            }
        }
    }
}

impl<D: Decode> fmt::Debug for Shared<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Session")
            .field("stats", state.session.stats())
            .field("end", &state.end)
            .finish_non_exhaustive()
    }
}

/// A write that went well is news for its sender only.
const fn is_plain_receipt(input: &Input) -> bool {
    matches!(input, Input::Written { outcome: WriteOutcome::Accepted, .. })
}
