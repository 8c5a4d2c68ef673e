//! What a runtime supplies: a clock, a timer, a way to start a task, and perhaps sockets.

use std::{future::Future, io};

use farpipe_core::Timestamp;
use futures_io::{AsyncRead, AsyncWrite};

/// A clock, a timer and a way to start a task.
///
/// Clones share one clock: their timestamps are told from the same origin. Every method can be
/// called from any thread, also from one that does not belong to the runtime.
pub trait Runtime: Clone + Send + Sync + 'static {
    /// Completes when its moment has come. Dropping it forgets the moment.
    type Sleep: Future<Output = ()> + Send + 'static;

    /// The time now. Never goes backwards.
    fn now(&self) -> Timestamp;

    /// A timer for `at`; for a moment that has passed, it completes at once.
    ///
    /// It may complete early or late. The clock decides what is due, the timer only wakes.
    fn sleep_until(&self, at: Timestamp) -> Self::Sleep;

    /// Runs `task` to its end, or until the runtime is shut down. Does not block.
    fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static;
}

/// A runtime with sockets, for executors behind a network.
///
/// Apart from [`Runtime`], so that who only runs local processes needs none.
pub trait Connect: Runtime {
    /// A TCP connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Connects to `host`, a name or an address without brackets, trying each address it has.
    ///
    /// Small writes leave at once: the socket does not wait for more (`TCP_NODELAY`). There is no
    /// time limit beyond the system's. Cancel safe: dropping the future gives the connection up.
    fn connect(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send + 'static;
}
