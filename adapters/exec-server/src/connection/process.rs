//! One process of a session.

use std::task::{Context, Poll, Waker};

use farpipe_core::{Input, WriteId, WriteOutcome};
use farpipe_driver::Flow;

use super::inbox::Inbox;
use crate::StartError;

/// How much output beyond the budget may wait where the link is read on all the same. Then it is
/// dropped, and left to a replay.
const UNPAUSED: usize = 16 << 20;

#[derive(Debug)]
pub(super) struct Process {
    pub(super) stage: Stage,
    inbox: Inbox,
    /// The server has said that nothing more will come. Lower numbers may still be on their way.
    closed: bool,
    /// It is being ended: its output must not hold up the request that does it.
    doomed: bool,
    /// Nobody takes anything from the inbox any more.
    abandoned: bool,
    waker: Option<Waker>,
}

#[derive(Debug, PartialEq)]
pub(super) enum Stage {
    /// The start is queued or not answered yet. Output may already come (§5).
    Starting,
    /// Another client has started it, and nobody here has taken it over yet.
    Unclaimed,
    Running,
    /// It goes on without this program.
    Detached,
    /// It has not started, or it is not known whether it has.
    Failed(StartError),
}

impl Process {
    pub(super) fn new(stage: Stage) -> Self {
        Self {
            stage,
            inbox: Inbox::default(),
            closed: false,
            doomed: false,
            abandoned: false,
            waker: None,
        }
    }

    pub(super) fn push(&mut self, input: Input, budget: usize, woken: &mut Vec<Waker>) {
        self.closed |= is_close(&input);
        if self.abandoned {
            return;
        }
        let full = budget.saturating_add(UNPAUSED);
        if self.inbox.bytes() > full && matches!(input, Input::Output(_)) {
            self.inbox.push(Input::Lagged { skipped: 1 });
        } else {
            self.inbox.push(input);
        }
        self.wake(woken);
    }

    /// Something about the process makes no sense. It is its own end only.
    pub(super) fn fail(&mut self, message: String, woken: &mut Vec<Waker>) {
        self.push(Input::Failed { message }, usize::MAX, woken);
    }

    pub(super) fn stdin_closed(&mut self, id: WriteId, woken: &mut Vec<Waker>) {
        let outcome = WriteOutcome::StdinClosed;
        self.push(Input::Written { id, outcome }, usize::MAX, woken);
    }

    pub(super) fn running(&mut self, link_up: Input, woken: &mut Vec<Waker>) {
        self.stage = Stage::Running;
        self.push(link_up, usize::MAX, woken);
    }

    pub(super) fn not_started(&mut self, error: StartError, woken: &mut Vec<Waker>) {
        self.stage = Stage::Failed(error);
        self.wake(woken);
    }

    pub(super) fn poll_started(&mut self, cx: &Context<'_>) -> Poll<Result<(), StartError>> {
        match &self.stage {
            Stage::Failed(error) => Poll::Ready(Err(error.clone())),
            Stage::Starting => {
                self.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(Ok(())),
        }
    }

    pub(super) fn poll_input(&mut self, cx: &Context<'_>, flow: Flow) -> Poll<Input> {
        if let Some(input) = self.inbox.pop(flow) {
            return Poll::Ready(input);
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Whether nothing more is to be read from the link until something is taken from here.
    ///
    /// While the process is starting, or not taken over yet, nobody can take anything, and the answer
    /// to the start may come behind a lot of output (§5).
    pub(super) fn holds_up(&self, budget: usize) -> bool {
        self.inbox.bytes() > budget && !self.doomed && self.stage == Stage::Running
    }

    pub(super) const fn doom(&mut self) {
        self.doomed = true;
    }

    /// Somebody else goes on with it: nothing is told about it here any more.
    pub(super) fn detach(&mut self, woken: &mut Vec<Waker>) {
        self.abandon();
        self.stage = Stage::Detached;
        let reason = "the process was detached, for another program to go on with it".into();
        self.inbox.push(Input::SessionLost { reason });
        self.inbox.push(Input::Ended);
        self.wake(woken);
    }

    pub(super) fn abandon(&mut self) {
        self.doomed = true;
        self.abandoned = true;
        self.inbox.clear();
    }

    pub(super) const fn is_doomed(&self) -> bool {
        self.doomed
    }

    pub(super) const fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    fn wake(&mut self, woken: &mut Vec<Waker>) {
        woken.extend(self.waker.take());
    }
}

const fn is_close(input: &Input) -> bool {
    match input {
        Input::Closed { .. } => true,
        Input::Replayed(page) => page.closed,
        _ => false,
    }
}
