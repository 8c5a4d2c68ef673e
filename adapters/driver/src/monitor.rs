//! A look at a session from the side.

use std::{
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use farpipe_core::{Checkpoint, Decode, End, Exit, Stats};

use crate::shared::Shared;

/// A look at a session from the side. Keeps neither the process nor the session alive.
pub struct Monitor<D: Decode> {
    shared: Arc<Shared<D>>,
}

impl<D: Decode> Monitor<D> {
    pub(crate) const fn new(shared: Arc<Shared<D>>) -> Self {
        Self { shared }
    }

    /// The session as it is now, for another process to go on with; see [`Session::checkpoint`].
    ///
    /// An executor that stores one before it starts a write, and refuses to write otherwise, never has
    /// a write repeated under another id. It can ask for one in [`Executor::start`](crate::Executor).
    ///
    /// [`Session::checkpoint`]: farpipe_core::Session::checkpoint
    pub fn checkpoint(&self) -> Checkpoint {
        self.shared.lock().session.checkpoint()
    }

    /// The counters, as of now.
    pub fn stats(&self) -> Stats {
        *self.shared.lock().session.stats()
    }

    /// How many requests wait for an answer: those whose answer has not been read yet.
    pub fn pending_calls(&self) -> usize {
        self.shared.lock().session.calls().len()
    }

    /// How the process ended, once that is known. Output may still follow.
    pub fn exit(&self) -> Option<Exit> {
        self.shared.lock().session.exit()
    }

    /// The last bytes of stderr, read or not.
    pub fn stderr_tail(&self) -> Bytes {
        self.shared.lock().session.stderr_tail()
    }

    /// How the session ends, as soon as that is known: what came before it may still be unread.
    pub fn end(&self) -> Option<End> {
        self.shared.lock().session.end()
    }

    /// Waits until the end has been delivered to one of the handles; or, when the last of them was
    /// dropped before that, until the process that was terminated with it has come to its end.
    ///
    /// Cancel safe: the future owns nothing.
    pub async fn ended(&self) -> End {
        poll_fn(|cx| self.poll_ended(cx)).await
    }

    fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<End> {
        self.shared.update(|state, wakeups| {
            if let Some(end) = state.final_end() {
                return Poll::Ready(end);
            }
            state.mourners.register(cx.waker(), wakeups);
            Poll::Pending
        })
    }
}

impl<D: Decode> Clone for Monitor<D> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<D: Decode> fmt::Debug for Monitor<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Monitor").field(&self.shared).finish()
    }
}
