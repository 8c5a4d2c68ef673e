//! What a client does with a far process.

use std::time::Duration;

use bytes::Bytes;
use farpipe_core::{End, Envelope, Event, JsonRpc, Limits};
use farpipe_driver::Handle;
use farpipe_exec_server::{ConnectError, ExecServer, Options, ProcessSpec};
use farpipe_tokio::TokioRuntime;
use serde_json::json;
use tokio::time::timeout;

/// Far above what any of these takes.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(120);

pub(crate) type Session = Handle<JsonRpc>;

pub(crate) async fn connect(url: &str, options: Options) -> ExecServer {
    try_connect(url, options).await.unwrap()
}

pub(crate) async fn try_connect(url: &str, options: Options) -> Result<ExecServer, ConnectError> {
    let runtime = TokioRuntime::current();
    timeout(WATCHDOG, ExecServer::connect(url, options, &runtime)).await.unwrap()
}

pub(crate) async fn session(server: &ExecServer, spec: ProcessSpec) -> Session {
    session_with(server, spec, Limits::default()).await
}

pub(crate) async fn session_with(
    server: &ExecServer,
    spec: ProcessSpec,
    limits: Limits,
) -> Session {
    let process = timeout(WATCHDOG, server.start(&spec)).await.unwrap().unwrap();
    farpipe_driver::spawn(JsonRpc, limits, process, &TokioRuntime::current()).unwrap()
}

pub(crate) async fn next(session: &Session) -> Event<Envelope> {
    timeout(WATCHDOG, session.next_event()).await.unwrap().unwrap()
}

pub(crate) async fn next_message(session: &Session) -> Envelope {
    loop {
        match next(session).await {
            Event::Message(message) => return message,
            Event::Exited { .. } | Event::Stderr(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) async fn end(session: &Session) -> End {
    loop {
        if let Event::End(end) = next(session).await {
            return end;
        }
    }
}

pub(crate) fn numbered(number: usize) -> Bytes {
    json!({ "jsonrpc": "2.0", "id": number, "result": "x".repeat(number % 300) }).to_string().into()
}

pub(crate) fn shell(script: &str) -> ProcessSpec {
    ProcessSpec::new("sh").args(["-c", script])
}

/// What was written to its own stdout shows which process to wait for.
pub(crate) async fn pid(session: &Session) -> String {
    next_message(session).await.id().unwrap().to_string()
}

/// Ends as soon as the process `pid` has.
pub(crate) async fn watch(exec: &ExecServer, pid: &str) -> Session {
    let spec = ProcessSpec::new("tail").arg(format!("--pid={pid}")).args(["-f", "/dev/null"]);
    session(exec, spec).await
}

pub(crate) const TELL_PID: &str = r#"echo "{\"jsonrpc\":\"2.0\",\"id\":$$,\"result\":0}""#;
