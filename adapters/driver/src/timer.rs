//! One timer that is armed again only when its moment changes.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use farpipe_core::Timestamp;

use crate::Runtime;

/// One timer. The box is made once and used again for every moment.
pub(crate) struct Timer<R: Runtime> {
    armed: Option<Timestamp>,
    sleep: Option<Pin<Box<R::Sleep>>>,
}

impl<R: Runtime> Timer<R> {
    pub(crate) const fn new() -> Self {
        Self { armed: None, sleep: None }
    }

    /// Ready when the timer for `deadline` fired; pending for good without a deadline.
    pub(crate) fn poll(
        &mut self,
        runtime: &R,
        deadline: Option<Timestamp>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if self.armed != deadline {
            self.arm(runtime, deadline);
        }
        let Some(sleep) = self.sleep.as_mut().filter(|_| deadline.is_some()) else {
            return Poll::Pending;
        };
        let fired = sleep.as_mut().poll(cx);
        if fired.is_ready() {
            // A future that has completed must not be polled again, even if it fired too early.
            self.armed = None;
        }
        fired
    }

    fn arm(&mut self, runtime: &R, deadline: Option<Timestamp>) {
        self.armed = deadline;
        let Some(at) = deadline else { return };
        let next = runtime.sleep_until(at);
        match &mut self.sleep {
            Some(sleep) => sleep.set(next),
            none => *none = Some(Box::pin(next)),
        }
    }
}
