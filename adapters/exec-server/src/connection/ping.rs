//! How long the server takes to answer.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::{Connection, Phase};
use crate::{PingError, wire::outgoing::Ask};

/// A question whose answer somebody waits for.
#[derive(Debug, Default)]
pub(super) struct Ping {
    outcome: Option<Result<Duration, PingError>>,
    waker: Option<Waker>,
}

impl Connection {
    /// Queues a question that costs the server nothing.
    pub(crate) fn ping(&mut self) -> Result<u64, PingError> {
        match &self.phase {
            Phase::Ready => {}
            Phase::Lost { reason } => {
                return Err(PingError::SessionLost { reason: reason.clone() });
            }
            Phase::Down | Phase::Handshaking { .. } => return Err(PingError::LinkDown),
        }
        self.last_ping += 1;
        self.pings.insert(self.last_ping, Ping::default());
        self.requests.push(&Arc::from(""), Ask::Status { ping: self.last_ping });
        self.wake_link();
        Ok(self.last_ping)
    }

    pub(crate) fn poll_ping(
        &mut self,
        ping: u64,
        cx: &Context<'_>,
    ) -> Poll<Result<Duration, PingError>> {
        let Some(waiting) = self.pings.get_mut(&ping) else {
            return Poll::Ready(Err(PingError::LinkDown));
        };
        if let Some(outcome) = waiting.outcome.take() {
            return Poll::Ready(outcome);
        }
        waiting.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    pub(crate) fn forget_ping(&mut self, ping: u64) {
        self.pings.remove(&ping);
    }

    pub(super) fn pinged(&mut self, ping: u64, outcome: Result<Duration, PingError>) {
        if let Some(waiting) = self.pings.get_mut(&ping) {
            waiting.outcome = Some(outcome);
            self.woken.extend(waiting.waker.take());
        }
    }

    pub(super) fn fail_pings(&mut self, error: &PingError) {
        let pings: Vec<u64> = self.pings.keys().copied().collect();
        for ping in pings {
            self.pinged(ping, Err(error.clone()));
        }
    }
}
