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
}

fn cpu(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}
