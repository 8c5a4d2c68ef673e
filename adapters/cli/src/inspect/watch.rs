//! What the server says besides messages.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use farpipe_core::Event;
use farpipe_rmcp::Notice;

/// How many lines of stderr, and of noise, are shown: the last ones. A flood must not fill memory.
const KEPT_LINES: usize = 1000;

/// Collects what the server says besides messages.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    seen: Arc<Mutex<Seen>>,
}

/// What was collected.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) stderr: Lines,
    /// Lines on stdout that were not messages, each with the reason.
    pub(super) noise: Lines,
}

/// The last lines of a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    pub(super) kept: VecDeque<String>,
    /// How many older ones were dropped.
    pub(super) omitted: u64,
}

impl Watch {
    pub(super) fn observer(&self) -> impl Fn(&Notice) + Send + Sync + 'static {
        let watch = self.clone();
        move |notice| watch.note(notice)
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, notice: &Notice) {
        match notice {
            Event::Stderr(line) => self.seen().stderr.push(line.text()),
            Event::Noise(line) | Event::Malformed(line) => {
                let head = String::from_utf8_lossy(&line.head).into_owned();
                self.seen().noise.push(format!("{head} ({})", line.reason));
            }
            Event::Oversized(line) => {
                let (len, limit) = (line.len, line.limit);
                self.seen()
                    .noise
                    .push(format!("a line of {len} bytes (longer than `max_line`, {limit})"));
            }
            _ => {}
        }
    }
}

impl Lines {
    fn push(&mut self, line: String) {
        if self.kept.len() == KEPT_LINES {
            self.kept.pop_front();
            self.omitted += 1;
        }
        self.kept.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_keeps_its_last_lines_and_counts_the_rest() {
        let mut lines = Lines::default();
        for line in 0..1500 {
            lines.push(line.to_string());
        }
        assert_eq!((lines.kept.len(), lines.omitted), (KEPT_LINES, 500));
        assert_eq!(lines.kept.front().map(String::as_str), Some("500"));
    }
}
