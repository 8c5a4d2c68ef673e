//! Servers that want to know who comes.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64_simd::URL_SAFE_NO_PAD;
use farpipe_core::{Cause, Exit};
use farpipe_exec_server::{ConnectError, Options, ProcessSpec, Token};
use farpipe_tests::exec_server::{Proxy, Server};
use ring::hmac;
use serde_json::json;

use crate::client::{connect, end, next_message, numbered, session, try_connect};

#[tokio::test]
async fn a_token_is_needed_where_the_server_wants_one() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "open sesame\n").unwrap();
    let args = ["--ws-auth", "capability-token", "--ws-token-file", token.to_str().unwrap()];
    let Some(server) = Server::start(&args).unwrap() else { return };
    for wrong in [Options::default(), Options::default().token("open barley")] {
        let error = try_connect(&server.url, wrong).await.unwrap_err();
        assert!(matches!(error, ConnectError::Denied { status: 401 }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("barley"));
    }
    let exec = connect(&server.url, Options::default().token("open sesame")).await;
    let end = end(&session(&exec, ProcessSpec::new("true")).await).await;
    assert_eq!(end.exit, Some(Exit::Code(0)));
}

const SECRET: &[u8] = b"a shared secret of 32 bytes or more";

/// A token that expires so many seconds from now.
fn signed(expires_in: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let encode = |text: String| URL_SAFE_NO_PAD.encode_to_string(text);
    let header = encode(json!({ "alg": "HS256", "typ": "JWT" }).to_string());
    let claims = encode(json!({ "exp": i64::try_from(now).unwrap() + expires_in }).to_string());
    let signed = format!("{header}.{claims}");
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode_to_string(signature))
}

fn signed_server() -> Option<Server> {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, SECRET).unwrap();
    let secret = secret.to_str().unwrap();
    let args = ["--ws-auth", "signed-bearer-token", "--ws-shared-secret-file", secret];
    Server::start(&args).unwrap()
}

#[tokio::test]
async fn a_signed_token_is_taken_until_it_expires() {
    let Some(server) = signed_server() else { return };
    let exec = connect(&server.url, Options::default().token(signed(60))).await;
    assert_eq!(
        end(&session(&exec, ProcessSpec::new("true")).await).await.exit,
        Some(Exit::Code(0))
    );
    for wrong in [signed(-3600), signed(60).replace('.', "x."), "none".into()] {
        let error = try_connect(&server.url, Options::default().token(wrong)).await.unwrap_err();
        assert!(matches!(error, ConnectError::Denied { status: 401 }), "{error:?}");
    }
}

/// A token that has expired does not end a connection, but a resume needs a fresh one.
#[tokio::test]
async fn a_link_is_restored_with_a_fresh_token() {
    let Some(server) = signed_server() else { return };
    let proxy = Proxy::start(server.port()).await;
    let newest = Arc::new(Mutex::new(signed(60)));
    let token = Arc::clone(&newest);
    let token = Token::from_fn(move || std::mem::take(&mut *token.lock().unwrap()));
    let exec = connect(&proxy.url, Options::default().token(token)).await;
    let cat = session(&exec, ProcessSpec::new("cat")).await;
    *newest.lock().unwrap() = signed(60);
    proxy.cut();
    drop(cat.send(numbered(1)).unwrap());
    assert_eq!(next_message(&cat).await.raw(), &numbered(1));
    // The next one is empty.
    proxy.cut();
    let lost = end(&cat).await;
    assert!(
        matches!(&lost.cause, Cause::SessionLost { reason } if reason.contains("401")),
        "{lost}"
    );
}

#[tokio::test]
async fn a_server_that_was_restarted_ends_the_session() {
    let Some(mut server) = Server::start(&[]).unwrap() else { return };
    let Some(other) = Server::start(&[]).unwrap() else { return };
    let proxy = Proxy::start(server.port()).await;
    let exec = connect(&proxy.url, Options::default()).await;
    let cat = session(&exec, ProcessSpec::new("cat")).await;
    proxy.lead_to(other.port());
    server.kill();
    let lost = end(&cat).await;
    assert!(
        matches!(&lost.cause, Cause::SessionLost { reason }
            if reason.contains("does not know the session") && reason.contains("-32600")),
        "{lost}"
    );
    assert!(lost.retryable);
}

#[tokio::test]
async fn a_restored_link_is_not_tried_for_ever() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let proxy = Proxy::start(server.port()).await;
    let short = Duration::from_millis(500);
    let options = Options { reconnect_deadline: short, ..Options::default() };
    let exec = connect(&proxy.url, options).await;
    let cat = session(&exec, ProcessSpec::new("cat")).await;
    proxy.lead_to(0);
    proxy.cut();
    let lost = end(&cat).await;
    assert!(matches!(&lost.cause, Cause::SessionLost { .. }), "{lost}");
}
