//! Where the server is, and how to get there.

use std::sync::Arc;

use async_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        client::IntoClientRequest as _,
        handshake::client::Request,
        http::{HeaderValue, Uri, header::AUTHORIZATION},
        protocol::WebSocketConfig,
    },
};
use farpipe_driver::Connect;
use futures_rustls::{
    TlsConnector,
    pki_types::ServerName,
    rustls::{self, ClientConfig, crypto::ring},
};
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::socket::{Carrier, Socket};
use crate::{ConnectError, Options, Token};

/// A server's address, checked, with what it takes to be let in.
pub(crate) struct Target {
    uri: Uri,
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    token: Option<Token>,
}

impl Target {
    pub(crate) fn new(url: &str, options: &Options) -> Result<Self, ConnectError> {
        let bad = |what: &str| ConnectError::Url(what.to_owned());
        let uri: Uri = url.parse().map_err(|error| bad(&format!("{error}")))?;
        let secure = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            _ => return Err(bad("its scheme is another one")),
        };
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(bad("a user name has no place in it; give a token"));
        }
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(bad("it names no host"));
        }
        let port = port(&uri, secure).ok_or_else(|| bad("its port is no number up to 65535"))?;
        let tls = if secure { Some(tls(&host, options)?) } else { None };
        Ok(Self { uri, host, port, tls, token: options.token.clone() })
    }

    pub(crate) const fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// Connects and opens a WebSocket. No `Origin` is sent: the server refuses any (§2).
    pub(super) async fn dial<R: Connect>(
        &self,
        runtime: &R,
        options: &Options,
    ) -> Result<Socket, ConnectError> {
        let stream = runtime.connect(&self.host, self.port).await?;
        let carrier: Box<dyn Carrier> = match &self.tls {
            Some((connector, name)) => Box::new(connector.connect(name.clone(), stream).await?),
            None => Box::new(stream),
        };
        let config = WebSocketConfig::default()
            .max_frame_size(Some(options.max_frame))
            .max_message_size(Some(options.max_message));
        let (stream, _): (WebSocketStream<_>, _) =
            client_async_with_config(self.request()?, carrier, Some(config)).await?;
        Ok(Socket::new(stream))
    }

    fn request(&self) -> Result<Request, ConnectError> {
        let mut request = self.uri.clone().into_client_request()?;
        if let Some(token) = &self.token {
            request.headers_mut().insert(AUTHORIZATION, authorization(token)?);
        }
        Ok(request)
    }
}

/// The port that is named, or the usual one; not the usual one in place of one that cannot be.
fn port(uri: &Uri, secure: bool) -> Option<u16> {
    let named = uri.authority()?.as_str().rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
    match named {
        Some((_, port)) => port.parse().ok().filter(|port| *port > 0),
        None => Some(if secure { 443 } else { 80 }),
    }
}

fn authorization(token: &Token) -> Result<HeaderValue, ConnectError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
        .map_err(|_| ConnectError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

fn tls(host: &str, options: &Options) -> Result<(TlsConnector, ServerName<'static>), ConnectError> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| ConnectError::Url(format!("{host}: {error}")))?;
    let config = match &options.tls {
        Some(config) => Arc::clone(config),
        None => Arc::new(default_tls()?),
    };
    Ok((config.into(), name))
}

/// Certificates as the operating system sees them: a server inside a company often has one of its
/// own authority.
fn default_tls() -> Result<ClientConfig, rustls::Error> {
    // Named, because what else is linked may bring another provider, and then there is no default.
    let provider = Arc::new(ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(url: &str) -> String {
        let target = Target::new(url, &Options::default());
        target.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn an_address_is_taken_apart() {
        let target = Target::new("ws://[::1]:4500", &Options::default()).unwrap();
        assert_eq!((target.host.as_str(), target.port), ("::1", 4500));
        let target = Target::new("wss://executor.example/", &Options::default()).unwrap();
        assert_eq!((target.host.as_str(), target.port), ("executor.example", 443));
        assert!(target.tls.is_some());
        let target = Target::new("ws://[::1]", &Options::default()).unwrap();
        assert_eq!((target.host.as_str(), target.port), ("::1", 80));
    }

    #[test]
    fn other_addresses_are_refused() {
        for url in [
            "http://127.0.0.1:1",
            "127.0.0.1:1",
            "",
            "ws://me:secret@host:1",
            "unix:/x",
            "ws://:4500",
            "ws://host:99999",
            "ws://host:0",
            "wss://[::1]:x",
        ] {
            assert!(error(url).contains("the URL of an exec-server"), "{url}: {}", error(url));
        }
    }

    #[test]
    fn the_request_has_the_token_and_no_origin() {
        let options = Options::default().token("s3cret");
        let request = Target::new("ws://127.0.0.1:1", &options).unwrap().request().unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer s3cret");
        assert!(!request.headers().contains_key("origin"));
        assert!(!format!("{request:?}{options:?}").contains("s3cret"));
    }

    #[test]
    fn a_token_that_changes_is_asked_for_with_every_connection() {
        let count = std::sync::atomic::AtomicUsize::new(0);
        let next = move || count.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
        let options = Options::default().token(Token::from_fn(next));
        let target = Target::new("ws://127.0.0.1:1", &options).unwrap();
        for number in ["0", "1"] {
            let request = target.request().unwrap();
            assert_eq!(request.headers()[AUTHORIZATION], format!("Bearer {number}"));
        }
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_refused() {
        let options = Options::default().token("a\nb");
        let request = Target::new("ws://127.0.0.1:1", &options).unwrap().request();
        assert!(matches!(request, Err(ConnectError::Token)));
    }
}
