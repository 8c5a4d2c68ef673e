//! The transport under a real rmcp client, against servers that are a few lines of shell.

#![cfg(unix)]

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use farpipe_core::{Cause, Event, Exit};
use farpipe_rmcp::{FarTransport, Options, STDERR_TARGET, SendFailed};
use farpipe_tokio::{LocalProcess, TokioRuntime};
use rmcp::{
    RoleClient, ServiceError, ServiceExt as _, model::CallToolRequestParams,
    service::RunningService, transport::Transport as _,
};
use tokio::{process::Command, time::timeout};

/// Far above what any of these takes.
const WATCHDOG: Duration = Duration::from_secs(60);

/// Answers the handshake; `$1` is what it does afterwards.
const HANDSHAKE: &str = r#"
    read -r line
    id=$(printf '%s' "$line" | sed 's/.*"id":\([0-9]*\).*/\1/')
    printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"shell","version":"1"}}}\n' "$id"
    read -r initialized
"#;

fn shell(script: &str) -> LocalProcess {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    LocalProcess::spawn(command).unwrap()
}

fn transport(script: &str) -> FarTransport {
    FarTransport::new(shell(script), &TokioRuntime::current())
}

async fn client(transport: FarTransport) -> RunningService<RoleClient, ()> {
    timeout(WATCHDOG, ().serve(transport)).await.unwrap().unwrap()
}

fn is_alive(pid: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie has ended; nobody has asked how yet.
    state
        .rsplit(')')
        .next()
        .is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
}

/// <https://github.com/MoonshotAI/kimi-code/issues/2109>
#[tokio::test]
async fn death_with_three_calls_in_flight_fails_all_three() {
    let transport =
        transport(&format!("{HANDSHAKE} read a; read b; read c; echo 'out of memory' >&2; exit 7"));
    let monitor = transport.monitor();
    let client = client(transport).await;
    let call = || client.call_tool(CallToolRequestParams::new("any"));
    let results = timeout(WATCHDOG, async { tokio::join!(call(), call(), call()) }).await.unwrap();
    for result in [results.0, results.1, results.2] {
        assert!(result.is_err());
    }
    let end = timeout(WATCHDOG, monitor.ended()).await.unwrap();
    assert_eq!(end.cause, Cause::Closed);
    assert_eq!(end.exit, Some(Exit::Code(7)));
    assert_eq!(&end.stderr_tail[..], b"out of memory\n");
}

/// <https://github.com/bigduu/Bamboo-agent/issues/354>
#[tokio::test]
async fn drop_after_a_failed_initialize_ends_the_process() {
    let process = shell(
        "read -r line; echo '{\"jsonrpc\":\"2.0\",\"id\":0,\"error\":{\"code\":-32603,\"message\":\"no\"}}'; sleep 600",
    );
    let pid = process.id();
    let transport = FarTransport::new(process, &TokioRuntime::current());
    let monitor = transport.monitor();
    assert!(is_alive(pid));
    let result = timeout(WATCHDOG, ().serve(transport)).await.unwrap();
    assert!(result.is_err());
    let end = timeout(WATCHDOG, monitor.ended()).await.unwrap();
    assert_eq!(end.exit, Some(Exit::Signal(9)));
    assert!(!is_alive(pid));
}

/// What killed the server is known even though rmcp gives the transport up at the first failed send.
/// <https://github.com/supercorp-ai/supergateway/issues/139>
#[tokio::test]
async fn death_in_the_handshake_is_explained_by_the_monitor() {
    for _ in 0..20 {
        let transport = transport("echo 'no API key' >&2; exit 3");
        let monitor = transport.monitor();
        assert!(timeout(WATCHDOG, ().serve(transport)).await.unwrap().is_err());
        let end = timeout(WATCHDOG, monitor.ended()).await.unwrap();
        assert_eq!(end.exit, Some(Exit::Code(3)));
        assert_eq!(&monitor.stderr_tail()[..], b"no API key\n");
    }
}

#[tokio::test]
async fn cancel_lets_the_process_end_by_itself() {
    let transport = transport(&format!("{HANDSHAKE} cat > /dev/null; echo 'saved' >&2; exit 0"));
    let monitor = transport.monitor();
    let client = client(transport).await;
    timeout(WATCHDOG, client.cancel()).await.unwrap().unwrap();
    let end = monitor.end().unwrap();
    assert_eq!((end.cause, end.exit), (Cause::Requested, Some(Exit::Code(0))));
    assert_eq!(&end.stderr_tail[..], b"saved\n");
    assert_eq!(monitor.stats().messages, 1);
}

#[tokio::test]
async fn a_send_to_a_server_that_is_gone_says_why_it_is_gone() {
    let mut transport = transport("exit 3");
    while transport.receive().await.is_some() {}
    let ping = serde_json::from_str(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).unwrap();
    let error = transport.send(ping).await.unwrap_err();
    assert!(matches!(&error, SendFailed::Ended(end) if end.exit == Some(Exit::Code(3))), "{error}");
    assert!(error.to_string().contains("exit code 3"));
}

/// The order is that of the calls, whatever becomes of the futures.
/// <https://github.com/modelcontextprotocol/rust-sdk/issues/1370>
#[tokio::test]
async fn sends_keep_their_order_even_if_dropped() {
    let mut transport = transport("cat");
    for id in 0..100 {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);
        let sent = transport.send(serde_json::from_str(&text).unwrap());
        if id % 2 == 0 {
            drop(sent);
        } else {
            drop(tokio::spawn(sent));
        }
    }
    for id in 0..100 {
        let message = timeout(WATCHDOG, transport.receive()).await.unwrap().unwrap();
        let (_, answered) = message.into_response().unwrap();
        assert_eq!(answered, rmcp::model::NumberOrString::Number(id));
    }
}

/// A decoder error or an answer without a taker must not end the stream.
#[tokio::test]
async fn noise_is_shown_to_the_observer_and_the_call_goes_on() {
    let notices = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&notices);
    let options = Options::new().name("shell").observe(move |notice| {
        if let Event::Noise(line) | Event::Malformed(line) = notice {
            seen.lock().unwrap().push(String::from_utf8_lossy(&line.head).into_owned());
        }
    });
    let script = format!(
        "echo '  ____ banner'; {HANDSHAKE} echo '{{broken'; read -r line; echo \"$line\" | sed 's/,\"method.*/,\"result\":{{\"tools\":[]}}}}/'; cat"
    );
    let transport = FarTransport::with(options, shell(&script), &TokioRuntime::current()).unwrap();
    let client = client(transport).await;
    let tools = timeout(WATCHDOG, client.list_all_tools()).await.unwrap();
    assert!(matches!(tools, Ok(tools) if tools.is_empty()));
    assert_eq!(*notices.lock().unwrap(), ["  ____ banner", "{broken"]);
    client.cancel().await.unwrap();
}

/// <https://github.com/modelcontextprotocol/rust-sdk/issues/938>
#[tokio::test]
async fn an_answer_above_the_limit_is_an_error_of_its_call_and_the_next_call_works() {
    let script = format!(
        "{HANDSHAKE} read -r line
        id=$(printf '%s' \"$line\" | sed 's/.*\"id\":\\([0-9]*\\).*/\\1/')
        head -c 20971520 /dev/zero | tr '\\0' 'x' | sed 's/^/{{\"result\":\"/'
        printf '\",\"jsonrpc\":\"2.0\",\"id\":%s}}\\n' \"$id\"
        read -r line
        id=$(printf '%s' \"$line\" | sed 's/.*\"id\":\\([0-9]*\\).*/\\1/')
        printf '{{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{{\"content\":[]}}}}\\n' \"$id\"
        cat"
    );
    let transport = transport(&script);
    let monitor = transport.monitor();
    let client = client(transport).await;
    let call = || client.call_tool(CallToolRequestParams::new("any"));
    let error = timeout(WATCHDOG, call()).await.unwrap().unwrap_err();
    let ServiceError::McpError(error) = error else { panic!("{error:?}") };
    assert!(error.message.contains("max_line"), "{error:?}");
    assert_eq!(error.data.unwrap()["value"], 16 << 20);
    assert!(timeout(WATCHDOG, call()).await.unwrap().is_ok());
    assert_eq!(monitor.stats().oversized, 1);
    client.cancel().await.unwrap();
}

/// A call that never ends does not keep the client from leaving.
#[tokio::test]
async fn close_with_a_call_in_flight_ends() {
    let transport = transport(&format!("{HANDSHAKE} cat > /dev/null"));
    let client = client(transport).await;
    let peer = client.peer().clone();
    let call =
        tokio::spawn(async move { peer.call_tool_once(CallToolRequestParams::new("any")).await });
    timeout(WATCHDOG, client.cancel()).await.unwrap().unwrap();
    let result = timeout(WATCHDOG, call).await.unwrap().unwrap();
    assert!(matches!(result, Err(ServiceError::TransportClosed | ServiceError::McpError(_))));
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn stderr_becomes_tracing_events_with_the_servers_name() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let options = Options::new().name("search");
    let process = shell("echo 'index loaded' >&2");
    let mut transport = FarTransport::with(options, process, &TokioRuntime::current()).unwrap();
    while transport.receive().await.is_some() {}
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let line = text.lines().find(|line| line.contains("index loaded")).unwrap();
    assert!(line.contains(STDERR_TARGET) && line.contains("server=\"search\""), "{text}");
}
