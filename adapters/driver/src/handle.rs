//! The application's end of a session.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use farpipe_core::{Call, Decode, Delivery, Event, Id, SendError, SendId};
use futures_channel::oneshot;

use crate::{
    Close, Monitor,
    shared::{Shared, State},
};

/// The application's end of a session. Clones are the same session.
///
/// Dropping the last one ends the process and its descendants at once, from any thread, with or
/// without a runtime there, even if the [`Pump`](crate::Pump) is not polled any more. To let the
/// process end by itself, [`close`](Self::close) the session and wait for that.
pub struct Handle<D: Decode> {
    owner: Arc<Owner<D>>,
}

/// Counts the handles: monitors and the pump share the state as well, but keep nothing alive.
struct Owner<D: Decode>(Arc<Shared<D>>);

impl<D: Decode> Drop for Owner<D> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl<D: Decode> Handle<D> {
    pub(crate) fn new(shared: Arc<Shared<D>>) -> Self {
        Self { owner: Arc::new(Owner(shared)) }
    }

    pub(crate) fn shared(&self) -> &Shared<D> {
        &self.owner.0
    }

    /// Puts a message in line for the process's stdin. Its place is fixed on return.
    ///
    /// The newline is added; the message must not contain one. A refusal gives the message back
    /// and says why, see [`Limits`](farpipe_core::Limits) for the budgets. The [`Sent`] that is
    /// returned tells what becomes of the message; whether it is awaited changes nothing.
    pub fn send(&self, message: Bytes) -> Result<Sent, SendError> {
        self.shared().update(|state, wakeups| state.send(wakeups, |to| to.send(message)))
    }

    /// Like [`send`](Self::send), for a caller who knows what the message is: with `None` for
    /// anything but a request. Saves reading the message again.
    pub fn send_call(&self, message: Bytes, call: Option<Call>) -> Result<Sent, SendError> {
        self.shared().update(|state, wakeups| state.send(wakeups, |to| to.send_call(message, call)))
    }

    /// Takes a request off the pending calls: it was cancelled, and need not be answered any more.
    ///
    /// An answer that comes all the same is delivered.
    pub fn forget_call(&self, id: &Id) {
        self.shared().update(|state, _| state.session.forget_call(id));
    }

    /// Closes the process's stdin behind the last accepted message. Its output stays open.
    pub fn close_stdin(&self) {
        self.shared().update(State::close_stdin);
    }

    /// Starts to end the process: close stdin, wait, ask it to stop, wait, terminate it.
    ///
    /// The plan has begun when this returns, and begins once however often it is called. The
    /// waiting times are [`Limits`](farpipe_core::Limits). Await the [`Close`] to see the end, or
    /// go on with [`next_event`](Self::next_event) to have what the process still writes.
    pub fn close(&self) -> Close<D> {
        let now = self.shared().now();
        self.shared().update(|state, wakeups| state.close(now, wakeups));
        Close::new(self.clone())
    }

    /// Ends the process without asking it first: the last step of [`close`](Self::close) at once.
    ///
    /// It has begun when this returns. Unlike with the drop of the last handle, what the process
    /// has written before can still be read, and [`Event::End`] follows it.
    pub fn terminate(&self) {
        let now = self.shared().now();
        self.shared().update(|state, wakeups| state.terminate(now, wakeups));
    }

    /// What happened next; `None` once [`Event::End`] has been delivered.
    ///
    /// Each event goes to one caller. Several tasks may wait at once; each waker is kept until
    /// something happens.
    pub fn poll_event(&self, cx: &mut Context<'_>) -> Poll<Option<Event<D::Message>>> {
        self.shared().update(|state, wakeups| {
            if let Some(event) = state.next_event(wakeups) {
                return Poll::Ready(Some(event));
            }
            if state.session.is_ended() {
                return Poll::Ready(None);
            }
            state.consumers.register(cx.waker(), wakeups);
            Poll::Pending
        })
    }

    /// What happened next; `None` once [`Event::End`] has been delivered.
    ///
    /// Cancel safe: the future owns nothing. An event is taken in the very poll that returns it.
    pub async fn next_event(&self) -> Option<Event<D::Message>> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// A way to look at the session that does not keep the process alive.
    pub fn monitor(&self) -> Monitor<D> {
        Monitor::new(Arc::clone(&self.owner.0))
    }
}

impl<D: Decode> Clone for Handle<D> {
    fn clone(&self) -> Self {
        Self { owner: Arc::clone(&self.owner) }
    }
}

impl<D: Decode> fmt::Debug for Handle<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(self.shared()).finish()
    }
}

/// What becomes of a message: a future for its [`Delivery`].
///
/// Cancel safe: dropping it leaves the message in its place and only forgets who asked. It
/// resolves in any case: when the session ends, or is given up, at the latest.
#[derive(Debug)]
pub struct Sent {
    id: SendId,
    outcome: oneshot::Receiver<Delivery>,
}

impl Sent {
    pub(crate) const fn new(id: SendId, outcome: oneshot::Receiver<Delivery>) -> Self {
        Self { id, outcome }
    }

    /// Names the message within its session.
    pub const fn id(&self) -> SendId {
        self.id
    }
}

impl Future for Sent {
    type Output = Delivery;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Delivery> {
        // The other half only goes away unused with the whole session.
        Poll::Ready(ready!(Pin::new(&mut self.outcome).poll(cx)).unwrap_or(Delivery::Unknown))
    }
}
