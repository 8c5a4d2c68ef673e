//! Whether the other side is still there.

use std::time::Duration;

use farpipe_core::Timestamp;

/// Intervals without any frame that make a link lost.
const MISSES: u32 = 2;

/// Decides when to ping and when a link is lost. Any frame counts as life (§11.11).
#[derive(Debug)]
pub(super) struct Pulse {
    interval: Duration,
    next: Timestamp,
    heard: bool,
    misses: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// It is not time.
    Wait,
    Ping,
    Lost,
}

impl Pulse {
    pub(super) fn new(now: Timestamp, interval: Duration) -> Self {
        Self { interval, next: now + interval, heard: true, misses: 0 }
    }

    pub(super) const fn heard(&mut self) {
        self.heard = true;
    }

    pub(super) const fn next(&self) -> Timestamp {
        self.next
    }

    pub(super) fn beat(&mut self, now: Timestamp) -> Beat {
        if now < self.next {
            return Beat::Wait;
        }
        self.next = now + self.interval;
        self.misses = if std::mem::take(&mut self.heard) { 0 } else { self.misses + 1 };
        if self.misses < MISSES { Beat::Ping } else { Beat::Lost }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_origin(Duration::from_secs(seconds))
    }

    #[test]
    fn two_silent_intervals_are_a_lost_link() {
        let mut pulse = Pulse::new(at(0), Duration::from_secs(15));
        assert_eq!(pulse.beat(at(14)), Beat::Wait);
        assert_eq!(pulse.beat(at(15)), Beat::Ping);
        assert_eq!(pulse.beat(at(30)), Beat::Ping);
        assert_eq!(pulse.beat(at(45)), Beat::Lost);
    }

    #[test]
    fn any_frame_counts_as_life() {
        let mut pulse = Pulse::new(at(0), Duration::from_secs(15));
        for seconds in (15..300).step_by(15) {
            assert_eq!(pulse.beat(at(seconds)), Beat::Ping);
            if seconds % 30 == 0 {
                pulse.heard();
            }
        }
    }
}
