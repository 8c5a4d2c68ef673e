//! The limits of the scenarios, and what they add up to.

use farpipe_core::Limits;

/// What a hostile peer sends at once.
pub(crate) const CHUNK: usize = 8 * 1024;

/// What a held event or a queued item costs beside its bytes: its place in a map or queue that
/// doubles as it grows, and the counter of its buffer.
const PER_ITEM: usize = 256;

/// What a pending call costs: its id, its method, its place in a map, and the answer in its place.
const PER_CALL: usize = 512;

/// Small enough to be reached in milliseconds, in about the proportions of the default ones.
pub(crate) fn limits() -> Limits {
    Limits {
        max_line: 64 * 1024,
        stderr_line: 16 * 1024,
        stderr_tail: 4 * 1024,
        reorder_events: 256,
        reorder_bytes: 128 * 1024,
        inbox_bytes: 64 * 1024,
        replay_page: 32 * 1024,
        max_message: 16 * 1024,
        outbox_bytes: 128 * 1024,
        outbox_messages: 256,
        max_write: 16 * 1024,
        pending_calls: 512,
        late_answers: 64,
        ..Limits::default()
    }
}

/// The sum of all limits that allow something to be kept, and what the peer has in hand itself.
pub(crate) fn ceiling(limits: &Limits) -> u64 {
    let lines = limits.max_line + limits.stderr_line + 4 * limits.line_window;
    let tail = 2 * limits.stderr_tail; // moved once per limit, not per byte
    let reorder = limits.reorder_bytes + limits.reorder_events * PER_ITEM;
    let inbox = 2 * limits.inbox_bytes; // an executor that cannot pause may go to twice as much
    let outbox = limits.outbox_bytes + limits.outbox_messages * PER_ITEM + limits.max_write;
    let calls = (limits.pending_calls + limits.late_answers) * PER_CALL;
    let in_hand = 2 * (limits.max_line + limits.replay_page); // a line or page of the peer, twice
    (lines + tail + reorder + inbox + outbox + calls + in_hand) as u64
}
