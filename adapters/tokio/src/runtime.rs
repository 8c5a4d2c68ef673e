//! Clock, timers, tasks and sockets.

use std::{future::Future, io};

use farpipe_core::Timestamp;
use farpipe_driver::{Connect, Runtime};
use tokio::{
    net::TcpStream,
    runtime::Handle,
    time::{Instant, Sleep, sleep_until},
};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

/// A tokio runtime. Clones share one clock.
///
/// It works from any thread, also outside the runtime. It does not keep the runtime alive: when
/// that is shut down, the sessions on it end.
#[derive(Clone, Debug)]
pub struct TokioRuntime {
    handle: Handle,
    origin: Instant,
}

impl TokioRuntime {
    /// The runtime behind `handle`, with a clock that starts now.
    pub fn new(handle: Handle) -> Self {
        Self { handle, origin: Instant::now() }
    }

    /// The runtime that the caller runs on.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, like [`Handle::current`].
    #[track_caller]
    pub fn current() -> Self {
        Self::new(Handle::current())
    }
}

impl Runtime for TokioRuntime {
    type Sleep = Sleep;

    fn now(&self) -> Timestamp {
        Timestamp::from_origin(self.origin.elapsed())
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        let _entered = self.handle.enter();
        // A moment beyond the end of time is out of reach as well as the farthest that tokio knows.
        match self.origin.checked_add(at.since_origin()) {
            Some(at) => sleep_until(at),
            None => tokio::time::sleep(std::time::Duration::MAX),
        }
    }

    fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.handle.spawn(task);
    }
}

impl Connect for TokioRuntime {
    type Stream = Compat<TcpStream>;

    fn connect(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send + 'static {
        let address = (host.to_owned(), port);
        // On the runtime: whoever polls the outer future may be elsewhere.
        let connecting = self.handle.spawn(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(stream.compat())
        });
        async move { connecting.await.map_err(io::Error::other)? }
    }
}
