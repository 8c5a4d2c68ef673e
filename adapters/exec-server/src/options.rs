//! How a connection behaves.

use std::{fmt, sync::Arc, time::Duration};

use futures_rustls::rustls::ClientConfig;

const MIB: usize = 1 << 20;

/// How a connection to an exec-server behaves. The defaults suit the measured server, codex 0.169.0.
///
/// ```
/// use farpipe_exec_server::Options;
///
/// let options = Options { client_name: "my-agent".into(), ..Options::default() }.token("secret");
/// assert!(!format!("{options:?}").contains("secret"));
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// Sent as `Authorization: Bearer`, with every connection: a capability token or a signed one
    /// (exec-server protocol §10). Default none. A signed token that expires does not end a
    /// connection, but the link cannot be resumed with it: see [`Token::from_fn`].
    pub token: Option<Token>,
    /// What the client calls itself. Default "farpipe".
    pub client_name: String,
    /// How certificates are verified for `wss:`, and which are shown. Default: as the operating
    /// system does, and none.
    pub tls: Option<Arc<ClientConfig>>,
    /// How long it may take to connect and to open the session, each time. Default 10 s.
    pub connect_timeout: Duration,
    /// How long a lost link is tried to be restored before the session counts as lost. Default 25 s:
    /// the server keeps a detached session for 80 s, older ones for 30 s (§4).
    pub reconnect_deadline: Duration,
    /// The pause before the second attempt; it doubles, and a part of it is left to chance.
    /// Default 50 ms.
    pub backoff_min: Duration,
    /// The longest pause between attempts. Default 2 s.
    pub backoff_max: Duration,
    /// How often the server is pinged. Two intervals without any frame from it are a lost link.
    /// Default 15 s.
    pub heartbeat: Duration,
    /// How long a request to end or interrupt a process may wait behind an unanswered write. Then
    /// the link is dropped and restored: a process that does not read its stdin keeps the server
    /// from answering anything else (§7). Default 5 s.
    pub control_timeout: Duration,
    /// How long any other request may stay unanswered before the link is dropped and restored.
    /// Default 30 s: a start may have to wait for a slow disk. What was asked is then asked again,
    /// except for a start, which fails with
    /// [`StartError::Interrupted`](crate::StartError::Interrupted); and a process that does not read
    /// its stdin gets its write later, so that what waits behind it comes first. A write that
    /// nothing waits behind has no limit: it takes as long as the process takes to read. Time during
    /// which nothing is read, because of `queue_bytes`, does not count.
    pub request_timeout: Duration,
    /// How many bytes of output may wait for one process's session. Default 4 MiB. Beyond it nothing
    /// is read from the connection, for any of its processes, until the session takes some: the
    /// server then stops reading the process's pipes, and nothing is lost (§6).
    pub queue_bytes: usize,
    /// Longest WebSocket frame to accept, in bytes. Default 16 MiB, as the server does (§2).
    pub max_frame: usize,
    /// Longest message of several frames to accept, in bytes. Default 64 MiB, as the server does.
    pub max_message: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            token: None,
            client_name: "farpipe".into(),
            tls: None,
            connect_timeout: Duration::from_secs(10),
            reconnect_deadline: Duration::from_secs(25),
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_secs(2),
            heartbeat: Duration::from_secs(15),
            control_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(30),
            queue_bytes: 4 * MIB,
            max_frame: 16 * MIB,
            max_message: 64 * MIB,
        }
    }
}

impl Options {
    /// The same with a token.
    #[must_use]
    pub fn token(self, token: impl Into<Token>) -> Self {
        Self { token: Some(token.into()), ..self }
    }
}

/// A secret. It is never logged and never shown.
#[derive(Clone)]
pub struct Token(Arc<dyn Fn() -> Arc<str> + Send + Sync>);

impl Token {
    /// A secret that changes, such as a signed token that expires: it is asked for with every
    /// connection, also when a link is restored. `token` must not block.
    ///
    /// ```
    /// use std::sync::{Arc, RwLock};
    /// use farpipe_exec_server::{Options, Token};
    ///
    /// let newest = Arc::new(RwLock::new("first".to_owned()));
    /// let token = Arc::clone(&newest);
    /// let options = Options::default().token(Token::from_fn(move || token.read().unwrap().clone()));
    /// *newest.write().unwrap() = "second".into();
    /// # drop(options);
    /// ```
    pub fn from_fn<T: Into<Arc<str>>>(token: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self(Arc::new(move || token().into()))
    }

    pub(crate) fn expose(&self) -> Arc<str> {
        (self.0)()
    }
}

impl<T: Into<Arc<str>>> From<T> for Token {
    fn from(token: T) -> Self {
        let token = token.into();
        Self(Arc::new(move || Arc::clone(&token)))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}
