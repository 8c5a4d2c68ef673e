//! Word to the owner of a process.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use crate::Terminator;

/// A process and its descendants, where only the owner of the process can end it.
///
/// [`kill`](Self::kill) leaves word for the future that waits for the process, which owns it and
/// listens with [`poll_killed`](Self::poll_killed). If that future is not polled any more it is
/// bound to be dropped, and has to end the process then.
///
/// Clones stand for the same tree. No method blocks, and none needs a runtime.
#[derive(Clone, Debug, Default)]
pub struct ProcessTree {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    killed: bool,
    owner: Option<Waker>,
}

impl ProcessTree {
    /// A tree that nobody has killed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does nothing: there is no way to ask a process to stop.
    #[allow(clippy::unused_self)] // The same method as on Unix.
    pub const fn interrupt(&self) {}

    /// Leaves word that the tree has to end.
    pub fn kill(&self) {
        let mut state = self.lock();
        state.killed = true;
        let owner = mem::take(&mut state.owner);
        drop(state);
        if let Some(owner) = owner {
            owner.wake();
        }
    }

    /// Ready once [`kill`](Self::kill) has been called; until then the latest waker is kept.
    #[must_use = "the owner of the process has to end it"]
    pub fn poll_killed(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.killed {
            return Poll::Ready(());
        }
        state.owner = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Does nothing: no number can be mistaken for another process here.
    #[allow(clippy::unused_self)] // The same method as on Unix.
    pub const fn leader_reaped(&self) {}

    /// A handle that [kills](Self::kill) the tree.
    pub fn terminator(&self) -> Terminator {
        let tree = self.clone();
        Terminator::new(move || tree.kill())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
