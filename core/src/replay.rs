//! When to ask for missing output, and how far the answers have come.

use core::time::Duration;

use crate::{Action, Capabilities, Limits, ReplayId, Seq, Timeout, TimeoutReason, Timestamp};

/// Decides when a replay is asked for.
///
/// A need is a *level*: it stays until a run of pages has met it, so that nothing that happens in
/// between can forget it.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// Ask at once: lag, link up, start-up, or events shed over a budget.
    needed: bool,
    /// The cursor that a gap has kept in place, and since when.
    gap: Option<(Seq, Timestamp)>,
    /// A run of pages in progress.
    run: Option<Run>,
    /// The lowest number that came live since the last need for pages from before.
    live_from: Option<Seq>,
    /// Something was shed that no run has brought back.
    shed: bool,
    outstanding: Option<Outstanding>,
    failures: u32,
    retry_at: Option<Timestamp>,
    next_request: u64,
}

/// A run of pages from the cursor to the live end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Everything retained up to here has been delivered by the pages of this run.
    pub(crate) position: Seq,
    /// The lowest number shed during the run; what lies above it is not known to be missing.
    pub(crate) shed: Option<Seq>,
    /// Something was shed before the run; it has to go all the way to bring it back.
    after_shed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Outstanding {
    request: ReplayId,
    after: Seq,
    deadline: Timestamp,
}

/// What the session knows when it decides whether a gap is worth a replay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Behind {
    pub(crate) cursor: Seq,
    pub(crate) gap: bool,
    pub(crate) held_events: usize,
    pub(crate) held_bytes: usize,
}

impl Replay {
    /// Asks at once where that is possible, and goes on with the numbers of the requests.
    pub(crate) fn resume(next_request: u64, needed: bool) -> Self {
        Self { needed, next_request, ..Self::default() }
    }

    pub(crate) const fn next_request(&self) -> u64 {
        self.next_request
    }

    /// A replay is needed whatever the gap looks like.
    pub(crate) const fn need(&mut self) {
        self.needed = true;
        self.live_from = None;
    }

    /// An event came live, and not from a page.
    pub(crate) fn saw_live(&mut self, seq: Seq) {
        self.live_from = Some(self.live_from.map_or(seq, |first| first.min(seq)));
    }

    /// Whether everything up to `cursor` reaches into what has come live since the last need, and
    /// was kept. What came before a loss of the link says nothing about what came during it.
    pub(crate) fn has_met_live(&self, cursor: Seq) -> bool {
        let kept = self.run.is_none_or(|run| run.shed.is_none() && !run.after_shed);
        kept && self.live_from.is_some_and(|first| first <= cursor)
    }

    /// Events were dropped over a budget; they have to come again.
    pub(crate) fn need_shed(&mut self, lowest: Seq) {
        self.needed = true;
        self.shed = true;
        if let Some(run) = &mut self.run {
            run.shed = Some(run.shed.map_or(lowest, |shed| shed.min(lowest)));
        }
    }

    /// Takes note of where the stream stands after an input.
    pub(crate) fn observe(&mut self, now: Timestamp, behind: Behind) {
        self.gap = match self.gap {
            _ if !behind.gap => None,
            Some((cursor, since)) if cursor == behind.cursor => Some((cursor, since)),
            _ => Some((behind.cursor, now)),
        };
    }

    /// Whether a gap has lasted too long, or holds back too much.
    pub(crate) fn gap_is_due(
        &self,
        now: Timestamp,
        behind: Behind,
        limits: &Limits,
        capabilities: &Capabilities,
    ) -> bool {
        let Some(deadline) = self.gap_deadline(limits, capabilities) else { return false };
        self.needed || now >= deadline || holds_back_too_much(behind, limits, capabilities)
    }

    /// The next request, if one is due. `None` while another is outstanding.
    pub(crate) fn request(
        &mut self,
        now: Timestamp,
        behind: Behind,
        limits: &Limits,
        capabilities: &Capabilities,
    ) -> Option<Action> {
        if self.outstanding.is_some() || self.retry_at.is_some_and(|at| now < at) {
            return None;
        }
        let due = self.needed || self.gap_is_due(now, behind, limits, capabilities);
        if self.run.is_none() && !due {
            return None;
        }
        Some(self.start_request(now, behind.cursor, limits))
    }

    fn start_request(&mut self, now: Timestamp, cursor: Seq, limits: &Limits) -> Action {
        let run = self.run.get_or_insert_with(|| {
            // What arises from here on needs a run of its own.
            self.needed = false;
            let after_shed = core::mem::take(&mut self.shed);
            Run { position: cursor, shed: None, after_shed }
        });
        let after = run.position.max(cursor);
        let request = ReplayId(self.next_request);
        self.next_request += 1;
        self.retry_at = None;
        self.outstanding =
            Some(Outstanding { request, after, deadline: now + limits.replay_timeout });
        Action::Replay { request, after, max_bytes: limits.replay_page }
    }

    /// Takes the answer to the outstanding request: the number it was asked to start after.
    ///
    /// `None` if the answer belongs to an older request.
    pub(crate) fn answered(&mut self, request: ReplayId) -> Option<Seq> {
        let outstanding = self.outstanding.filter(|outstanding| outstanding.request == request)?;
        self.outstanding = None;
        self.failures = 0;
        Some(outstanding.after)
    }

    /// The pages of this run now reach up to `position`.
    pub(crate) fn reached(&mut self, position: Seq) -> Option<Run> {
        let run = self.run.as_mut()?;
        run.position = run.position.max(position);
        Some(*run)
    }

    /// The run is over: everything retained has been seen.
    pub(crate) fn finish_run(&mut self) {
        self.run = None;
    }

    /// The gap will not be filled; a later one starts anew.
    pub(crate) const fn give_up_gap(&mut self) {
        self.needed = false;
        self.gap = None;
    }

    /// Notes a failure and tells what follows; `None` if it belongs to an older request.
    pub(crate) fn failed(
        &mut self,
        now: Timestamp,
        request: ReplayId,
        retryable: bool,
        limits: &Limits,
    ) -> Option<Failure> {
        self.outstanding.take_if(|outstanding| outstanding.request == request)?;
        self.failures += 1;
        if !retryable || self.failures > limits.replay_retries {
            return Some(Failure::Final { attempts: self.failures });
        }
        self.retry_at = Some(now + backoff(limits.replay_backoff, self.failures));
        // The run is taken up again from the same position.
        Some(Failure::Retried)
    }

    /// The request whose answer is overdue.
    pub(crate) fn overdue(&self, now: Timestamp) -> Option<ReplayId> {
        self.outstanding
            .filter(|outstanding| now >= outstanding.deadline)
            .map(|outstanding| outstanding.request)
    }

    /// The link is gone: whatever was asked will not be answered, and has to be asked again from
    /// the cursor.
    pub(crate) fn link_down(&mut self) {
        self.outstanding = None;
        self.run = None;
        self.retry_at = None;
        self.need();
    }

    /// What came before was not live.
    pub(crate) const fn link_up(&mut self) {
        self.live_from = None;
    }

    /// Whether missing output is still being fetched.
    pub(crate) const fn is_busy(&self) -> bool {
        self.needed || self.run.is_some()
    }

    /// When to look again.
    pub(crate) fn timeout(&self, limits: &Limits, capabilities: &Capabilities) -> Option<Timeout> {
        if let Some(outstanding) = self.outstanding {
            return Some(Timeout { at: outstanding.deadline, reason: TimeoutReason::ReplayAnswer });
        }
        if let Some(at) = self.retry_at {
            return Some(Timeout { at, reason: TimeoutReason::ReplayRetry });
        }
        let at = self.gap_deadline(limits, capabilities)?;
        Some(Timeout { at, reason: TimeoutReason::Gap })
    }

    /// When the gap has lasted too long.
    fn gap_deadline(&self, limits: &Limits, capabilities: &Capabilities) -> Option<Timestamp> {
        let (_, since) = self.gap?;
        let grace = if capabilities.lossless { limits.lossless_grace } else { limits.replay_grace };
        Some(since + grace)
    }
}

/// What follows from a failed replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It is asked for again after a pause.
    Retried,
    /// It was the last attempt.
    Final { attempts: u32 },
}

/// On a lossless link a busy process runs far ahead of a late event, and nothing is at risk.
fn holds_back_too_much(behind: Behind, limits: &Limits, capabilities: &Capabilities) -> bool {
    if capabilities.lossless {
        return false;
    }
    let at_risk = capabilities.retention.is_some_and(|retention| {
        exceeds_share(behind.held_bytes, retention.bytes, limits.retention_share)
            || exceeds_share(behind.held_events, retention.events, limits.retention_share)
    });
    at_risk || behind.held_events > limits.replay_grace_events
}

fn exceeds_share(part: usize, whole: usize, percent: u8) -> bool {
    part.saturating_mul(100) > whole.saturating_mul(usize::from(percent))
}

/// `base`, doubled with every attempt, up to 32 times as much.
pub(crate) fn backoff(base: Duration, attempt: u32) -> Duration {
    base.saturating_mul(1 << attempt.saturating_sub(1).min(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAR: Capabilities = Capabilities {
        lossless: false,
        from_start: true,
        replay: true,
        retention: None,
        close_stdin: false,
        interrupt: false,
        write_deduplication: true,
    };

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_origin(Duration::from_millis(millis))
    }

    fn behind(cursor: Seq, held_events: usize) -> Behind {
        Behind { cursor, gap: held_events > 0, held_events, held_bytes: held_events * 100 }
    }

    #[test]
    fn a_gap_waits_for_its_grace_and_asks_after_the_cursor() {
        let (mut replay, limits) = (Replay::default(), Limits::default());
        replay.observe(at(0), behind(7, 1));
        assert_eq!(replay.request(at(99), behind(7, 1), &limits, &FAR), None);
        assert_eq!(replay.timeout(&limits, &FAR).map(|timeout| timeout.at), Some(at(100)));
        let action = replay.request(at(100), behind(7, 1), &limits, &FAR);
        assert!(matches!(action, Some(Action::Replay { after: 7, .. })));
        assert_eq!(replay.request(at(100), behind(7, 1), &limits, &FAR), None, "one at a time");
    }

    #[test]
    fn a_gap_that_moves_on_starts_a_new_grace() {
        let (mut replay, limits) = (Replay::default(), Limits::default());
        replay.observe(at(0), behind(7, 1));
        replay.observe(at(90), behind(8, 1));
        assert_eq!(replay.request(at(150), behind(8, 1), &limits, &FAR), None);
        replay.observe(at(160), behind(9, 0));
        assert_eq!(replay.timeout(&limits, &FAR), None);
    }

    #[test]
    fn many_later_events_end_the_grace() {
        let (mut replay, limits) = (Replay::default(), Limits::default());
        replay.observe(at(0), behind(7, 64));
        assert!(replay.request(at(1), behind(7, 64), &limits, &FAR).is_none());
        assert!(replay.request(at(1), behind(7, 65), &limits, &FAR).is_some());
    }

    #[test]
    fn output_at_risk_ends_the_grace() {
        use crate::Retention;
        let risky =
            Capabilities { retention: Some(Retention { bytes: 1000, events: 50_000 }), ..FAR };
        let (mut replay, limits) = (Replay::default(), Limits::default());
        replay.observe(at(0), behind(7, 5));
        assert!(replay.request(at(1), behind(7, 5), &limits, &risky).is_none());
        assert!(replay.request(at(1), behind(7, 6), &limits, &risky).is_some());
    }

    #[test]
    fn a_lossless_link_is_given_time() {
        let lossless = Capabilities { lossless: true, ..FAR };
        let (mut replay, limits) = (Replay::default(), Limits::default());
        replay.observe(at(0), behind(7, 3000));
        assert_eq!(replay.request(at(4999), behind(7, 3000), &limits, &lossless), None);
        assert!(replay.request(at(5000), behind(7, 3000), &limits, &lossless).is_some());
    }

    #[test]
    fn a_need_outlives_everything_but_a_run() {
        let (mut replay, limits) = (Replay::default(), Limits::default());
        replay.need();
        replay.observe(at(0), behind(0, 0));
        assert!(replay.request(at(0), behind(0, 0), &limits, &FAR).is_some());
        replay.need();
        assert_eq!(replay.answered(ReplayId(0)), Some(0));
        replay.finish_run();
        assert!(replay.is_busy(), "the second need arose during the first run");
        assert!(replay.request(at(0), behind(0, 0), &limits, &FAR).is_some());
    }

    #[test]
    fn an_older_answer_is_not_taken() {
        let (mut replay, limits) = (Replay::default(), Limits::default());
        replay.need();
        assert!(replay.request(at(0), behind(0, 0), &limits, &FAR).is_some());
        replay.link_down();
        assert_eq!(replay.answered(ReplayId(0)), None);
        assert!(replay.request(at(0), behind(0, 0), &limits, &FAR).is_some());
        assert_eq!(replay.answered(ReplayId(1)), Some(0));
    }

    #[test]
    fn failures_back_off_and_end() {
        let (mut replay, mut limits) = (Replay::default(), Limits::default());
        limits.replay_retries = 2;
        replay.need();
        for (round, pause) in [(0, 100), (1, 200)] {
            assert!(replay.request(at(round * 1000), behind(0, 0), &limits, &FAR).is_some());
            let failure = replay.failed(at(round * 1000), ReplayId(round), true, &limits);
            assert_eq!(failure, Some(Failure::Retried));
            assert_eq!(replay.timeout(&limits, &FAR).unwrap().at, at(round * 1000 + pause));
        }
        assert!(replay.request(at(5000), behind(0, 0), &limits, &FAR).is_some());
        let failure = replay.failed(at(5000), ReplayId(2), true, &limits);
        assert_eq!(failure, Some(Failure::Final { attempts: 3 }));
    }
}
