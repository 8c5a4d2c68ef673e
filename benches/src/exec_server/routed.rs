//! A client of several processes as it is usually built, and as the server's own is: a task reads
//! messages of any kind, another one routes them, and the process's user takes chunks from a channel.

use std::collections::HashMap;

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio_tungstenite::tungstenite::Message;

use super::plain::{Socket, start, take_lines};

const CAPACITY: usize = 128;

/// Whatever has the shape, in the order of JSON-RPC's own description.
#[derive(Deserialize)]
#[serde(untagged)]
enum JsonRpc {
    Request {
        #[serde(rename = "id")]
        _id: i64,
        #[serde(rename = "method")]
        _method: String,
    },
    Notification {
        method: String,
        params: Option<Value>,
    },
    Other {},
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    process_id: String,
    chunk: String,
}

pub(super) fn flood(url: &str, lines: usize) -> anyhow::Result<usize> {
    super::run(count(url.to_owned(), lines))
}

async fn count(url: String, lines: usize) -> anyhow::Result<usize> {
    let socket = start(&url, lines).await?;
    let (to_router, messages) = mpsc::channel(CAPACITY);
    let (to_user, mut chunks) = mpsc::channel(CAPACITY);
    tokio::spawn(read(socket, to_router));
    tokio::spawn(route(messages, HashMap::from([("flood".to_owned(), to_user)])));
    let (mut buffer, mut seen) = (Vec::new(), 0);
    while seen < lines {
        buffer.extend_from_slice(&chunks.recv().await.context("more output")?);
        seen += take_lines(&mut buffer);
    }
    Ok(seen)
}

async fn read(mut socket: Socket, to: Sender<JsonRpc>) -> anyhow::Result<()> {
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message? {
            to.send(serde_json::from_str(&text)?).await?;
        }
    }
    Ok(())
}

async fn route(
    mut from: Receiver<JsonRpc>,
    users: HashMap<String, Sender<Vec<u8>>>,
) -> anyhow::Result<()> {
    while let Some(message) = from.recv().await {
        let JsonRpc::Notification { method, params: Some(params) } = message else { continue };
        if method != "process/output" {
            continue;
        }
        let output: Output = serde_json::from_value(params)?;
        if let Some(user) = users.get(&output.process_id) {
            user.send(BASE64_STANDARD.decode(output.chunk)?).await?;
        }
    }
    Ok(())
}
