//! The entries of a session that is being recorded.

use alloc::collections::VecDeque;

use super::Entry;

/// Collects entries once recording has started.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: Option<VecDeque<Entry>>,
}

impl Log {
    pub(crate) fn start(&mut self) {
        self.entries.get_or_insert_default();
    }

    /// Takes an entry, which is only made if it is wanted.
    pub(crate) fn note(&mut self, entry: impl FnOnce() -> Entry) {
        if let Some(entries) = &mut self.entries {
            entries.push_back(entry());
        }
    }

    /// Counts an event that was polled.
    pub(crate) fn count_event(&mut self) {
        match self.last() {
            Some(Entry::Events(count)) => *count += 1,
            _ => self.note(|| Entry::Events(1)),
        }
    }

    /// Counts an action that was polled.
    pub(crate) fn count_action(&mut self) {
        match self.last() {
            Some(Entry::Actions(count)) => *count += 1,
            _ => self.note(|| Entry::Actions(1)),
        }
    }

    /// Counts an outcome that was polled.
    pub(crate) fn count_settled(&mut self) {
        match self.last() {
            Some(Entry::Settled(count)) => *count += 1,
            _ => self.note(|| Entry::Settled(1)),
        }
    }

    pub(crate) fn pop(&mut self) -> Option<Entry> {
        self.entries.as_mut()?.pop_front()
    }

    fn last(&mut self) -> Option<&mut Entry> {
        self.entries.as_mut()?.back_mut()
    }
}
