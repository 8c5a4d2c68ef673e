//! What waits for one session to take it.

use std::collections::VecDeque;

use farpipe_core::Input;
use farpipe_driver::Flow;

/// What waits for one session to take it: news at once, output in the order of its arrival.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// Answers to writes and news of the link: taken also while output is not.
    news: VecDeque<Input>,
    /// Output, pages and ends. A page must not overtake output: what the session has not seen and
    /// the server does not retain any more would count as lost.
    ordered: VecDeque<Input>,
    bytes: usize,
}

impl Inbox {
    pub(super) fn push(&mut self, input: Input) {
        if let (Input::Lagged { skipped }, Some(Input::Lagged { skipped: all })) =
            (&input, self.news.back_mut())
        {
            *all += skipped;
            return;
        }
        self.bytes += cost(&input);
        if is_news(&input) { self.news.push_back(input) } else { self.ordered.push_back(input) }
    }

    pub(super) fn pop(&mut self, flow: Flow) -> Option<Input> {
        let input = match (self.news.pop_front(), flow) {
            (Some(input), _) => input,
            (None, Flow::Open) => self.ordered.pop_front()?,
            (None, Flow::Paused) => return None,
        };
        self.bytes -= cost(&input);
        Some(input)
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

const fn is_news(input: &Input) -> bool {
    matches!(
        input,
        Input::Written { .. }
            | Input::LinkDown { .. }
            | Input::LinkUp { .. }
            | Input::Lagged { .. }
            | Input::ReplayFailed { .. }
    )
}

fn cost(input: &Input) -> usize {
    let data = match input {
        Input::Output(chunk) => chunk.data.len(),
        Input::Replayed(page) => page.chunks.iter().map(|chunk| chunk.data.len()).sum(),
        _ => 0,
    };
    size_of::<Input>() + data
}
