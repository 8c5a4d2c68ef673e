//! The link, and how a session comes to its end.

use alloc::string::String;

use super::{Link, Phase, Session, inbox::Item};
use crate::{
    CallFailure, Cause, Decode, Delivery, Identity, WriteId, WriteOutcome, outbox::Answer,
};

impl<D: Decode> Session<D> {
    pub(super) fn written(&mut self, id: WriteId, outcome: WriteOutcome) {
        let over = self.phase != Phase::Running;
        match self.outbox.answered(self.now, id, outcome, &self.limits, over) {
            Answer::Stale => self.stats.stale_answers += 1,
            Answer::NotAccepted => {}
            Answer::Accepted { bytes } => {
                self.stats.writes += 1;
                self.stats.written_bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
            }
        }
    }

    pub(super) fn link_down(&mut self, reason: String) {
        let Link::Up { identity } = &mut self.link else { return };
        let identity = identity.take();
        self.link = Link::Down { identity, since: Some(self.now), reason };
        self.stats.link_losses += 1;
        self.replay.link_down();
        self.outbox.link_down();
        if self.phase == Phase::Running {
            // Nothing answers a close of stdin, so it may have been lost with the link.
            self.outbox.reopen_close();
        }
        if self.phase == Phase::Closed {
            // Nothing is written to a process that is over; its answer is lost with the link.
            self.outbox.end();
        } else if self.close_plan.is_some() {
            self.fail_unreachable();
        }
    }

    pub(super) fn link_up(&mut self, identity: Identity) {
        let (Link::Up { identity: known } | Link::Down { identity: known, .. }) = &mut self.link;
        if known.as_ref().is_some_and(|known| *known != identity) {
            let reason = "another executor answers in its place; it has forgotten the process";
            return self.fail(Cause::SessionLost { reason: reason.into() });
        }
        let returned = known.is_some();
        self.link = Link::Up { identity: Some(identity) };
        self.replay.link_up();
        if returned {
            self.replay.need();
        }
    }

    pub(super) fn ended(&mut self) {
        match self.phase {
            Phase::Running => self.fail(Cause::Incomplete),
            _ => self.outbox.end(),
        }
    }

    /// Calls that did not reach the process have no answer to wait for.
    pub(super) fn fail_undelivered(&mut self) {
        while let Some((send, delivery)) = self.outbox.next_failed() {
            let failure = match delivery {
                Delivery::Rejected(_) => CallFailure::Undelivered,
                _ => CallFailure::Unknown,
            };
            // In its place: what has been taken before may hold the answer.
            self.inbox.push(Item::Undelivered(send, failure));
        }
    }

    /// Ends the session behind what has been taken in order so far.
    pub(super) fn fail(&mut self, cause: Cause) {
        if self.phase != Phase::Running {
            return;
        }
        self.phase = Phase::Broken;
        self.sequencer.clear();
        self.outbox.end();
        self.finish(cause);
    }

    /// Puts the end behind what has been taken in order so far.
    pub(super) fn finish(&mut self, cause: Cause) {
        self.fail_undelivered();
        self.cause = Some(cause);
        self.inbox.push_end();
    }
}
