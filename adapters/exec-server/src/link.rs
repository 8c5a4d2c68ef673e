//! The task that owns the socket: it opens it, reads it, and opens it again when it is lost.

mod backoff;
mod pulse;
mod service;
mod silence;
mod socket;
mod target;

use std::{future::poll_fn, sync::Arc, time::Duration};

use farpipe_core::Timestamp;
use farpipe_driver::Connect;
use futures_lite::FutureExt as _;

pub(crate) use self::target::Target;
use self::{
    backoff::Backoff,
    service::{Lost, Service},
    socket::Socket,
};
use crate::{ConnectError, Options, connection::Connection, shared::Shared};

/// Opens, reads and restores the link of one session.
pub(crate) struct Link<R: Connect> {
    shared: Arc<Shared>,
    target: Target,
    options: Options,
    runtime: R,
}

impl<R: Connect> Link<R> {
    pub(crate) const fn new(
        shared: Arc<Shared>,
        target: Target,
        options: Options,
        runtime: R,
    ) -> Self {
        Self { shared, target, options, runtime }
    }

    /// Connects once, and opens or resumes the session.
    pub(crate) async fn open(&self) -> Result<Socket, ConnectError> {
        self.open_within(self.options.connect_timeout).await
    }

    async fn open_within(&self, limit: Duration) -> Result<Socket, ConnectError> {
        let resumes = self.shared.update(|connection| connection.session_id().is_some());
        let too_late = async {
            self.sleep(limit).await;
            Err(ConnectError::TimedOut(limit))
        };
        // Boxed: a TLS handshake is a large future, and this one lives as long as the link.
        let opened = Box::pin(self.try_open()).or(too_late).await;
        if opened.is_err() {
            self.shared.update(|connection| connection.link_lost("it could not be restored"));
        }
        if resumes { opened.map_err(ConnectError::resuming) } else { opened }
    }

    async fn try_open(&self) -> Result<Socket, ConnectError> {
        let mut socket = self.target.dial(&self.runtime, &self.options).await?;
        self.shared.update(Connection::connected);
        let mut service = self.service(&mut socket);
        poll_fn(|cx| service.poll_ready(cx)).await?;
        Ok(socket)
    }

    /// Resumes a session that may still be attached to the link of another program: the server needs
    /// a moment to notice that one is gone (§4).
    pub(crate) async fn resume(&self) -> Result<Socket, ConnectError> {
        let mut backoff = Backoff::new(&self.options);
        let attached = |error: &ConnectError| matches!(error, ConnectError::StillAttached(_));
        self.open_again(&mut backoff, attached).await
    }

    /// Keeps the link up until nobody needs it or the session is lost.
    pub(crate) async fn run(self, mut socket: Socket) {
        let _fuse = Fuse(Arc::clone(&self.shared));
        let mut backoff = Backoff::new(&self.options);
        while let Some(reason) = self.serve(&mut socket, &mut backoff).await {
            tracing::info!(%reason, "the link to the exec-server is lost");
            self.shared.update(|connection| connection.link_lost(&reason));
            // A new connection while the old one stands would be refused (-32010).
            drop(socket);
            match self.restore(&reason, &mut backoff).await {
                Some(restored) => socket = restored,
                None => return,
            }
        }
    }

    /// Serves the link until it is lost, and says why; `None` if it is not to be restored.
    async fn serve(&self, socket: &mut Socket, backoff: &mut Backoff) -> Option<String> {
        let since = self.runtime.now();
        let mut service = self.service(socket);
        let lost = poll_fn(|cx| service.poll(cx)).await;
        backoff.link_lived(self.runtime.now().saturating_since(since));
        match lost {
            Lost::Link(reason) => Some(reason),
            Lost::Unused => None,
            Lost::Fault(fault) => {
                self.give_up(&fault.to_string());
                None
            }
        }
    }

    /// A new link for the session; `None` once that is hopeless or not needed any more.
    async fn restore(&self, lost: &str, backoff: &mut Backoff) -> Option<Socket> {
        let worthwhile = |error: &ConnectError| error.is_retryable() && !self.shared.is_unused();
        match self.open_again(backoff, worthwhile).await {
            Ok(socket) => Some(socket),
            Err(_) if self.shared.is_unused() => None,
            Err(error) => {
                self.give_up(&format!("{lost}; the link could not be restored: {error}"));
                None
            }
        }
    }

    /// Tries for as long as it is worthwhile and there is time.
    async fn open_again(
        &self,
        backoff: &mut Backoff,
        worthwhile: impl Fn(&ConnectError) -> bool,
    ) -> Result<Socket, ConnectError> {
        let until = self.runtime.now() + self.options.reconnect_deadline;
        let (mut pause, mut earlier) = (backoff.first(), None);
        loop {
            self.sleep(pause).await;
            let left = self.time_left(until).min(self.options.connect_timeout);
            let error = match (self.open_within(left).await, earlier) {
                (Ok(socket), _) => return Ok(socket),
                // There was little time left for it: what kept the others back tells more.
                (Err(ConnectError::TimedOut(_)), Some(earlier)) => earlier,
                (Err(error), _) => error,
            };
            pause = backoff.next();
            if !worthwhile(&error) || self.time_left(until) <= pause {
                return Err(error);
            }
            tracing::debug!(%error, ?pause, "the link is not restored yet");
            earlier = Some(error);
        }
    }

    fn give_up(&self, reason: &str) {
        tracing::warn!(reason, "the session with the exec-server is lost");
        self.shared.update(|connection| connection.session_lost(reason));
    }

    fn service<'a>(&'a self, socket: &'a mut Socket) -> Service<'a, R> {
        Service::new(&self.shared, socket, &self.runtime, &self.options)
    }

    fn sleep(&self, time: Duration) -> R::Sleep {
        self.runtime.sleep_until(self.runtime.now() + time)
    }

    fn time_left(&self, until: Timestamp) -> Duration {
        until.saturating_since(self.runtime.now())
    }
}

/// Whatever ends the link ends the session: a runtime that is shut down drops its tasks.
struct Fuse(Arc<Shared>);

impl Drop for Fuse {
    fn drop(&mut self) {
        self.0.update(|connection| connection.session_lost("its link is not driven any more"));
    }
}
