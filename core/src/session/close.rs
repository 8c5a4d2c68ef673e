//! The close plan: timed steps that always come to an end.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Phase, Session};
use crate::{Action, Cause, Decode, Timestamp};

/// Where the close plan stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClosePlan {
    since: Timestamp,
    step: Step,
    until: Timestamp,
    /// The action of this step has been handed out.
    announced: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// Write what waits, then close stdin.
    CloseStdin,
    /// Ask the process to stop.
    Interrupt,
    /// End it.
    Terminate,
}

impl ClosePlan {
    /// The plan of a session that was put aside; its time starts with [`Session::wake`].
    pub(super) const fn resumed(step: Step) -> Self {
        let start = Timestamp::ORIGIN;
        Self { since: start, step, until: start, announced: false }
    }

    pub(super) const fn step(self) -> Step {
        self.step
    }

    pub(super) const fn until(&self) -> Timestamp {
        self.until
    }

    fn action(&mut self) -> Option<Action> {
        if self.announced {
            return None;
        }
        self.announced = true;
        match self.step {
            Step::CloseStdin => None,
            Step::Interrupt => Some(Action::Interrupt),
            Step::Terminate => Some(Action::Terminate),
        }
    }
}

impl<D: Decode> Session<D> {
    pub(super) fn start_close(&mut self) {
        if self.phase != Phase::Running || self.close_plan.is_some() {
            return;
        }
        self.begin(Step::CloseStdin, self.limits.close_stdin_wait);
    }

    pub(super) fn start_terminate(&mut self) {
        let terminating = self.close_plan.is_some_and(|plan| plan.step == Step::Terminate);
        if self.phase == Phase::Running && !terminating {
            self.begin(Step::Terminate, self.limits.close_terminate_wait);
        }
    }

    fn begin(&mut self, step: Step, wait: Duration) {
        self.outbox.finish();
        let until = self.now + wait;
        self.close_plan = Some(ClosePlan { since: self.now, step, until, announced: false });
        if !self.is_linked() {
            self.fail_unreachable();
        }
    }

    /// Begins the step of a restored plan anew: whether it was carried out is not known.
    pub(super) fn restart_step(&mut self) {
        let Some(plan) = self.close_plan else { return };
        let wait = match plan.step {
            Step::CloseStdin => self.limits.close_stdin_wait,
            Step::Interrupt => self.limits.close_interrupt_wait,
            Step::Terminate => self.limits.close_terminate_wait,
        };
        let (since, until) = (self.now, self.now + wait);
        self.close_plan = Some(ClosePlan { since, until, ..plan });
    }

    /// A local close never starts or awaits a reconnect.
    pub(super) fn fail_unreachable(&mut self) {
        let reason = "the link was down when the process was to be closed".into();
        self.fail(Cause::SessionLost { reason });
    }

    pub(super) fn close_action(&mut self) -> Option<Action> {
        self.skip_stdin_step();
        self.close_plan.as_mut()?.action()
    }

    /// Where stdin cannot be closed, the first step is over once everything is written.
    fn skip_stdin_step(&mut self) {
        let waits = self.capabilities.close_stdin || !self.outbox.is_idle();
        if let Some(plan) = self.close_plan.filter(|plan| plan.step == Step::CloseStdin && !waits) {
            self.next_step(plan);
        }
    }

    pub(super) fn tick_close(&mut self) {
        while self.phase == Phase::Running {
            let Some(plan) = self.close_plan.filter(|plan| self.now >= plan.until) else { return };
            self.next_step(plan);
        }
    }

    fn next_step(&mut self, plan: ClosePlan) {
        let (step, wait) = match plan.step {
            Step::CloseStdin if self.capabilities.interrupt => {
                (Step::Interrupt, self.limits.close_interrupt_wait)
            }
            Step::CloseStdin | Step::Interrupt => {
                (Step::Terminate, self.limits.close_terminate_wait)
            }
            Step::Terminate => {
                let waited = self.now.saturating_since(plan.since);
                return self.fail(Cause::CloseTimedOut { waited });
            }
        };
        let until = self.now + wait;
        self.close_plan = Some(ClosePlan { since: plan.since, step, until, announced: false });
    }
}
