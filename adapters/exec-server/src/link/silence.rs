//! When the server has to hear that what it sent has arrived.

use std::time::Duration;

use farpipe_core::Timestamp;

/// So many acknowledgements after a request are sent at once: enough for what the process says to it,
/// up to a few MiB.
const AT_ONCE: u8 = 32;
/// The pause between those of a stream that nobody has asked for. With a longer one the client needs
/// no less CPU time, and each is what the last piece of a burst may be late by.
const PAUSE: Duration = Duration::from_millis(5);

/// Decides when to have the system acknowledge what was received.
///
/// The server leaves Nagle's algorithm on (measured on codex 0.169.0): it keeps a small message back
/// until the one before is acknowledged, and an acknowledgement that has nothing to travel with waits
/// for 40 ms. Every answer of a process that is spoken to would be late by that.
///
/// Not so in a stream. There the server has more to send at any time, which goes out in larger pieces
/// while it waits, and each acknowledgement costs both sides more than the output it makes way for.
#[derive(Debug)]
pub(super) struct Silence {
    /// Something was received, and nothing sent since.
    heard: bool,
    at_once: u8,
    /// When the next one may be sent that is not sent at once.
    next: Timestamp,
}

impl Silence {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self { heard: false, at_once: AT_ONCE, next: now }
    }

    pub(super) const fn heard(&mut self) {
        self.heard = true;
    }

    /// A request was sent, and what was received is acknowledged with it.
    pub(super) const fn spoken(&mut self) {
        self.heard = false;
        self.at_once = AT_ONCE;
    }

    /// When to acknowledge what was received, if anything was.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let at = if self.at_once > 0 { Timestamp::ORIGIN } else { self.next };
        self.heard.then_some(at)
    }

    /// What was received is acknowledged.
    pub(super) fn broken(&mut self, now: Timestamp) {
        self.heard = false;
        self.at_once = self.at_once.saturating_sub(1);
        self.next = now + PAUSE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_origin(Duration::from_millis(millis))
    }

    fn is_due(silence: &Silence, now: Timestamp) -> bool {
        silence.due().is_some_and(|due| due <= now)
    }

    /// How many are sent at once.
    fn burst(silence: &mut Silence, now: Timestamp) -> usize {
        let next = || {
            silence.heard();
            is_due(silence, now).then(|| silence.broken(now))
        };
        std::iter::from_fn(next).count()
    }

    #[test]
    fn what_is_acknowledged_needs_no_acknowledgement() {
        let mut silence = Silence::new(at(0));
        assert_eq!(silence.due(), None);
        silence.heard();
        assert!(is_due(&silence, at(0)));
        silence.spoken();
        assert_eq!(silence.due(), None);
        silence.heard();
        silence.broken(at(0));
        assert_eq!(silence.due(), None);
    }

    #[test]
    fn a_conversation_is_never_held_up() {
        let mut silence = Silence::new(at(0));
        for _ in 0..100 {
            assert_eq!(burst(&mut silence, at(0)), usize::from(AT_ONCE));
            silence.spoken();
        }
    }

    #[test]
    fn in_a_stream_there_is_a_pause_between_them() {
        let mut silence = Silence::new(at(0));
        burst(&mut silence, at(0));
        for now in (5..50).step_by(5) {
            assert!(!is_due(&silence, at(now - 1)));
            assert_eq!(burst(&mut silence, at(now)), 1);
        }
        // What comes after a pause does not wait for another one.
        assert_eq!(burst(&mut silence, at(1000)), 1);
    }
}
