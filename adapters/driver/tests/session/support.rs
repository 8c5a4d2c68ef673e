//! A world that a test moves by hand: an executor, a clock and tasks, without threads.

use std::{
    collections::VecDeque,
    future::Future,
    mem,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use bytes::Bytes;
use farpipe_core::{
    Action, BadReason, Capabilities, Chunk, Decode, Decoded, Exit, Input, Line, Stream, Timestamp,
    WriteOutcome,
};
use farpipe_driver::{Executor, Flow, Handle, Options, Pump, Runtime, Terminator, connect};

/// Every line is a message.
#[derive(Debug)]
pub(crate) struct Lines;

impl Decode for Lines {
    type Message = Bytes;

    fn decode(
        &mut self,
        line: &mut Line<'_>,
        _: &farpipe_core::Calls,
    ) -> Result<Decoded<Bytes>, BadReason> {
        assert!(&line[..] != b"panic", "as the test asked for");
        Ok(Decoded::Message(line.to_bytes()))
    }
}

#[derive(Clone, Default)]
pub(crate) struct World(Arc<Mutex<State>>);

#[derive(Default)]
pub(crate) struct State {
    pub(crate) now: Timestamp,
    pub(crate) actions: Vec<Action>,
    pub(crate) flow: Option<Flow>,
    pub(crate) terminated: u32,
    pub(crate) executor_dropped: bool,
    pub(crate) timers: Vec<Timestamp>,
    /// How many timers are to fire before their time.
    pub(crate) hasty: u32,
    pub(crate) tasks: Vec<Pin<Box<dyn Future<Output = ()> + Send>>>,
    inputs: VecDeque<Input>,
    waker: Option<Waker>,
    ended: bool,
}

pub(crate) type FakePump = Pump<Lines, Fake, Clock>;

impl World {
    pub(crate) fn connect(
        &self,
        options: impl Into<Options<Lines>>,
    ) -> (Handle<Lines>, Task<FakePump>) {
        let (handle, pump) =
            connect(Lines, options, Fake(self.clone()), Clock(self.clone())).unwrap();
        (handle, Task::new(pump))
    }

    pub(crate) fn executor(&self) -> Fake {
        Fake(self.clone())
    }

    pub(crate) fn clock(&self) -> Clock {
        Clock(self.clone())
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn input(&self, input: Input) {
        let mut state = self.state();
        state.inputs.push_back(input);
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn output(&self, seq: u64, data: impl Into<Bytes>) {
        let data = data.into();
        self.input(Input::Output(Chunk { seq, stream: Stream::Stdout, data }));
    }

    /// The process ends with this number and leaves nothing open.
    pub(crate) fn exit(&self, seq: u64) {
        self.input(Input::Exited { seq, exit: Exit::Code(0) });
        self.input(Input::Closed { seq: seq + 1 });
        self.input(Input::Ended);
    }

    pub(crate) fn pass(&self, time: Duration) {
        let mut state = self.state();
        state.now = state.now + time;
    }

    pub(crate) fn take_actions(&self) -> Vec<Action> {
        mem::take(&mut self.state().actions)
    }

    /// Answers every write that was handed out, and tells what it was.
    pub(crate) fn accept_writes(&self) -> Vec<Bytes> {
        let mut written = Vec::new();
        for action in self.take_actions() {
            let Action::Write { id, data } = action else { panic!("{action:?}") };
            self.input(Input::Written { id, outcome: WriteOutcome::Accepted });
            written.push(data);
        }
        written
    }
}

pub(crate) struct Fake(World);

impl Executor for Fake {
    fn capabilities(&self) -> Capabilities {
        Capabilities::local()
    }

    fn start(&mut self, action: Action) {
        self.0.state().actions.push(action);
    }

    fn poll_input(&mut self, cx: &mut Context<'_>, flow: Flow) -> Poll<Input> {
        let mut state = self.0.state();
        assert!(!state.ended, "polled after the end");
        state.flow = Some(flow);
        let held_back = matches!(state.inputs.front(), Some(Input::Output(_)));
        if held_back && flow == Flow::Paused {
            return Poll::Pending;
        }
        let Some(input) = state.inputs.pop_front() else {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        state.ended = input == Input::Ended;
        Poll::Ready(input)
    }

    fn terminator(&self) -> Terminator {
        let world = self.0.clone();
        Terminator::new(move || world.state().terminated += 1)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.0.state().executor_dropped = true;
    }
}

#[derive(Clone)]
pub(crate) struct Clock(World);

pub(crate) struct Sleep {
    world: World,
    at: Timestamp,
    fired: bool,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        assert!(!self.fired, "polled after it fired");
        let mut state = self.world.state();
        let hasty = state.hasty > 0;
        if state.now < self.at && !hasty {
            return Poll::Pending;
        }
        state.hasty = state.hasty.saturating_sub(1);
        drop(state);
        self.fired = true;
        Poll::Ready(())
    }
}

impl Runtime for Clock {
    type Sleep = Sleep;

    fn now(&self) -> Timestamp {
        self.0.state().now
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        self.0.state().timers.push(at);
        Sleep { world: self.0.clone(), at, fired: false }
    }

    fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.state().tasks.push(Box::pin(task));
    }
}

/// A future that a test polls by hand.
pub(crate) struct Task<F> {
    future: Pin<Box<F>>,
    woken: Arc<Flag>,
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl<F: Future> Task<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future: Box::pin(future), woken: Arc::default() }
    }

    pub(crate) fn poll(&mut self) -> Poll<F::Output> {
        self.woken.0.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(&self.woken));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Polls as long as it is woken, like a runtime.
    pub(crate) fn run(&mut self) -> Poll<F::Output> {
        loop {
            let poll = self.poll();
            if poll.is_ready() || !self.is_woken() {
                return poll;
            }
        }
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::Acquire)
    }
}

/// Polls once; what is not ready then is dropped.
pub(crate) fn now_or_never<F: Future>(future: F) -> Option<F::Output> {
    match Task::new(future).poll() {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
