//! Saving before writing.

use std::task::{Context, Poll};

use farpipe_core::{Action, Capabilities, Input};
use farpipe_driver::{Executor, Flow, Terminator};

use super::Journal;

/// Starts a write only once the session is saved that has composed it.
///
/// A program that takes over repeats the write in flight, under the same id and with the same bytes;
/// one that did not know of it would give the id to other bytes, which the server would drop.
pub(in super::super) struct Journaled<E> {
    inner: E,
    journal: Journal,
    failed: Option<String>,
}

impl<E> Journaled<E> {
    pub(in super::super) const fn new(inner: E, journal: Journal) -> Self {
        Self { inner, journal, failed: None }
    }
}

impl<E: Executor> Executor for Journaled<E> {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn start(&mut self, action: Action) {
        if matches!(action, Action::Write { .. })
            && let Err(error) = self.journal.save()
        {
            self.failed = Some(error.to_string());
            return;
        }
        self.inner.start(action);
    }

    fn poll_input(&mut self, cx: &mut Context<'_>, flow: Flow) -> Poll<Input> {
        match self.failed.take() {
            Some(reason) => Poll::Ready(Input::SessionLost { reason }),
            None => self.inner.poll_input(cx, flow),
        }
    }

    fn terminator(&self) -> Terminator {
        self.inner.terminator()
    }
}
