//! What time does to a session.

use alloc::format;

use super::{Link, Phase, Session};
use crate::{Cause, Decode, Limits, Timeout, TimeoutReason, Timestamp};

/// How long the output has stayed open after the exit.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExitWait {
    since: Timestamp,
    last_output: Timestamp,
    /// Output could not come through lately, so its absence says nothing.
    stalled: bool,
}

impl ExitWait {
    pub(super) const fn starting(now: Timestamp) -> Self {
        Self { since: now, last_output: now, stalled: false }
    }

    /// Begins once output can come through.
    pub(super) const fn resumed() -> Self {
        let start = Timestamp::ORIGIN;
        Self { since: start, last_output: start, stalled: true }
    }

    pub(super) fn saw_output(&mut self, now: Timestamp) {
        self.last_output = now;
    }

    /// The earlier of the two limits, by name.
    fn deadline(self, limits: &Limits) -> (Timestamp, &'static str) {
        let idle = self.last_output + limits.exit_idle;
        let linger = self.since + limits.exit_linger;
        if idle <= linger { (idle, "exit_idle") } else { (linger, "exit_linger") }
    }
}

impl<D: Decode> Session<D> {
    /// When to call [`handle`](Self::handle) with [`Input::Tick`](crate::Input::Tick) at the latest.
    ///
    /// May change after every other call. Once the moment has been handled, it is later or `None`.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Timeout> {
        if self.phase != Phase::Running {
            return None;
        }
        let answered_by_tick = [self.link_timeout(), self.exit_timeout(), self.close_timeout()];
        answered_by_tick
            .into_iter()
            .chain(self.action_timeouts())
            .flatten()
            .min_by_key(|timeout| timeout.at)
    }

    /// Timers that make `poll_action` yield something. Once they are due they have done their part,
    /// even while something else still holds the action back.
    fn action_timeouts(&self) -> [Option<Timeout>; 2] {
        if !self.is_linked() {
            return [None, None];
        }
        [self.replay.timeout(&self.limits, &self.capabilities), self.outbox.timeout()]
            .map(|timeout| timeout.filter(|timeout| timeout.at > self.now))
    }

    fn link_timeout(&self) -> Option<Timeout> {
        let Link::Down { since, .. } = self.link else { return None };
        // Before the first moment of a restored session: at once.
        let at = since.map_or(Timestamp::ORIGIN, |since| since + self.limits.link_down);
        Some(Timeout { at, reason: TimeoutReason::LinkUp })
    }

    fn exit_timeout(&self) -> Option<Timeout> {
        let wait = self.exit_wait.filter(|_| !self.output_is_stalled())?;
        let (at, _) = wait.deadline(&self.limits);
        Some(Timeout { at, reason: TimeoutReason::CloseAfterExit })
    }

    fn close_timeout(&self) -> Option<Timeout> {
        let plan = self.close_plan.as_ref()?;
        Some(Timeout { at: plan.until(), reason: TimeoutReason::ClosePlan })
    }

    /// Whether output may be on its way that cannot come through now.
    fn output_is_stalled(&self) -> bool {
        let fetching = self.capabilities.replay && self.replay.is_busy();
        fetching || !self.wants_input() || !self.is_linked() || self.sequencer.gap().is_some()
    }

    /// The first moment after a restore: every wait begins here, because a checkpoint has no times.
    pub(super) fn wake(&mut self) {
        if let Link::Down { since: since @ None, .. } = &mut self.link {
            *since = Some(self.now);
            self.restart_step();
        }
    }

    /// Lets the time that has come take effect after every input.
    pub(super) fn after_input(&mut self) {
        self.fail_undelivered();
        if self.phase != Phase::Running {
            return;
        }
        self.tick_replay();
        self.tick_link();
        self.tick_exit();
        self.tick_close();
    }

    fn tick_link(&mut self) {
        let Link::Down { since: Some(since), reason: down, .. } = &self.link else { return };
        let waited = self.now.saturating_since(*since);
        if waited >= self.limits.link_down {
            let reason = format!("the link stayed down for {waited:?} (`link_down`): {down}");
            self.fail(Cause::SessionLost { reason });
        }
    }

    fn tick_exit(&mut self) {
        let stalled = self.output_is_stalled();
        let Some(wait) = &mut self.exit_wait else { return };
        if stalled {
            wait.stalled = true;
            return;
        }
        if core::mem::take(&mut wait.stalled) {
            *wait = ExitWait::starting(self.now);
        }
        let (deadline, limit) = wait.deadline(&self.limits);
        if self.now >= deadline {
            let waited = self.now.saturating_since(wait.since);
            self.fail(Cause::OutputHeldOpen { waited, limit });
        }
    }
}
