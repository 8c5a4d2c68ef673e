//! The one future that owns all I/O of a session.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use farpipe_core::{Decode, Input, Timestamp};
use tracing::Span;

use crate::{
    Executor, Flow, Runtime,
    shared::{Shared, Turn},
    timer::Timer,
    trace,
};

/// How many steps are done before other tasks get their turn.
const STEPS_PER_POLL: usize = 64;

/// How much output is taken before other tasks get their turn. It is mostly the one that reads the
/// messages: what was read far ahead of it has left the cache, and memory that piles up and drains
/// is given back to the system and has to be cleared again.
const BYTES_PER_POLL: usize = 256 * 1024;

/// The one future that owns all I/O of a session: the executor, the timer and the clock.
///
/// It has to be polled for anything to happen, by a task of its own: an application may wait for a
/// send or for the end while it receives nothing. It ends when the session has, and drops the
/// executor then. After the last [`Handle`](crate::Handle) is dropped, which terminates the process,
/// it goes on until the process's end is known, but no longer than
/// [`close_terminate_wait`](farpipe_core::Limits::close_terminate_wait).
///
/// Dropped before that, it gives the process up and ends the session, with a cause that says so:
/// nobody waits for ever.
pub struct Pump<D: Decode, E: Executor, R: Runtime> {
    shared: Arc<Shared<D>>,
    // None at the end.
    executor: Option<E>,
    // The executor has said that nothing more will come.
    exhausted: bool,
    runtime: R,
    timer: Timer<R>,
    input: Option<Input>,
    // The span that the session was made in.
    span: Span,
}

// No field is ever pinned in place.
impl<D: Decode, E: Executor, R: Runtime> Unpin for Pump<D, E, R> {}

enum Step {
    Again,
    Idle,
    Done,
}

impl<D: Decode, E: Executor, R: Runtime> Pump<D, E, R> {
    pub(crate) fn new(shared: Arc<Shared<D>>, executor: E, runtime: R) -> Self {
        Self {
            shared,
            executor: Some(executor),
            exhausted: false,
            runtime,
            timer: Timer::new(),
            input: None,
            span: Span::current(),
        }
    }

    fn step(&mut self, cx: &mut Context<'_>) -> Step {
        let Some(executor) = &mut self.executor else {
            return Step::Done;
        };
        match self.shared.turn(self.input.take()) {
            Turn::Stop => Step::Done,
            Turn::Act(action) => {
                trace::action(&action);
                executor.start(action);
                Step::Again
            }
            Turn::Leave(event) => {
                self.shared.leave(event);
                Step::Again
            }
            Turn::Wait { over: true, .. } if self.exhausted => Step::Done,
            Turn::Wait { flow, deadline, .. } => self.wait(cx, flow, deadline),
        }
    }

    fn wait(&mut self, cx: &mut Context<'_>, flow: Flow, deadline: Option<Timestamp>) -> Step {
        if let Poll::Ready(input) = self.poll_input(cx, flow) {
            trace::input(&input);
            self.exhausted = input == Input::Ended;
            self.input = Some(input);
            return Step::Again;
        }
        match self.timer.poll(&self.runtime, deadline, cx) {
            Poll::Ready(()) => Step::Again,
            Poll::Pending => Step::Idle,
        }
    }

    fn poll_input(&mut self, cx: &mut Context<'_>, flow: Flow) -> Poll<Input> {
        match &mut self.executor {
            Some(executor) if !self.exhausted => executor.poll_input(cx, flow),
            _ => Poll::Pending,
        }
    }
}

impl<D: Decode, E: Executor, R: Runtime> Future for Pump<D, E, R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let span = self.span.clone();
        let _entered = span.enter();
        // Before the first look: what changes behind it wakes this task again.
        self.shared.register_pump(cx.waker());
        let mut taken = 0;
        for _ in 0..STEPS_PER_POLL {
            // What is at hand is taken in the coming step.
            taken += self.input.as_ref().map_or(0, output_len);
            match self.step(cx) {
                Step::Again if taken < BYTES_PER_POLL => {}
                Step::Again => break,
                Step::Idle => return Poll::Pending,
                Step::Done => {
                    self.executor = None;
                    self.shared.retire();
                    return Poll::Ready(());
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

const fn output_len(input: &Input) -> usize {
    match input {
        Input::Output(chunk) => chunk.data.len(),
        _ => 0,
    }
}

impl<D: Decode, E: Executor, R: Runtime> Drop for Pump<D, E, R> {
    fn drop(&mut self) {
        if self.executor.take().is_some() {
            self.shared.lose("its driver was dropped, as when a runtime is shut down");
        }
    }
}

impl<D: Decode, E: Executor, R: Runtime> fmt::Debug for Pump<D, E, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pump").field(&self.shared).finish()
    }
}
