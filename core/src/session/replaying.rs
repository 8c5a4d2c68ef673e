//! From replay pages to ordered items and holes.

use alloc::string::String;

use super::{Link, Phase, Session};
use crate::{
    Action, Cause, Decode, Exit, Page, ReplayId, Seq, Violation,
    replay::{Behind, Failure, Run},
};

impl<D: Decode> Session<D> {
    pub(super) fn lagged(&mut self, skipped: u64) {
        self.stats.lagged = self.stats.lagged.saturating_add(skipped);
        self.replay.need();
    }

    pub(super) fn behind(&self) -> Behind {
        Behind {
            cursor: self.sequencer.cursor(),
            gap: self.sequencer.gap().is_some(),
            held_events: self.sequencer.held_events(),
            held_bytes: self.sequencer.held_bytes(),
        }
    }

    pub(super) fn replay_action(&mut self) -> Option<Action> {
        if !self.capabilities.replay || !self.wants_input() {
            return None;
        }
        let behind = self.behind();
        let action = self.replay.request(self.now, behind, &self.limits, &self.capabilities)?;
        self.stats.replays += 1;
        Some(action)
    }

    pub(super) fn replayed(&mut self, page: Page) {
        let Some(after) = self.replay.answered(page.request) else {
            self.stats.stale_answers += 1;
            return;
        };
        self.stats.pages += 1;
        if page.next <= after && page.failure.is_none() {
            return self.violated(Violation::PageBehind { after, next: page.next });
        }
        let last = page.chunks.iter().map(|chunk| chunk.seq).max().filter(|&last| last > after);
        if let Some(chunk) = last.filter(|&last| last >= page.next) {
            return self.violated(Violation::PageBeyondNext { chunk, next: page.next });
        }
        for chunk in page.chunks {
            self.output(chunk);
        }
        self.restate_ends();
        match last {
            Some(last) => self.continue_run(last, page.exit),
            // A failure is not numbered: it closes nothing and leaves no gap.
            None => self.complete_run(page.next, page.exit, page.closed && page.failure.is_none()),
        }
        if let Some(message) = page.failure {
            self.fail(Cause::Failed { message });
        }
    }

    /// The page brought something: what is missing below it is gone, unless one of the missing
    /// numbers may be the exit. Only the last page can tell that.
    fn continue_run(&mut self, last: Seq, exit: Option<Exit>) {
        let Some(run) = self.replay.reached(last) else { return };
        let exit_is_missing = exit.is_some() && self.exited_at.is_none();
        if !exit_is_missing {
            self.lose_up_to(known_up_to(run, last));
        }
        let behind = self.behind();
        if self.capabilities.lossless && !behind.gap && self.replay.has_met_live(behind.cursor) {
            // The pages have met the live events, and those are complete.
            self.replay.finish_run();
        }
    }

    /// The page brought nothing new: every number below `next` is accounted for.
    fn complete_run(&mut self, next: Seq, exit: Option<Exit>, closed: bool) {
        let last = next.saturating_sub(1);
        if closed {
            // The close has no number in a page; it is always the last one.
            self.closed(last);
        }
        let Some(run) = self.replay.reached(last) else { return };
        self.place_exit(known_up_to(run, last), exit, run.shed.is_some());
        // The exit and the close may themselves have been shed just now.
        let run = self.replay.reached(last).unwrap_or(run);
        self.replay.finish_run();
        let upto = known_up_to(run, last);
        self.exit_lost |= self.exit.is_some()
            && self.exited_at.is_none()
            && self.sequencer.missing_up_to(upto) > 0;
        self.lose_up_to(upto);
    }

    /// The exit has no number in a page: if it was not seen and exactly one number is missing,
    /// that one is the exit. With several, no one can tell which, and all count as lost; so does any
    /// that is missing later, because the exit may be among those.
    fn place_exit(&mut self, upto: Seq, exit: Option<Exit>, shed: bool) {
        let Some(exit) = exit else { return };
        if self.exited_at.is_some() || self.phase != Phase::Running {
            return;
        }
        if self.sequencer.missing_up_to(upto) == 1 && !shed && !self.exit_lost {
            let seq = self.sequencer.first_missing();
            self.exited(seq, exit);
        } else {
            self.note_exit(exit);
        }
    }

    pub(super) fn replay_failed(&mut self, request: ReplayId, message: String, retryable: bool) {
        let Some(failure) = self.replay.failed(self.now, request, retryable, &self.limits) else {
            self.stats.stale_answers += 1;
            return;
        };
        self.stats.replay_failures += 1;
        if let Failure::Final { attempts } = failure {
            self.fail(Cause::ReplayFailed { attempts, message });
        }
    }

    /// Lets time pass for gaps and replays.
    pub(super) fn tick_replay(&mut self) {
        let behind = self.behind();
        self.replay.observe(self.now, behind);
        if let Some(request) = self.replay.overdue(self.now) {
            let message = "no answer within `replay_timeout`".into();
            self.replay_failed(request, message, true);
        }
        if !self.capabilities.replay && self.is_linked() {
            self.give_up_late_gap();
        }
    }

    /// Without replays, what does not come in time is lost.
    fn give_up_late_gap(&mut self) {
        let behind = self.behind();
        let due = self.replay.gap_is_due(self.now, behind, &self.limits, &self.capabilities);
        let Some(gap) = self.sequencer.gap().filter(|_| due) else { return };
        self.replay.give_up_gap();
        self.lose_up_to(*gap.end());
        self.replay.observe(self.now, self.behind());
    }

    pub(super) const fn is_linked(&self) -> bool {
        matches!(self.link, Link::Up { .. })
    }
}

/// Nothing at or above a shed number is known to be missing: it may just have been dropped here.
fn known_up_to(run: Run, position: Seq) -> Seq {
    run.shed.map_or(position, |shed| position.min(shed.saturating_sub(1)))
}
