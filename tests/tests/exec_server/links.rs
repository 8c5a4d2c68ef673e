//! Links that are cut, silent, or held up.

use std::time::Duration;

use farpipe_core::{Cause, Delivery, Event, Exit, Limits};
use farpipe_exec_server::{Options, ProcessSpec, StartError};
use farpipe_tests::exec_server::{Proxy, Server};
use serde_json::json;
use tokio::time::timeout;

use crate::client::{
    TELL_PID, WATCHDOG, connect, end, next, next_message, numbered, pid, session, session_with,
    shell, watch,
};

/// A link that has become silent is noticed by the heartbeat alone. The server does not notice: it
/// refuses the resume until it does (-32010). <https://github.com/openai/codex/issues/28288>
#[tokio::test]
async fn a_link_that_is_silent_is_restored_once_the_server_has_noticed() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let proxy = Proxy::start(server.port()).await;
    let options = Options { heartbeat: Duration::from_millis(100), ..Options::default() };
    let exec = connect(&proxy.url, options).await;
    let cat = session(&exec, ProcessSpec::new("cat")).await;
    proxy.freeze();
    drop(cat.send(numbered(1)).unwrap());
    let noticed = async {
        while cat.monitor().stats().link_losses == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(WATCHDOG, noticed).await.unwrap();
    proxy.cut();
    assert_eq!(next_message(&cat).await.raw(), &numbered(1));
    assert_eq!(cat.monitor().stats().lost, 0);
}

#[tokio::test]
async fn a_session_that_stays_attached_to_a_silent_link_is_lost_in_time() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let proxy = Proxy::start(server.port()).await;
    let options = Options {
        heartbeat: Duration::from_millis(100),
        reconnect_deadline: Duration::from_secs(1),
        ..Options::default()
    };
    let exec = connect(&proxy.url, options).await;
    let cat = session(&exec, ProcessSpec::new("cat")).await;
    proxy.freeze();
    let lost = end(&cat).await;
    assert!(
        matches!(&lost.cause, Cause::SessionLost { reason } if reason.contains("-32010")),
        "{lost:?}"
    );
}

#[tokio::test]
async fn a_server_that_is_gone_ends_the_session() {
    let Some(mut server) = Server::start(&[]).unwrap() else { return };
    let options = Options { reconnect_deadline: Duration::from_secs(1), ..Options::default() };
    let exec = connect(&server.url, options).await;
    let cat = session(&exec, ProcessSpec::new("cat")).await;
    server.kill();
    let lost = end(&cat).await;
    assert!(matches!(&lost.cause, Cause::SessionLost { reason } if reason.contains("restored")));
    assert!(lost.retryable);
    let error = timeout(WATCHDOG, exec.start(&ProcessSpec::new("cat"))).await.unwrap().unwrap_err();
    assert!(matches!(error, StartError::SessionLost { .. }), "{error:?}");
}

/// A process that does not read its stdin keeps a server from answering anything on the connection.
/// It is ended all the same, and the connection works again.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_process_that_does_not_read_is_ended() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let options = Options { control_timeout: Duration::from_millis(300), ..Options::default() };
    let exec = connect(&server.url, options).await;
    let limits = Limits {
        max_write: 16_000,
        close_stdin_wait: Duration::from_millis(300),
        ..Limits::default()
    };
    let deaf = shell(&format!("{TELL_PID}; trap '' INT; exec sleep 1000"));
    let deaf = session_with(&exec, deaf, limits).await;
    let watcher = connect(&server.url, Options::default()).await;
    let watcher = watch(&watcher, &pid(&deaf).await).await;

    let message = json!({ "jsonrpc": "2.0", "id": 1, "result": "x".repeat(5_000_000) });
    let sent = deaf.send(message.to_string().into()).unwrap();
    let ended = timeout(WATCHDOG, deaf.close()).await.unwrap();
    assert!(matches!(ended.cause, Cause::SessionLost { .. }), "{ended:?}");
    assert_ne!(timeout(WATCHDOG, sent).await.unwrap(), Delivery::Accepted);
    drop(deaf);
    assert_eq!(end(&watcher).await.exit, Some(Exit::Code(0)));
    let cat = session(&exec, ProcessSpec::new("cat")).await;
    drop(cat.send(numbered(1)).unwrap());
    assert_eq!(next_message(&cat).await.raw(), &numbered(1));
}

/// A process that does not read its stdin, on a server that does one thing at a time: the others get
/// their turn, and it gets its write when it reads.
#[tokio::test]
async fn a_process_that_does_not_read_holds_others_up_for_a_while_only() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let short = Duration::from_millis(300);
    let options = Options { request_timeout: short, control_timeout: short, ..Options::default() };
    let exec = connect(&server.url, options).await;
    let folder = tempfile::tempdir().unwrap();
    let flag = folder.path().join("read");
    let wait = format!("until [ -e {} ]; do sleep 0.05; done; exec cat", flag.display());
    let limits = Limits { max_write: 16_000, ..Limits::default() };
    let deaf = session_with(&exec, shell(&wait), limits).await;
    let cat = session(&exec, ProcessSpec::new("cat")).await;
    let message = json!({ "jsonrpc": "2.0", "id": 1, "result": "x".repeat(5_000_000) });
    let long = deaf.send(message.to_string().into()).unwrap();
    let (mut number, mut held_up) = (0, 0);
    while held_up < 5 {
        drop(cat.send(numbered(number)).unwrap());
        assert_eq!(next_message(&cat).await.raw(), &numbered(number));
        number += 1;
        held_up += usize::from(cat.monitor().stats().link_losses > 0);
        let start = timeout(WATCHDOG, exec.start(&ProcessSpec::new("true"))).await.unwrap();
        assert!(matches!(start, Ok(_) | Err(StartError::Interrupted)), "{start:?}");
    }
    std::fs::write(flag, "").unwrap();
    assert_eq!(timeout(WATCHDOG, long).await.unwrap(), Delivery::Accepted);
    assert_eq!(next_message(&deaf).await.raw(), message.to_string().as_bytes());
}

/// What the server did not keep while the link was down is reported, and nothing is parsed from what
/// lies on both sides of it. <https://github.com/openai/codex/issues/28288>
#[tokio::test]
async fn a_flood_over_a_link_that_is_cut_tells_what_is_lost() {
    const LINES: u64 = 300_000;
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let proxy = Proxy::start(server.port()).await;
    let exec = connect(&proxy.url, Options::default()).await;
    let pad = "x".repeat(40);
    let format = format!(r#"{{"jsonrpc":"2.0","id":%.0f,"result":"{pad}"}}"#);
    let spec = ProcessSpec::new("seq").args(["-f", &format, "1", &LINES.to_string()]);
    let flood = session(&exec, spec).await;
    let (mut before, mut received, mut holes, mut all_holes) = (0, 0, 0, 0);
    let end = loop {
        match next(&flood).await {
            Event::Message(message) => {
                let number = message.id().unwrap().to_string().parse().unwrap();
                assert!(
                    number == before + 1 || (number > before && holes > 0),
                    "{before}, {number}"
                );
                (before, holes, received) = (number, 0, received + 1);
                if received % 20_000 == 0 {
                    proxy.cut();
                }
            }
            Event::Lost(_) => (holes, all_holes) = (holes + 1, all_holes + 1),
            Event::End(end) => break end,
            _ => {}
        }
    };
    assert_eq!((end.cause, end.exit), (Cause::Closed, Some(Exit::Code(0))));
    assert_eq!(received == LINES, all_holes == 0, "{received} received, {all_holes} holes");
    assert!(flood.monitor().stats().link_losses > 0);
}
