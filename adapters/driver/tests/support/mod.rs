//! A world that a test moves by hand: an executor, a clock and tasks, without threads.
#![allow(dead_code, unreachable_pub)] // Every test file takes what it needs.

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
pub struct Lines;

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
pub struct World(Arc<Mutex<State>>);

#[derive(Default)]
pub struct State {
    pub now: Timestamp,
    pub actions: Vec<Action>,
    pub flow: Option<Flow>,
    pub terminated: u32,
    pub executor_dropped: bool,
    pub timers: Vec<Timestamp>,
    /// How many timers are to fire before their time.
    pub hasty: u32,
    pub tasks: Vec<Pin<Box<dyn Future<Output = ()> + Send>>>,
    inputs: VecDeque<Input>,
    waker: Option<Waker>,
    ended: bool,
}

pub type FakePump = Pump<Lines, Fake, Clock>;

impl World {
    pub fn connect(&self, options: impl Into<Options<Lines>>) -> (Handle<Lines>, Task<FakePump>) {
        let (handle, pump) =
            connect(Lines, options, Fake(self.clone()), Clock(self.clone())).unwrap();
        (handle, Task::new(pump))
    }

    pub fn executor(&self) -> Fake {
        Fake(self.clone())
    }

    pub fn clock(&self) -> Clock {
        Clock(self.clone())
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn input(&self, input: Input) {
        let mut state = self.state();
        state.inputs.push_back(input);
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    pub fn output(&self, seq: u64, data: impl Into<Bytes>) {
        let data = data.into();
        self.input(Input::Output(Chunk { seq, stream: Stream::Stdout, data }));
    }

    /// The process ends with this number and leaves nothing open.
    pub fn exit(&self, seq: u64) {
        self.input(Input::Exited { seq, exit: Exit::Code(0) });
        self.input(Input::Closed { seq: seq + 1 });
        self.input(Input::Ended);
    }

    pub fn pass(&self, time: Duration) {
        let mut state = self.state();
        state.now = state.now + time;
    }

    pub fn take_actions(&self) -> Vec<Action> {
        mem::take(&mut self.state().actions)
    }

    /// Answers every write that was handed out, and tells what it was.
    pub fn accept_writes(&self) -> Vec<Bytes> {
        let mut written = Vec::new();
        for action in self.take_actions() {
            let Action::Write { id, data } = action else { panic!("{action:?}") };
            self.input(Input::Written { id, outcome: WriteOutcome::Accepted });
            written.push(data);
        }
        written
    }
}

pub struct Fake(World);

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
pub struct Clock(World);

pub struct Sleep {
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
pub struct Task<F> {
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
    pub fn new(future: F) -> Self {
        Self { future: Box::pin(future), woken: Arc::default() }
    }

    pub fn poll(&mut self) -> Poll<F::Output> {
        self.woken.0.store(false, Ordering::Release);
        let waker = Waker::from(Arc::clone(&self.woken));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Polls as long as it is woken, like a runtime.
    pub fn run(&mut self) -> Poll<F::Output> {
        loop {
            let poll = self.poll();
            if poll.is_ready() || !self.is_woken() {
                return poll;
            }
        }
    }

    pub fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::Acquire)
    }
}

/// Polls once; what is not ready then is dropped.
pub fn now_or_never<F: Future>(future: F) -> Option<F::Output> {
    match Task::new(future).poll() {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
