//! What is known of the server.

use serde_json::Value;

/// What is known of the server that answers, as of the last time the session was opened or resumed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The server's name for the session.
    pub session: String,
    /// The version of the server, such as `0.169.0`, if it tells.
    pub version: Option<String>,
    /// The operating system it runs on, such as `linux`, if it tells.
    pub platform: Option<String>,
    /// Where it runs, as a URI, if it tells. Processes start there by default.
    pub cwd: Option<String>,
    /// All that it tells of itself, as it does; an empty value if nothing. Shapes differ by version.
    pub environment: Value,
    /// Whether a token was sent. A server that wants none ignores it (exec-server protocol §10).
    pub token_sent: bool,
    /// Whether the connection is encrypted, and the server's certificate verified.
    pub tls: bool,
}

/// How the server was asked to let the client in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    pub(crate) token_sent: bool,
    pub(crate) tls: bool,
}

impl ServerInfo {
    pub(crate) fn new(session: &str, environment: &Value, access: Access) -> Self {
        let text = |field: &str| environment.get(field)?.as_str().map(str::to_owned);
        Self {
            session: session.into(),
            version: text("executorVersion"),
            platform: text("platformOs"),
            cwd: text("cwd"),
            environment: environment.clone(),
            token_sent: access.token_sent,
            tls: access.tls,
        }
    }
}
