//! Waiting for the end of a session that is being closed.

use std::{
    fmt,
    future::Future,
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll},
};

use farpipe_core::{Decode, End, Event};

use crate::{Handle, shared::State, wakers::Wakeups};

/// How many events are read before other tasks get their turn.
const EVENTS_PER_POLL: usize = 256;

/// Resolves with the end of a session that is being closed.
///
/// While it is polled it reads what the process still writes and gives it to
/// [`Options::leftover`](crate::Options::leftover), so that the end is reached though nobody else
/// reads: without that, back-pressure could hold it up. It resolves even where the process
/// resists, after the sum of the close plan's waiting times.
///
/// It counts as a [`Handle`]. Cancel safe: the plan goes on without it, unless it was the last
/// handle; then the process is ended at once.
pub struct Close<D: Decode> {
    handle: Handle<D>,
}

impl<D: Decode> Close<D> {
    pub(crate) const fn new(handle: Handle<D>) -> Self {
        Self { handle }
    }
}

impl<D: Decode> Future for Close<D> {
    type Output = End;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<End> {
        for _ in 0..EVENTS_PER_POLL {
            let step = self.handle.shared().update(|state, wakeups| advance(state, wakeups, cx));
            match step {
                ControlFlow::Break(poll) => return poll,
                ControlFlow::Continue(event) => self.handle.shared().leave(event),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Hands the event out: it is for foreign code, and not to be touched under the lock.
fn advance<D: Decode>(
    state: &mut State<D>,
    wakeups: &mut Wakeups,
    cx: &Context<'_>,
) -> ControlFlow<Poll<End>, Event<D::Message>> {
    if let Some(end) = &state.end {
        return ControlFlow::Break(Poll::Ready(end.clone()));
    }
    if let Some(event) = state.next_event(wakeups) {
        return ControlFlow::Continue(event);
    }
    state.consumers.register(cx.waker(), wakeups);
    ControlFlow::Break(Poll::Pending)
}

impl<D: Decode> fmt::Debug for Close<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Close").field(self.handle.shared()).finish()
    }
}
