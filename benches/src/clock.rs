//! The clocks.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// What the calling thread computed.
    pub thread: Duration,
    /// What all threads of this process computed.
    pub process: Duration,
    /// What passed.
    pub wall: Duration,
}

impl Took {
    /// Runs something and looks at the clocks.
    pub fn of(run: impl FnOnce()) -> Self {
        let begin = (cpu(ClockId::ThreadCPUTime), cpu(ClockId::ProcessCPUTime), Instant::now());
        run();
        Self {
            thread: cpu(ClockId::ThreadCPUTime).saturating_sub(begin.0),
            process: cpu(ClockId::ProcessCPUTime).saturating_sub(begin.1),
            wall: begin.2.elapsed(),
        }
    }

    /// The least of each.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self {
            thread: self.thread.min(other.thread),
            process: self.process.min(other.process),
            wall: self.wall.min(other.wall),
        }
    }
}

fn cpu(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}
