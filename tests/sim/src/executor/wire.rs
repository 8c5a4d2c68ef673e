//! What is on its way to the session.

use farpipe_core::Input;

/// Events and answers, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Wire(Vec<OnItsWay>);

#[derive(Debug)]
struct OnItsWay {
    input: Input,
    is_event: bool,
}

impl Wire {
    /// An event of the feed.
    pub(super) fn push_event(&mut self, input: Input) {
        self.0.push(OnItsWay { input, is_event: true });
    }

    pub(super) fn push_answer(&mut self, input: Input) {
        self.0.push(OnItsWay { input, is_event: false });
    }

    pub(super) fn take(&mut self, pick: usize) -> Option<Input> {
        let pick = pick.checked_rem(self.0.len())?;
        Some(self.0.remove(pick).input)
    }

    pub(super) fn take_answer(&mut self) -> Option<Input> {
        let at = self.0.iter().position(|item| !item.is_event)?;
        Some(self.0.remove(at).input)
    }

    pub(super) fn copy(&self, pick: usize) -> Option<Input> {
        let pick = pick.checked_rem(self.0.len())?;
        Some(self.0[pick].input.clone())
    }

    pub(super) fn lose(&mut self, pick: usize, may: impl Fn(bool, &Input) -> bool) -> bool {
        let Some(pick) = pick.checked_rem(self.0.len()) else { return false };
        let lost = may(self.0[pick].is_event, &self.0[pick].input);
        if lost {
            self.0.remove(pick);
        }
        lost
    }

    pub(super) fn drop_events(&mut self) -> u64 {
        let before = self.0.len();
        self.0.retain(|item| !item.is_event);
        (before - self.0.len()) as u64
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
