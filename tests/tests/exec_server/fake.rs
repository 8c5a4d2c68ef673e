//! A server that does what the real one never does.

use std::sync::Arc;

use async_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt as _};

/// Echoes what is written to its processes, except for the first one: that one is lied about.
pub(crate) struct Fake {
    pub(crate) url: String,
    task: JoinHandle<()>,
}

/// What is done instead of echoing a write to the first process.
#[derive(Clone)]
pub(crate) enum Lie {
    /// These frames are sent. `BAD` in them stands for the process.
    Say(Vec<Message>),
    /// The link is cut, once, and this is the answer to every `process/read`.
    Page(Value),
}

impl Fake {
    pub(crate) async fn start(lie: Lie) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let mut processes = Vec::new();
            let mut cut = false;
            while let Ok((link, _)) = listener.accept().await {
                // One link at a time, as the session it carries.
                if let Ok(socket) = accept_async(link.compat()).await {
                    cut |= serve(socket, &lie, &mut processes, cut).await;
                }
            }
        });
        Self { url, task }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Socket = WebSocketStream<Compat<TcpStream>>;

/// A process's name, and the number of its next event.
type Process = (Arc<str>, u64);

/// Yields whether it has cut the link.
async fn serve(mut socket: Socket, lie: &Lie, processes: &mut Vec<Process>, was_cut: bool) -> bool {
    while let Some(Ok(message)) = socket.next().await {
        let Ok(text) = message.to_text() else { continue };
        let Ok(request) = serde_json::from_str::<Value>(text) else { continue };
        let name = request["params"]["processId"].as_str().unwrap_or_default();
        let bad = processes.first().is_some_and(|(first, _)| **first == *name);
        let result = match request["method"].as_str().unwrap() {
            "initialize" => json!({ "sessionId": "s" }),
            "process/start" => {
                processes.push((name.into(), 1));
                json!({ "processId": name })
            }
            "process/write" if bad => match lie {
                Lie::Say(frames) => {
                    for frame in frames {
                        let _ = socket.send(about(frame, name)).await;
                    }
                    continue;
                }
                Lie::Page(_) if was_cut => json!({ "status": "accepted" }),
                Lie::Page(_) => return true,
            },
            "process/write" => {
                let output = echo(processes, name, &request["params"]["chunk"]);
                let _ = socket.send(Message::text(output.to_string())).await;
                json!({ "status": "accepted" })
            }
            "process/read" => read(lie, processes, name, bad),
            "initialized" => continue,
            _ => json!({}),
        };
        let answer = json!({ "id": request["id"], "result": result });
        let _ = socket.send(Message::text(answer.to_string())).await;
    }
    false
}

fn about(frame: &Message, name: &str) -> Message {
    match frame {
        Message::Text(text) => Message::text(text.replace("BAD", name)),
        other => other.clone(),
    }
}

fn echo(processes: &mut [Process], name: &str, chunk: &Value) -> Value {
    let (_, next) = processes.iter_mut().find(|(known, _)| **known == *name).unwrap();
    *next += 1;
    let params = json!({ "processId": name, "seq": *next - 1, "stream": "stdout", "chunk": chunk });
    json!({ "method": "process/output", "params": params })
}

fn read(lie: &Lie, processes: &[Process], name: &str, bad: bool) -> Value {
    if let (Lie::Page(page), true) = (lie, bad) {
        return page.clone();
    }
    let (_, next) = processes.iter().find(|(known, _)| **known == *name).unwrap();
    json!({ "chunks": [], "nextSeq": next, "exited": false, "closed": false })
}
