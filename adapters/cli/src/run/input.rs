//! Our stdin, on its way to the command.

use std::{
    collections::VecDeque,
    io::{self, Read},
    thread,
};

use bytes::Bytes;
use farpipe_core::{
    Call, CallFailure, Envelope, FailedCall, Framed, Id, Kind, Limits, LineFramer, Oversized,
    Refused,
};
use farpipe_driver::{Handle, Sent};
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tokio::sync::mpsc;

use super::greeting::Greeting;
use crate::raw::Raw;

const CHUNK: usize = 64 * 1024;

/// What the client writes, line by line.
pub(super) struct Input {
    chunks: mpsc::Receiver<Bytes>,
    framer: LineFramer,
    /// Refused for the time being.
    held: Option<Bytes>,
    /// The latest messages, oldest first. Those that are missing are settled.
    sent: VecDeque<Sent>,
    max_sent: usize,
    ended: bool,
}

/// What is to be said about a line that was not passed on.
pub(super) struct Problem {
    /// For the log.
    pub(super) note: String,
    /// For the client, in the command's place.
    pub(super) answers: Vec<String>,
}

impl Input {
    /// Reads in a thread of its own: such a read cannot be given up, and must not keep us from ending.
    pub(super) fn new(source: impl Read + Send + 'static, limits: &Limits) -> Self {
        let (sender, chunks) = mpsc::channel(2);
        thread::spawn(move || read(source, &sender));
        Self {
            chunks,
            framer: LineFramer::new(limits.max_message, limits.line_window),
            held: None,
            sent: VecDeque::new(),
            max_sent: limits.outbox_messages,
            ended: false,
        }
    }

    pub(super) const fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether everything that was read is with the command.
    pub(super) fn is_delivered(&self) -> bool {
        self.held.is_none() && self.sent.is_empty()
    }

    /// Takes in more; while a message waits for room, or there is no more, waits until one of those
    /// before it is settled. Cancel safe.
    pub(super) async fn advance(&mut self) {
        if self.ended || self.held.is_some() { self.settled().await } else { self.read().await }
    }

    async fn read(&mut self) {
        if let Some(chunk) = self.chunks.recv().await {
            self.framer.push(chunk);
        } else {
            self.ended = true;
            self.framer.finish();
        }
    }

    async fn settled(&mut self) {
        match self.sent.front_mut() {
            Some(sent) => drop(sent.await),
            None => std::future::pending().await,
        }
        self.sent.pop_front();
    }

    /// Passes on what there is, as far as there is room for it.
    pub(super) fn pass(&mut self, to: &Handle<Raw>, greeting: &mut Greeting) -> Vec<Problem> {
        let mut problems = Vec::new();
        while let Some(line) = self.next_line(to, &mut problems) {
            problems.extend(self.send(line, to, greeting));
            if self.held.is_some() {
                break;
            }
        }
        problems
    }

    fn next_line(&mut self, to: &Handle<Raw>, problems: &mut Vec<Problem>) -> Option<Bytes> {
        if let Some(line) = self.held.take() {
            return Some(line);
        }
        loop {
            match self.framer.next_line()? {
                Framed::Oversized(line) => problems.push(too_long(&line, to)),
                Framed::Line(mut line) => {
                    let unterminated = line.is_unterminated();
                    let line = line.to_bytes();
                    if !unterminated || is_json(&line) {
                        return Some(line);
                    }
                    let note = format!(
                        "our stdin ended in the middle of a message: its {} bytes are not passed on",
                        line.len()
                    );
                    problems.push(Problem { note, answers: Vec::new() });
                }
            }
        }
    }

    fn send(&mut self, line: Bytes, to: &Handle<Raw>, greeting: &mut Greeting) -> Option<Problem> {
        let message = Envelope::parse(line.clone()).ok();
        let sent = match &message {
            Some(message) => to.send_call(line, call(message)),
            // A batch, or whatever the command makes of it.
            None => to.send(line),
        };
        let refused = match sent {
            Ok(sent) => {
                self.note(sent);
                if let Some(message) = message {
                    greeting.note_sent(&message);
                    cancelled(&message).inspect(|id| to.forget_call(id));
                }
                return None;
            }
            Err(refused) => refused,
        };
        if let Refused::Full { .. } = refused.reason {
            self.held = Some(refused.message);
            return None;
        }
        let failed = |call| FailedCall { call, failure: CallFailure::Undelivered }.to_json();
        let answers = Call::all_in(&refused.message).into_iter().map(failed).collect();
        Some(Problem { note: format!("a message is not passed on: {refused}"), answers })
    }

    fn note(&mut self, sent: Sent) {
        // So many cannot be unsettled.
        if self.sent.len() > self.max_sent {
            self.sent.pop_front();
        }
        self.sent.push_back(sent);
    }
}

fn read(mut source: impl Read, to: &mpsc::Sender<Bytes>) {
    let mut buffer = vec![0; CHUNK];
    loop {
        match source.read(&mut buffer) {
            Ok(0) => return,
            Ok(len) => {
                let Some(chunk) = buffer.get(..len) else { return };
                if to.blocking_send(Bytes::copy_from_slice(chunk)).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::warn!(%error, "our stdin cannot be read");
                return;
            }
        }
    }
}

fn is_json(line: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

fn call(message: &Envelope) -> Option<Call> {
    let (id, method) = (message.id()?, message.method()?);
    Some(Call { id: id.clone(), method: method.into() })
}

/// The request that is cancelled: an MCP server need not answer it any more.
fn cancelled(message: &Envelope) -> Option<Id> {
    #[derive(Deserialize)]
    struct Params<'a> {
        #[serde(borrow, rename = "requestId")]
        id: &'a RawValue,
    }
    let is_cancel =
        message.kind() == Kind::Notification && message.method() == Some("notifications/cancelled");
    let params: Params<'_> = is_cancel.then(|| message.decode_params().ok())??;
    Id::parse(params.id.get())
}

/// Whoever waits for it, on either side, is told.
fn too_long(line: &Oversized, to: &Handle<Raw>) -> Problem {
    let (len, value) = (line.len, line.limit);
    let note =
        format!("a message of {len} bytes is not passed on: the limit is {value} (`max_message`)");
    let error = |id: &Id, code: i32| {
        let data =
            json!({ "cause": "too_long", "len": len, "limit": "max_message", "value": value });
        let error = json!({ "code": code, "message": note, "data": data });
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
    };
    let answers = line.request_id().map(|id| error(&id, -32600)).into_iter().collect();
    if let Some(id) = line.response_id() {
        drop(to.send(error(&id, -32603).into()));
    }
    Problem { note, answers }
}
