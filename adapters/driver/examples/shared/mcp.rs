//! A look at an MCP server, the same on every runtime: a handle needs none.

use anyhow::{bail, ensure};
use farpipe_core::{Event, JsonRpc, Kind};
use farpipe_driver::Handle;
use serde_json::Value;

#[path = "command.rs"]
mod command;
pub(crate) use command::server;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"inspect","version":"1.0"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const LIST_TOOLS: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;

/// Prints the server's name and tools, closes it, and tells how it ended, whatever came before.
pub(crate) async fn inspect(server: &Handle<JsonRpc>) -> anyhow::Result<()> {
    let shown = show(server).await;
    println!("{}", server.close().await);
    shown
}

async fn show(server: &Handle<JsonRpc>) -> anyhow::Result<()> {
    let hello = ask(server, INITIALIZE, 1).await?;
    println!("{} {}", text(&hello, "/serverInfo/name"), text(&hello, "/serverInfo/version"));
    server.send(INITIALIZED.into())?;
    for tool in ask(server, LIST_TOOLS, 2).await?["tools"].as_array().into_iter().flatten() {
        println!("  tool {}", text(tool, "/name"));
    }
    Ok(())
}

/// Sends a request and waits for its answer; everything else that comes is passed over.
async fn ask(server: &Handle<JsonRpc>, request: &'static str, id: i64) -> anyhow::Result<Value> {
    server.send(request.into())?;
    while let Some(event) = server.next_event().await {
        if let Event::Message(message) = event
            && message.id() == Some(&id.into())
        {
            ensure!(message.kind() == Kind::Response, "refused: {:?}", message.error());
            return Ok(message.decode_result()?);
        }
    }
    bail!("the server ended without an answer")
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("?")
}
