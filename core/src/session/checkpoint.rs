//! Putting a session aside, and going on with it.

use alloc::vec::Vec;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    Link, Phase, Session,
    close::{ClosePlan, Step},
    inbox::{Inbox, Item},
    order::Payload,
    timers::ExitWait,
};
use crate::{
    Batch, Calls, Capabilities, Checkpoint, Decode, Exit, Identity, LineFramer, RestoreError, Seq,
    Settings, Stats, StderrLines,
    calls::SavedCalls,
    checkpoint::{MAX_COUNT, SavedCause, counters, is_default},
    framer::SavedFramer,
    json_bytes,
    outbox::{Outbox, SavedOutbox},
    replay::Replay,
    sequencer::{Place, Sequencer},
    stderr::SavedStderr,
};

/// All that a session is made of, without times, without what came too early, and without what the
/// caller brings again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct State {
    #[serde(skip_serializing_if = "is_default")]
    identity: Option<Identity>,
    cursor: Seq,
    #[serde(skip_serializing_if = "is_default")]
    exited_at: Option<Seq>,
    #[serde(skip_serializing_if = "is_default")]
    closed_at: Option<Seq>,
    #[serde(skip_serializing_if = "is_default")]
    exit: Option<Exit>,
    #[serde(skip_serializing_if = "is_default")]
    exit_lost: bool,
    #[serde(skip_serializing_if = "is_default")]
    cause: Option<SavedCause>,
    phase: Phase,
    #[serde(skip_serializing_if = "is_default")]
    closing: Option<Step>,
    next_replay: u64,

    #[serde(skip_serializing_if = "is_default")]
    inbox: Vec<Item>,
    #[serde(skip_serializing_if = "is_default")]
    staged: Option<Item>,
    #[serde(skip_serializing_if = "is_default")]
    ended: bool,
    #[serde(skip_serializing_if = "is_default")]
    stdout: SavedFramer,
    #[serde(skip_serializing_if = "is_default")]
    stderr: SavedStderr,
    #[serde(skip_serializing_if = "is_default", with = "json_bytes")]
    stderr_tail: Bytes,
    #[serde(skip_serializing_if = "is_default")]
    batch: Option<Line>,
    #[serde(skip_serializing_if = "is_default")]
    salvaged: Option<Line>,

    #[serde(skip_serializing_if = "is_default")]
    calls: SavedCalls,
    #[serde(skip_serializing_if = "is_default")]
    pending_failed: usize,
    outbox: SavedOutbox,
    #[serde(with = "counters")]
    stats: Stats,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Line(#[serde(with = "json_bytes")] Bytes);

impl State {
    pub(crate) const fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    fn check(&self) -> Result<(), RestoreError> {
        if self.cause.is_some() == (self.phase == Phase::Running) {
            return Err(RestoreError::corrupt(
                "a cause of the end without an end, or an end without",
            ));
        }
        if self.next_replay > MAX_COUNT || self.pending_failed > usize::MAX / 2 {
            return Err(RestoreError::corrupt("a counter is out of range"));
        }
        Ok(())
    }
}

impl<D: Decode> Session<D> {
    /// Puts the session aside: everything that another process needs to go on with it.
    ///
    /// Store the checkpoint together with what the application has made of the events, in one
    /// atomic step, and carry out an action only when a checkpoint that was taken after its
    /// [`poll_action`](Self::poll_action) has been stored. Then no message and no write is lost or
    /// repeated, whenever the process dies.
    ///
    /// Times are not kept, because another process counts them from another origin. Nor are events
    /// that arrived before an earlier one: they are asked for again.
    pub fn checkpoint(&self) -> Checkpoint {
        let (Link::Up { identity } | Link::Down { identity, .. }) = &self.link;
        Checkpoint::new(State {
            identity: identity.clone(),
            cursor: self.sequencer.cursor(),
            exited_at: self.exited_at,
            closed_at: self.closed_at,
            exit: self.exit,
            exit_lost: self.exit_lost,
            cause: self.cause.clone().map(SavedCause),
            phase: self.phase,
            closing: self.close_plan.map(ClosePlan::step),
            next_replay: self.replay.next_request(),
            inbox: self.inbox.save(),
            staged: self.staged.clone(),
            ended: self.inbox.is_ended(),
            stdout: self.stdout.save(),
            stderr: self.stderr.save(),
            stderr_tail: self.stderr_tail.to_bytes(),
            batch: self.batch.as_ref().map(|batch| Line(batch.rest().clone())),
            salvaged: self.salvaged.clone().map(Line),
            calls: self.calls.save(),
            pending_failed: self.pending_failed,
            outbox: self.outbox.save(),
            stats: *self.stats,
        })
    }

    /// Goes on with a session that was put aside.
    ///
    /// It continues as if the link had been lost: nothing is asked of the executor before
    /// [`Input::LinkUp`](crate::Input::LinkUp), whose identity must be the one of the
    /// [checkpoint](Checkpoint::identity), and [`Limits::link_down`](crate::Limits::link_down) runs
    /// from the first [`handle`](Self::handle). Then missing output is asked for, and what was handed
    /// out without an answer is handed out again: the write in flight under its old id (where the
    /// executor does not deduplicate, its messages become
    /// [`Delivery::Unknown`](crate::Delivery::Unknown) at once), the close of stdin, a termination.
    /// A close that was under way goes on with the step it had reached, whose time starts anew; one
    /// that begins before the link is up ends the session.
    ///
    /// `decode`, `capabilities` and `settings` are not in the checkpoint and should be what they
    /// were. Without [`Capabilities::replay`] the output of the time in between is lost.
    ///
    /// # Errors
    ///
    /// See [`RestoreError`]; the checkpoint can be restored again.
    pub fn restore(
        decode: D,
        capabilities: Capabilities,
        settings: impl Into<Settings>,
        checkpoint: Checkpoint,
    ) -> Result<Self, RestoreError> {
        let mut session =
            Self::new(decode, capabilities, settings).map_err(RestoreError::InvalidLimits)?;
        session.apply(checkpoint.into_state())?;
        Ok(session)
    }

    fn apply(&mut self, state: State) -> Result<(), RestoreError> {
        state.check()?;
        let limits = &self.limits;
        self.stdout = LineFramer::restore(state.stdout, limits.max_line, limits.line_window)?;
        self.stderr = StderrLines::restore(state.stderr, limits.stderr_line)?;
        self.outbox = Outbox::restore(state.outbox, self.capabilities.write_deduplication)?;
        self.sequencer =
            Sequencer::resume(state.cursor, limits.reorder_events, limits.reorder_bytes);
        self.replay = Replay::resume(state.next_replay, self.capabilities.replay);
        let end_pushed = state.cause.is_some();
        self.inbox = Inbox::restore(state.inbox, limits.inbox_bytes, end_pushed, state.ended);
        self.stderr_tail.push(&state.stderr_tail);
        self.calls = Calls::restore(state.calls);
        self.batch = state.batch.map(|Line(rest)| Batch::resume(rest));
        self.salvaged = state.salvaged.map(|Line(line)| line);
        self.staged = state.staged;
        self.exited_at = state.exited_at;
        self.closed_at = state.closed_at;
        self.exit = state.exit;
        self.exit_lost = state.exit_lost;
        self.cause = state.cause.map(|SavedCause(cause)| cause);
        self.phase = state.phase;
        self.pending_failed = state.pending_failed;
        *self.stats = state.stats;
        self.link = Link::Down {
            identity: state.identity,
            since: None,
            reason: "a checkpoint was restored".into(),
        };
        self.exit_wait = state.exit.map(|_| ExitWait::resumed());
        self.close_plan = state.closing.map(ClosePlan::resumed);
        self.resume();
        Ok(())
    }

    /// What follows from the fact that the process that was asked may have died before it acted.
    fn resume(&mut self) {
        match self.phase {
            Phase::Running => {
                self.outbox.link_down();
                self.outbox.reopen_close();
                self.fail_undelivered();
                self.restate_ends();
            }
            Phase::Terminated => self.phase = Phase::Broken,
            Phase::Closed | Phase::Broken => {}
        }
    }

    /// The numbers of the exit and of the close stay known when the events themselves had to be
    /// dropped: no replay brings them back.
    pub(super) fn restate_ends(&mut self) {
        if let (Some(seq), Some(exit)) = (self.exited_at, self.exit) {
            self.restate(seq, Payload::Exited(exit));
        }
        if let Some(seq) = self.closed_at {
            self.restate(seq, Payload::Closed);
        }
    }

    fn restate(&mut self, seq: Seq, payload: Payload) {
        if self.phase == Phase::Running && self.sequencer.place(seq) != Place::Seen {
            self.event(seq, payload);
        }
    }
}
