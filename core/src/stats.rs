//! Counters of one session.

/// What a session has seen and done so far. Every field only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Stats {
    /// Events taken in order: output, exit, close.
    pub events: u64,
    /// Bytes of stdout taken in order.
    pub stdout_bytes: u64,
    /// Bytes of stderr taken in order.
    pub stderr_bytes: u64,
    /// Events that had been seen before and were dropped.
    pub duplicates: u64,
    /// Events that arrived before an earlier one and had to wait.
    pub reordered: u64,
    /// The most events that ever waited at once.
    pub reorder_peak: u64,
    /// Events that were dropped over a budget, to be asked for again.
    pub shed: u64,
    /// Events that the executor says it dropped before they reached the session.
    pub lagged: u64,
    /// Replays asked for.
    pub replays: u64,
    /// Replay pages taken.
    pub pages: u64,
    /// Replay pages and answers that belonged to an older request.
    pub stale_answers: u64,
    /// Replays that failed.
    pub replay_failures: u64,
    /// Events that are lost for good.
    pub lost: u64,

    /// Messages delivered.
    pub messages: u64,
    /// Messages that the decoder knows and leaves out on purpose.
    pub ignored: u64,
    /// Lines on stdout that were not messages.
    pub noise: u64,
    /// Messages that were found behind noise on the same line.
    pub salvaged: u64,
    /// Lines on stdout that were damaged messages.
    pub malformed: u64,
    /// Lines on stdout above the limit.
    pub oversized: u64,
    /// Lines of stderr.
    pub stderr_lines: u64,
    /// Lines of stderr that were cut.
    pub stderr_truncated: u64,

    /// Messages accepted by [`Session::send`](crate::Session::send).
    pub sent: u64,
    /// Requests among them.
    pub calls: u64,
    /// Calls that were answered in the process's place.
    pub failed_calls: u64,
    /// True answers that came after that and were dropped.
    pub late_answers: u64,
    /// Bytes that the executor has accepted.
    pub written_bytes: u64,
    /// Writes that the executor has accepted.
    pub writes: u64,
    /// Writes that were handed out again under their old id.
    pub repeated_writes: u64,
    /// Times the link went down.
    pub link_losses: u64,
}
