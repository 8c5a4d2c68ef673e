//! Real MCP servers under a real rmcp client, over our transport.

use std::{fs, sync::Arc, time::Duration};

use farpipe_core::{Cause, Exit};
use farpipe_rmcp::{FarTransport, Monitor};
use farpipe_tests::peers::{self, PeerCommand};
use farpipe_tokio::{LocalProcess, TokioRuntime};
use rmcp::{
    RoleClient, ServiceExt as _,
    model::{CallToolRequestParams, CallToolResult},
    service::RunningService,
};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::timeout};

/// Far above what any of these takes.
const WATCHDOG: Duration = Duration::from_secs(120);

type Client = RunningService<RoleClient, ()>;

async fn start(peer: PeerCommand) -> (Client, Monitor) {
    let process = LocalProcess::spawn(peer.command()).unwrap();
    let transport = FarTransport::new(process, &TokioRuntime::current());
    let monitor = transport.monitor();
    let client = timeout(WATCHDOG, ().serve(transport)).await.unwrap().unwrap();
    (client, monitor)
}

async fn call(client: &Client, tool: &'static str, arguments: Value) -> CallToolResult {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    let params = CallToolRequestParams::new(tool).with_arguments(arguments);
    timeout(WATCHDOG, client.call_tool(params)).await.unwrap().unwrap()
}

fn text(result: &CallToolResult) -> &str {
    &result.content[0].as_text().unwrap().text
}

async fn stop(client: Client, monitor: &Monitor) {
    timeout(WATCHDOG, client.cancel()).await.unwrap().unwrap();
    let end = monitor.end().unwrap();
    assert_eq!((end.cause, end.exit, end.lost), (Cause::Requested, Some(Exit::Code(0)), 0));
}

/// Many large answers at once, while rmcp drops and recreates its receive on every turn.
/// <https://github.com/modelcontextprotocol/rust-sdk/issues/947>
#[tokio::test]
async fn everything_answers_many_large_calls_at_once() {
    let Some(peer) = peers::everything().unwrap() else { return };
    let (client, monitor) = start(peer).await;
    let client = Arc::new(client);
    let mut calls = JoinSet::new();
    for index in 0..100 {
        let client = Arc::clone(&client);
        let message = format!("{index}:{}", "x".repeat(50_000));
        calls.spawn(async move {
            let result = call(&client, "echo", json!({ "message": message })).await;
            assert_eq!(text(&result), format!("Echo: {message}"));
        });
    }
    assert_eq!(calls.join_all().await.len(), 100);
    let client = Arc::into_inner(client).unwrap();
    assert!(monitor.stats().writes <= 101, "waiting calls are joined into one write");
    stop(client, &monitor).await;
}

#[tokio::test]
async fn filesystem_reads_what_lies_there() {
    let folder = tempfile::tempdir().unwrap();
    let folder_path = fs::canonicalize(folder.path()).unwrap();
    let Some(peer) = peers::filesystem(&folder_path).unwrap() else { return };
    let content = "first line\n\u{2028}second\u{85}line\n".repeat(20_000);
    let path = folder_path.join("large.txt");
    fs::write(&path, &content).unwrap();
    let (client, monitor) = start(peer).await;
    let result = call(&client, "read_text_file", json!({ "path": path })).await;
    assert_eq!(text(&result), content);
    stop(client, &monitor).await;
}

#[tokio::test]
async fn time_tells_the_time() {
    let Some(peer) = peers::time().unwrap() else { return };
    let (client, monitor) = start(peer).await;
    let result = call(&client, "get_current_time", json!({ "timezone": "UTC" })).await;
    assert!(text(&result).contains("UTC"), "{result:?}");
    stop(client, &monitor).await;
}
