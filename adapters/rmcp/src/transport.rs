//! The transport.

use std::{borrow::Cow, fmt, io::Write, sync::Arc};

use bytes::Bytes;
use farpipe_core::{Delivery, End, Event, Exit, InvalidLimits, SendError, Settings, Stats};
use farpipe_driver::{Executor, Handle, Runtime, Sent};
use rmcp::{
    RoleClient,
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
    transport::Transport,
};

use crate::{RmcpDecode, SendFailed, decode, report};

/// What a session tells besides messages.
///
/// The same as [`Event`], whose messages go to rmcp.
pub type Notice = Event<Box<RxJsonRpcMessage<RoleClient>>>;

type Observer = Arc<dyn Fn(&Notice) + Send + Sync>;

/// How a [`FarTransport`] is made.
///
/// ```
/// use farpipe_core::Limits;
/// use farpipe_rmcp::Options;
///
/// let options = Options::new()
///     .name("search")
///     .settings(Limits { max_line: 64 << 20, ..Limits::default() })
///     .observe(|notice| eprintln!("{notice:?}"));
/// # drop(options);
/// ```
#[derive(Default)]
pub struct Options {
    name: Option<Arc<str>>,
    settings: Settings,
    observer: Option<Observer>,
    recording: Option<Box<dyn Write + Send>>,
}

impl Options {
    /// The defaults: the name "server", default [`Settings`], nobody who watches, no recording.
    pub fn new() -> Self {
        Self::default()
    }

    /// The server's name in logs.
    #[must_use]
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How the session behaves; [`Limits`](farpipe_core::Limits) alone are settings, too.
    #[must_use]
    pub fn settings(mut self, settings: impl Into<Settings>) -> Self {
        self.settings = settings.into();
        self
    }

    /// Records the session into a file; see [`farpipe_driver::Options::record`].
    #[must_use]
    pub fn record(mut self, out: impl Write + Send + 'static) -> Self {
        self.recording = Some(Box::new(out));
        self
    }

    /// Shows everything but messages to `observer`: stderr, noise, losses, the exit, the end.
    ///
    /// It is called where rmcp receives, and where the session is driven once rmcp has left, so it
    /// must not block.
    #[must_use]
    pub fn observe(mut self, observer: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// An rmcp client transport to a process behind any executor.
///
/// rmcp drops `receive` in a `select!` on every turn, spawns `send` and awaits it at its leisure, and
/// may close while nothing receives. None of this loses anything: the session's state is elsewhere,
/// and the futures own nothing.
///
/// Dropping the transport ends the process at once; closing it (rmcp does so when its service is
/// cancelled) lets the process end by itself first.
pub struct FarTransport {
    handle: Handle<RmcpDecode>,
    witness: Arc<Witness>,
}

/// Who is told what happens besides messages.
struct Witness {
    name: Arc<str>,
    observer: Option<Observer>,
}

impl Witness {
    fn tell(&self, notice: &Notice) {
        report::log(&self.name, notice);
        if let Some(observer) = &self.observer {
            observer(notice);
        }
    }

    /// Messages have no receiver any more; the rest is still worth telling.
    fn tell_leftover(&self, event: &Notice) {
        if !matches!(event, Event::Message(_)) {
            self.tell(event);
        }
    }
}

impl FarTransport {
    /// A transport to the process behind `executor`, with the default [`Options`].
    #[expect(clippy::missing_panics_doc, reason = "the core's tests assert the expectation")]
    pub fn new<E: Executor, R: Runtime>(executor: E, runtime: &R) -> Self {
        Self::with(Options::new(), executor, runtime).expect("default limits are valid")
    }

    /// A transport to the process behind `executor`. Fails only if the limits contradict themselves.
    pub fn with<E: Executor, R: Runtime>(
        options: Options,
        executor: E,
        runtime: &R,
    ) -> Result<Self, InvalidLimits> {
        let name = options.name.unwrap_or_else(|| "server".into());
        let witness = Arc::new(Witness { name, observer: options.observer });
        let leftover = Arc::clone(&witness);
        let mut driven = farpipe_driver::Options::new()
            .settings(options.settings)
            .leftover(move |event| leftover.tell_leftover(&event));
        if let Some(out) = options.recording {
            driven = driven.record(out);
        }
        let handle = farpipe_driver::spawn(RmcpDecode, driven, executor, runtime)?;
        Ok(Self { handle, witness })
    }

    /// A look at the session that outlives the transport, which rmcp takes and drops.
    pub fn monitor(&self) -> Monitor {
        Monitor { inner: self.handle.monitor() }
    }

    fn enqueue(&self, item: &TxJsonRpcMessage<RoleClient>) -> Result<Sent, SendFailed> {
        let message = Bytes::from(serde_json::to_vec(item)?);
        let sent = self.handle.send_call(message, decode::call(item));
        sent.map_err(|error| refused(error, &self.monitor()))
    }
}

impl Transport<RoleClient> for FarTransport {
    type Error = SendFailed;

    fn name() -> Cow<'static, str> {
        "farpipe".into()
    }

    /// Puts the message in line at once, in the order of the calls. The future tells the outcome;
    /// dropping it does not take the message back.
    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), SendFailed>> + Send + 'static {
        let sent = self.enqueue(&item);
        let monitor = self.monitor();
        async move { outcome(sent?.await, &monitor) }
    }

    /// Cancel safe: a message is taken in the very poll that returns it.
    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            match self.handle.next_event().await? {
                Event::Message(message) => return Some(*message),
                notice => self.witness.tell(&notice),
            }
        }
    }

    /// Runs the close plan to its end. Cancel safe: dropping the transport then ends the process.
    async fn close(&mut self) -> Result<(), SendFailed> {
        self.handle.close().await;
        Ok(())
    }
}

fn refused(error: SendError, monitor: &Monitor) -> SendFailed {
    match monitor.end() {
        Some(end) => SendFailed::Ended(Box::new(end)),
        None => SendFailed::Refused(error),
    }
}

fn outcome(delivery: Delivery, monitor: &Monitor) -> Result<(), SendFailed> {
    match (delivery, monitor.end()) {
        (Delivery::Accepted, _) => Ok(()),
        (Delivery::Rejected(_), Some(end)) => Err(SendFailed::Ended(Box::new(end))),
        (Delivery::Rejected(why), None) => Err(SendFailed::Rejected(why)),
        _ => Err(SendFailed::Unknown),
    }
}

impl fmt::Debug for FarTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FarTransport").field("name", &self.witness.name).finish_non_exhaustive()
    }
}

/// A look at the session behind a [`FarTransport`]. Does not keep the process alive.
#[derive(Clone, Debug)]
pub struct Monitor {
    inner: farpipe_driver::Monitor<RmcpDecode>,
}

impl Monitor {
    /// Why the session ends, as soon as that is known: what came before it may still be unread.
    pub fn end(&self) -> Option<End> {
        self.inner.end()
    }

    /// Waits until rmcp has received everything up to the end; or, when rmcp has dropped the transport
    /// before that, until the process that was ended with it is gone. Cancel safe.
    pub async fn ended(&self) -> End {
        self.inner.ended().await
    }

    /// How the process ended, once that is known. Output may still follow.
    pub fn exit(&self) -> Option<Exit> {
        self.inner.exit()
    }

    /// The last bytes of stderr, received or not.
    pub fn stderr_tail(&self) -> Bytes {
        self.inner.stderr_tail()
    }

    /// The counters, as of now.
    pub fn stats(&self) -> Stats {
        self.inner.stats()
    }
}
