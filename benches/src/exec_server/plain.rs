//! What one writes in an afternoon: no order, no replay, no limits, no end but the last line.

use anyhow::Context as _;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use super::LINE;

/// What writes the flood.
pub(super) fn command(lines: usize) -> [String; 5] {
    let format = format!("%0{}.0f", LINE - 1);
    ["seq".into(), "-f".into(), format, "1".into(), lines.to_string()]
}

#[derive(Deserialize)]
struct Notification {
    #[serde(default)]
    method: String,
    params: Option<Params>,
}

#[derive(Deserialize)]
struct Params {
    #[serde(default)]
    chunk: String,
}

/// Parses into structs.
pub(super) fn typed(url: &str, lines: usize) -> anyhow::Result<usize> {
    super::run(count(url.to_owned(), lines, |text| {
        let message: Notification = serde_json::from_str(text)?;
        let output = message.params.filter(|_| message.method == "process/output");
        Ok(output.map(|params| BASE64_STANDARD.decode(params.chunk)).transpose()?)
    }))
}

/// Parses into what can hold anything.
pub(super) fn untyped(url: &str, lines: usize) -> anyhow::Result<usize> {
    super::run(count(url.to_owned(), lines, |text| {
        let message: Value = serde_json::from_str(text)?;
        if message["method"] != "process/output" {
            return Ok(None);
        }
        let chunk = message["params"]["chunk"].as_str().context("output has a chunk")?;
        Ok(Some(BASE64_STANDARD.decode(chunk)?))
    }))
}

type Parse = fn(&str) -> anyhow::Result<Option<Vec<u8>>>;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A session with the flood started in it.
pub(super) async fn start(url: &str, lines: usize) -> anyhow::Result<Socket> {
    let (mut socket, _) = connect_async(url).await?;
    let initialize =
        json!({ "id": 1, "method": "initialize", "params": { "clientName": "plain" } });
    socket.send(Message::text(initialize.to_string())).await?;
    socket.next().await.context("an answer")??;
    socket.send(Message::text(r#"{"method":"initialized"}"#)).await?;
    let params = json!({ "processId": "flood", "argv": command(lines), "cwd": "file:///",
        "env": { "PATH": "/usr/bin:/bin" }, "tty": false, "pipeStdin": true });
    let start = json!({ "id": 2, "method": "process/start", "params": params });
    socket.send(Message::text(start.to_string())).await?;
    Ok(socket)
}

async fn count(url: String, lines: usize, parse: Parse) -> anyhow::Result<usize> {
    let mut socket = start(&url, lines).await?;
    let (mut buffer, mut seen) = (Vec::new(), 0);
    while seen < lines {
        let message = socket.next().await.context("more output")??;
        let Message::Text(text) = message else { continue };
        if let Some(chunk) = parse(&text)? {
            buffer.extend_from_slice(&chunk);
            seen += take_lines(&mut buffer);
        }
    }
    Ok(seen)
}

/// Takes the whole lines off the front, each as a value of its own.
pub(super) fn take_lines(buffer: &mut Vec<u8>) -> usize {
    let (mut lines, mut taken) = (0, 0);
    while let Some(len) = memchr::memchr(b'\n', &buffer[taken..]) {
        let line = buffer[taken..taken + len].to_vec();
        lines += usize::from(std::hint::black_box(line).len() == LINE - 1);
        taken += len + 1;
    }
    buffer.drain(..taken);
    lines
}
