//! The limits of the scenarios, and what they add up to.

use farpipe_core::Limits;

/// What a hostile peer sends at once.
pub(crate) const CHUNK: usize = 8 * 1024;

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

/// What a held event or a queued item costs beside its bytes: its place in a map or queue that
/// doubles as it grows, and the counter of its buffer.
const PER_ITEM: usize = 256;

/// What a pending call costs: its id, its method, its place in a map, and the answer in its place.
const PER_CALL: usize = 256;

/// What a session is without any of that, and the chunk that the peer has in hand.
const REST: usize = 4 * 1024 + 2 * CHUNK;

/// What may be kept, by what it is kept for.
#[derive(Clone, Copy)]
pub(crate) enum Kept {
    /// An open line of stdout. While its buffer grows, the old one exists as well.
    Line,
    /// An open line of stderr, likewise, and the tail, which is moved once per limit.
    Stderr,
    /// What came too early.
    Early,
    /// What is not read: an executor that cannot pause may go to twice the limit.
    Unread,
    /// A replay page, and a copy of it.
    Page,
    /// Messages to write, and the write that is made of them.
    Writes,
    /// Calls that wait, and those that were answered in the process's place.
    Calls,
}

/// The sum of the limits behind what is kept.
pub(crate) fn ceiling(kept: &[Kept]) -> u64 {
    let limits = limits();
    let one = |kept: &Kept| match kept {
        Kept::Line => 2 * limits.max_line + 2 * limits.line_window,
        Kept::Stderr => 2 * limits.stderr_line + 2 * limits.stderr_tail,
        Kept::Early => limits.reorder_bytes + limits.reorder_events * PER_ITEM,
        Kept::Unread => 2 * limits.inbox_bytes,
        Kept::Page => 2 * limits.replay_page,
        Kept::Writes => limits.outbox_bytes + limits.outbox_messages * PER_ITEM + limits.max_write,
        Kept::Calls => (limits.pending_calls + limits.late_answers) * PER_CALL,
    };
    (REST + kept.iter().map(one).sum::<usize>()) as u64
}
