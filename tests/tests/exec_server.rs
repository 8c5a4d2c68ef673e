//! Processes behind a real `codex exec-server`.
#![cfg(unix)]

#[path = "exec_server/access.rs"]
mod access;
#[path = "exec_server/client.rs"]
mod client;
#[path = "exec_server/fake.rs"]
mod fake;
#[path = "exec_server/handover.rs"]
mod handover;
#[path = "exec_server/lies.rs"]
mod lies;
#[path = "exec_server/links.rs"]
mod links;
#[path = "exec_server/losses.rs"]
mod losses;

use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt as _,
    time::{Duration, Instant},
};

use client::{
    TELL_PID, WATCHDOG, connect, end, next_message, numbered, pid, session, session_with, shell,
    try_connect, watch,
};
use farpipe_core::{Cause, Delivery, Exit, Limits};
use farpipe_exec_server::{Options, ProcessSpec, StartError};
use farpipe_rmcp::FarTransport;
use farpipe_tests::{
    exec_server::{Proxy, Server},
    peers,
};
use farpipe_tokio::TokioRuntime;
use rmcp::{ServiceExt as _, model::CallToolRequestParams};
use serde_json::json;
use tokio::time::timeout;

#[tokio::test]
async fn what_is_sent_comes_back() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let exec = connect(&server.url, Options::default()).await;
    let cat = session(&exec, ProcessSpec::new("cat")).await;
    let mut rounds = Vec::new();
    for number in 0..500 {
        let start = Instant::now();
        let sent = cat.send(numbered(number)).unwrap();
        assert_eq!(next_message(&cat).await.raw(), &numbered(number));
        assert_eq!(timeout(WATCHDOG, sent).await.unwrap(), Delivery::Accepted);
        rounds.push(start.elapsed());
    }
    rounds.sort();
    // With an acknowledgement that comes late, each takes 40 ms and more.
    assert!(rounds[rounds.len() / 2] < Duration::from_millis(25), "{:?}", rounds[rounds.len() / 2]);
    let end = timeout(WATCHDOG, cat.close()).await.unwrap();
    assert_eq!((end.cause, end.exit, end.lost), (Cause::Requested, Some(Exit::Code(130)), 0));
}

/// Every check of the kit but the ones for what this executor does not offer: closing stdin, and
/// refusing replays.
#[tokio::test]
async fn a_far_process_keeps_the_contract_of_executors() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let exec = connect(&server.url, Options::default()).await;
    let start = async |script| exec.start(&shell(script)).await.unwrap();
    let report = farpipe_sim::kit::check(start).await.unwrap();
    print!("{report}");
    assert_eq!((report.passed.len(), report.skipped.len()), (8, 2));
}

#[tokio::test]
async fn the_server_tells_who_it_is_and_how_far_away() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let exec = connect(&server.url, Options::default().token("not asked for")).await;
    let info = exec.info();
    assert_eq!(info.version.as_deref(), Some("0.169.0"));
    assert_eq!(info.platform.as_deref(), Some(std::env::consts::OS));
    assert!(info.cwd.unwrap().starts_with("file:///"));
    assert_eq!(info.session.len(), "01234567-89ab-cdef-0123-456789abcdef".len());
    assert!(info.token_sent && !info.tls);
    assert!(timeout(WATCHDOG, exec.ping()).await.unwrap().unwrap() > Duration::ZERO);
}

/// The same servers as on this machine, under a real client.
#[tokio::test]
async fn an_mcp_server_answers() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let Some(peer) = peers::everything().unwrap() else { return };
    let exec = connect(&server.url, Options::default()).await;
    let spec = ProcessSpec::new(peer.program).args(peer.args);
    let process = timeout(WATCHDOG, exec.start(&spec)).await.unwrap().unwrap();
    let transport = FarTransport::new(process, &TokioRuntime::current());
    let monitor = transport.monitor();
    let client = timeout(WATCHDOG, ().serve(transport)).await.unwrap().unwrap();

    assert!(!timeout(WATCHDOG, client.list_all_tools()).await.unwrap().unwrap().is_empty());
    let message = "far away ".repeat(20_000);
    let arguments = json!({ "message": message }).as_object().unwrap().clone();
    let params = CallToolRequestParams::new("echo").with_arguments(arguments);
    let answer = timeout(WATCHDOG, client.call_tool(params)).await.unwrap().unwrap();
    assert_eq!(answer.content[0].as_text().unwrap().text, format!("Echo: {message}"));

    timeout(WATCHDOG, client.cancel()).await.unwrap().unwrap();
    let end = monitor.end().unwrap();
    assert_eq!((end.cause, end.lost), (Cause::Requested, 0));
}

/// More than 20 MB at once, and a session that takes less at a time than the connection may hold.
#[tokio::test]
async fn a_flood_arrives_complete() {
    const LINES: usize = 200_000;
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let options = Options { queue_bytes: 100_000, ..Options::default() };
    let exec = connect(&server.url, options).await;
    let pad = "x".repeat(70);
    let format = format!(r#"{{"jsonrpc":"2.0","id":%.0f,"result":"{pad}"}}"#);
    let spec = ProcessSpec::new("seq").args(["-f", &format, "1", &LINES.to_string()]);
    let limits = Limits { inbox_bytes: 50_000, ..Limits::default() };
    let flood = session_with(&exec, spec, limits).await;
    let mut bytes = 0;
    for number in 1..=LINES {
        let message = next_message(&flood).await;
        bytes += message.raw().len();
        assert_eq!(message.id().unwrap().to_string(), number.to_string());
    }
    assert!(bytes > 20_000_000, "{bytes}");
    let end = end(&flood).await;
    assert_eq!((end.cause, end.exit, end.lost), (Cause::Closed, Some(Exit::Code(0)), 0));
    assert_eq!(flood.monitor().stats().replays, 0);
}

#[tokio::test]
async fn the_exit_code_and_the_last_words_are_told() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let exec = connect(&server.url, Options::default()).await;
    let spec = shell("echo \"$WHY in $PWD\" >&2; exit 7").env("WHY", "fell").cwd("file:///tmp");
    let end = end(&session(&exec, spec).await).await;
    assert_eq!((end.cause, end.exit), (Cause::Closed, Some(Exit::Code(7))));
    assert_eq!(end.stderr_tail, "fell in /tmp\n");
}

#[tokio::test]
async fn a_command_that_cannot_run_is_told() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let exec = connect(&server.url, Options::default()).await;
    let start = async |spec| timeout(WATCHDOG, exec.start(&spec)).await.unwrap().unwrap_err();
    let error = start(ProcessSpec::new("/nowhere/farpipe")).await;
    assert!(matches!(&error, StartError::Spawn { message } if !message.is_empty()), "{error:?}");
    let error = start(ProcessSpec::new("cat").cwd("/tmp")).await;
    assert_eq!(error, StartError::Cwd { given: "/tmp".into() });
    // The connection is none the worse.
    let end = end(&session(&exec, ProcessSpec::new("true")).await).await;
    assert_eq!(end.exit, Some(Exit::Code(0)));
}

/// <https://github.com/openai/codex/pull/18212>
#[tokio::test]
async fn an_argument_that_is_not_unicode_is_refused_before_any_request() {
    let Some(mut server) = Server::start(&[]).unwrap() else { return };
    let exec = connect(&server.url, Options::default()).await;
    // Nobody is left to ask.
    server.kill();
    let spec = ProcessSpec::new("cat").arg(OsString::from_vec(vec![0xff]));
    let error = timeout(WATCHDOG, exec.start(&spec)).await.unwrap().unwrap_err();
    assert_eq!(error, StartError::NotUnicode { index: 1 });
}

#[tokio::test]
async fn a_process_is_terminated() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let exec = connect(&server.url, Options::default()).await;
    let stubborn = session(&exec, shell("trap '' INT TERM; sleep 1000 & wait; wait")).await;
    stubborn.terminate();
    let end = end(&stubborn).await;
    assert_eq!((end.cause, end.exit), (Cause::Requested, Some(Exit::Code(137))));
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn dropping_a_session_ends_the_process() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let exec = connect(&server.url, Options::default()).await;
    let sleeper = session(&exec, shell(&format!("{TELL_PID}; exec sleep 1000"))).await;
    let watcher = watch(&exec, &pid(&sleeper).await).await;
    std::thread::spawn(move || drop(sleeper)).join().unwrap();
    assert_eq!(end(&watcher).await.exit, Some(Exit::Code(0)));
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_start_that_is_not_awaited_leaves_nothing_running() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let exec = connect(&server.url, Options::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid").display().to_string();
    let start = exec.start(&shell(&format!("echo $$ >{file}; exec sleep 1000")));
    tokio::select! {
        biased;
        started = start => drop(started),
        // Long enough for the request to leave.
        () = tokio::task::yield_now() => {}
    }
    let spec = shell(&format!("[ ! -s {file} ] || exec tail --pid=$(cat {file}) -f /dev/null"));
    assert_eq!(end(&session(&exec, spec).await).await.exit, Some(Exit::Code(0)));
}

/// The server itself has no TLS: what stands in front of it has to show a certificate that is known.
#[tokio::test]
async fn a_certificate_is_verified() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let (proxy, known) = Proxy::start_tls(server.port()).await;
    let error = try_connect(&proxy.url, Options::default()).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");

    let exec = connect(&proxy.url, Options { tls: Some(known), ..Options::default() }).await;
    let cat = session(&exec, ProcessSpec::new("cat")).await;
    for number in 0..50 {
        drop(cat.send(numbered(number)).unwrap());
        assert_eq!(next_message(&cat).await.raw(), &numbered(number));
    }
}

#[tokio::test]
async fn processes_share_a_connection_and_not_their_fates() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let exec = connect(&server.url, Options::default()).await;
    let (one, other) = tokio::join!(
        session(&exec, ProcessSpec::new("cat")),
        session(&exec, ProcessSpec::new("cat"))
    );
    for number in 0..100 {
        drop(one.send(numbered(2 * number)).unwrap());
        drop(other.send(numbered(2 * number + 1)).unwrap());
    }
    for number in 0..100 {
        assert_eq!(next_message(&one).await.raw(), &numbered(2 * number));
        assert_eq!(next_message(&other).await.raw(), &numbered(2 * number + 1));
    }
    one.terminate();
    assert_eq!(end(&one).await.exit, Some(Exit::Code(137)));
    drop(other.send(numbered(7)).unwrap());
    assert_eq!(next_message(&other).await.raw(), &numbered(7));
}

#[tokio::test]
async fn two_clients_do_not_meet() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let (one, other) = tokio::join!(
        connect(&server.url, Options::default()),
        connect(&server.url, Options::default())
    );
    assert_ne!(one.info().session, other.info().session);
    let (first, second) = tokio::join!(
        session(&one, ProcessSpec::new("cat")),
        session(&other, ProcessSpec::new("cat"))
    );
    for number in 0..50 {
        drop(first.send(numbered(number)).unwrap());
        drop(second.send(numbered(number + 1)).unwrap());
        assert_eq!(next_message(&first).await.raw(), &numbered(number));
        assert_eq!(next_message(&second).await.raw(), &numbered(number + 1));
    }
    drop((first, one));
    drop(second.send(numbered(7)).unwrap());
    assert_eq!(next_message(&second).await.raw(), &numbered(7));
}
