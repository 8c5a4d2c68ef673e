//! The pauses between attempts to restore a link.

use std::time::Duration;

use crate::Options;

/// Pauses that double, each with a part left to chance, so that many clients do not come at once.
#[derive(Debug)]
pub(super) struct Backoff {
    min: Duration,
    max: Duration,
    next: Option<Duration>,
}

impl Backoff {
    pub(super) const fn new(options: &Options) -> Self {
        Self { min: options.backoff_min, max: options.backoff_max, next: None }
    }

    /// A link that is lost as soon as it is there is no success: the pauses go on growing.
    pub(super) fn link_lived(&mut self, time: Duration) {
        if time >= self.max {
            self.next = None;
        }
    }

    /// The pause before the first attempt: none after a link that has lived.
    pub(super) fn first(&mut self) -> Duration {
        if self.next.is_some() {
            return self.next();
        }
        self.next = Some(self.min);
        Duration::ZERO
    }

    pub(super) fn next(&mut self) -> Duration {
        let pause = self.next.unwrap_or(self.min).min(self.max);
        self.next = Some(pause.saturating_mul(2));
        pause.mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut backoff = Backoff::new(&Options::default());
        assert_eq!(backoff.first(), Duration::ZERO);
        for full in [50, 100, 200, 400, 800, 1600, 2000, 2000] {
            let pause = backoff.next();
            assert!(pause >= millis(full) / 2 && pause <= millis(full), "{pause:?} of {full} ms");
        }
    }

    #[test]
    fn a_link_that_flaps_is_no_success() {
        let mut backoff = Backoff::new(&Options::default());
        assert_eq!(backoff.first(), Duration::ZERO);
        backoff.link_lived(millis(10));
        assert_ne!(backoff.first(), Duration::ZERO);
        backoff.link_lived(millis(2_000));
        assert_eq!(backoff.first(), Duration::ZERO);
    }
}
