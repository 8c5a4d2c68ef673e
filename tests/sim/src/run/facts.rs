//! What truly happened to the session, and which ends it may therefore come to.

use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

use farpipe_core::{Input, JsonRpc, Page, Seq, Session};

use crate::{Setup, SimExecutor, Violation, violation::ensure};

/// What the session was told, and what excuses an end other than the close.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Numbers that were handed over before the session gave them up.
    arrived: BTreeSet<Seq>,
    crossings: Vec<Crossing>,
    cursor: Seq,
    /// When the cursor moved last.
    moved_at: Duration,
    /// How many pages had been taken before this one, and what is in it.
    page: Option<(u64, Vec<Seq>)>,
    lost: u64,
    told_lost: Seq,
    pub(super) link_losses: u64,
    excuses: BTreeSet<&'static str>,
    /// Time that has passed, over all lives.
    clock: Duration,
    exited_at: Option<Duration>,
    requested_at: Option<Duration>,
    down_since: Option<Duration>,
    /// Something was dropped by the session itself, to be asked for again.
    shed: bool,
    exit_arrived: bool,
}

/// The moment in which holes were given up.
#[derive(Clone, Copy, Debug)]
struct Crossing {
    /// Where the cursor stood afterwards.
    cursor: Seq,
    /// Up to where output was no longer retained.
    evicted: Seq,
    /// How long the cursor had stood still.
    waited: Duration,
}

impl Facts {
    fn crossing_of(&self, missing: &RangeInclusive<Seq>) -> Option<Crossing> {
        self.crossings.iter().find(|crossing| crossing.cursor >= *missing.end()).copied()
    }

    pub(super) fn excuse(&mut self, cause: &'static str) {
        self.excuses.insert(cause);
    }

    pub(super) fn excuses(&self) -> &BTreeSet<&'static str> {
        &self.excuses
    }

    /// Whether the application asked for the end before it was there.
    pub(super) const fn is_requested(&self) -> bool {
        self.requested_at.is_some()
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.clock += time;
    }

    pub(super) fn before(&mut self, session: &Session<JsonRpc>, input: &Input) {
        if session.is_ending() {
            return;
        }
        self.cursor = cursor(session);
        match input {
            Input::Output(chunk) => self.arrives(chunk.seq),
            Input::Exited { seq, .. } => {
                self.exit_arrived = true;
                self.arrives(*seq);
            }
            Input::Closed { seq } => self.arrives(*seq),
            Input::Replayed(Page { chunks, .. }) => {
                self.page =
                    Some((session.stats().pages, chunks.iter().map(|chunk| chunk.seq).collect()));
            }
            Input::LinkDown { .. } => {
                self.link_losses += 1;
                self.down_since = Some(self.clock);
            }
            Input::LinkUp { .. } => self.down_since = None,
            _ => {}
        }
    }

    fn arrives(&mut self, seq: Seq) {
        if seq > self.cursor {
            self.arrived.insert(seq);
        }
    }

    pub(super) fn after(
        &mut self,
        session: &Session<JsonRpc>,
        executor: &SimExecutor,
        now: Duration,
    ) -> Result<(), Violation> {
        let (cursor, stats) = (cursor(session), session.stats());
        // A page that answers an older request is not taken.
        if let Some((_, seqs)) = self.page.take().filter(|(pages, _)| stats.pages > *pages) {
            for seq in seqs {
                self.arrives(seq);
            }
        }
        ensure!(cursor >= self.cursor, "the cursor goes back to {cursor} at {now:?}");
        if stats.lost > self.lost {
            let waited = self.clock.saturating_sub(self.moved_at);
            self.crossings.push(Crossing { cursor, evicted: executor.evicted(), waited });
        }
        if cursor > self.cursor {
            self.moved_at = self.clock;
        }
        self.lost = stats.lost;
        self.shed |= stats.shed > 0;
        if executor.exit_seq().is_some() {
            self.exited_at.get_or_insert(self.clock);
        }
        self.note_waits(session);
        if !session.is_ending() && !self.shed {
            let next = cursor + 1;
            ensure!(!self.arrived.contains(&next), "{next} has arrived and is not taken");
        }
        Ok(())
    }

    fn note_waits(&mut self, session: &Session<JsonRpc>) {
        let limits = session.limits();
        let since =
            |at: Option<Duration>| at.map_or(Duration::ZERO, |at| self.clock.saturating_sub(at));
        let over = [
            ("session_lost", self.down_since, limits.link_down),
            ("output_held_open", self.exited_at, limits.exit_idle),
            ("close_timed_out", self.requested_at, limits.close_terminate_wait),
        ];
        let over =
            over.map(|(cause, at, limit)| (at.is_some() && since(at) >= limit).then_some(cause));
        self.excuses.extend(over.into_iter().flatten());
        if session.stats().replay_failures > u64::from(limits.replay_retries) {
            self.excuse("replay_failed");
        }
    }

    /// A loss is told once, in order, and only of what could not be had.
    pub(super) fn lost(
        &mut self,
        missing: &RangeInclusive<Seq>,
        setup: &Setup,
        executor: &SimExecutor,
        session: &Session<JsonRpc>,
    ) -> Result<(), Violation> {
        ensure!(!missing.is_empty(), "a loss of nothing: {missing:?}");
        ensure!(*missing.start() > self.told_lost, "{missing:?} overlaps with {}", self.told_lost);
        self.told_lost = *missing.end();
        let arrived = self.arrived.range(missing.clone()).next();
        ensure!(self.shed || arrived.is_none(), "{missing:?} is lost, but {arrived:?} had arrived");
        if setup.replay {
            return self.unavailable(missing, executor);
        }
        let promised = setup.lossless && self.link_losses == 0 && setup.written_before.is_none();
        let crossing = self.crossing_of(missing);
        let patient = crossing.is_some_and(|at| at.waited >= session.limits().lossless_grace);
        ensure!(!promised || patient, "{missing:?} is lost, and could still come: {crossing:?}");
        Ok(())
    }

    /// Only what is evicted is lost, and with it the exit, which a page cannot tell apart. When
    /// something was shed, the last page may not tell whether the exit is what is missing.
    fn unavailable(
        &self,
        missing: &RangeInclusive<Seq>,
        executor: &SimExecutor,
    ) -> Result<(), Violation> {
        let evicted = self.crossing_of(missing).map_or(0, |at| at.evicted);
        let exit = executor.exit_seq();
        let retained = missing.clone().find(|&seq| seq > evicted && Some(seq) != exit);
        ensure!(
            retained.is_none(),
            "{missing:?} is lost, but {retained:?} was retained: only {evicted} and below was not"
        );
        let only_exit = missing.clone().all(|seq| Some(seq) == exit);
        let excused = evicted > 0 || self.shed && !self.exit_arrived;
        ensure!(!only_exit || excused, "the exit {exit:?} was known, and is lost");
        Ok(())
    }

    pub(super) fn close(&mut self, session: &Session<JsonRpc>) {
        if !session.is_ending() {
            self.requested_at.get_or_insert(self.clock);
        }
    }

    /// A close that cannot reach the executor ends the session.
    pub(super) fn closing(&mut self, executor: &SimExecutor) {
        if self.is_requested() && !executor.is_linked() {
            self.excuse("session_lost");
        }
    }

    /// Times begin anew, and what came too early is forgotten.
    pub(super) fn restored(&mut self, session: &Session<JsonRpc>) {
        self.cursor = cursor(session);
        self.arrived.split_off(&(self.cursor + 1));
        self.link_losses += 1;
        self.down_since = Some(self.clock);
    }
}

/// The last number that was taken or given up.
pub(super) fn cursor(session: &Session<JsonRpc>) -> Seq {
    session.stats().events + session.stats().lost
}
