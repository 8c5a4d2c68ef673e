//! What the server sends: answers to requests and news of processes.

use std::borrow::Cow;

use base64_simd::STANDARD;
use bytes::Bytes;
use farpipe_core::{Chunk, Exit, Page, ReplayId, Seq, Stream, WriteOutcome};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::ServerError;

/// One message. Which kind it is shows in the fields that are there.
#[derive(Debug, Deserialize)]
pub(crate) struct Envelope<'a> {
    pub(crate) id: Option<Value>,
    #[serde(borrow)]
    pub(crate) method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) params: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) result: Option<&'a RawValue>,
    pub(crate) error: Option<ServerError>,
}

/// Which process a notification is about; read first, so that a bad one harms no other.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct About<'a> {
    #[serde(borrow)]
    pub(crate) process_id: Cow<'a, str>,
}

/// `process/output`, and a chunk of a page.
#[derive(Debug, Deserialize)]
pub(crate) struct Output<'a> {
    seq: Seq,
    stream: Source,
    #[serde(borrow)]
    chunk: Cow<'a, str>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Source {
    Stdout,
    Stderr,
    Pty,
}

impl Output<'_> {
    pub(crate) fn decode(&self) -> Result<Chunk, base64_simd::Error> {
        decode(self.seq, self.stream, &self.chunk)
    }
}

pub(super) fn decode(seq: Seq, stream: Source, chunk: &str) -> Result<Chunk, base64_simd::Error> {
    let stream = match stream {
        // A terminal has one stream; it carries whatever the process writes.
        Source::Stdout | Source::Pty => Stream::Stdout,
        Source::Stderr => Stream::Stderr,
    };
    // The vector is made as long as what is in it, so nothing is copied or pinned.
    let data = Bytes::from(STANDARD.decode_to_vec(chunk.as_bytes())?);
    Ok(Chunk { seq, stream, data })
}

/// `process/exited`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Exited {
    pub(crate) seq: Seq,
    pub(crate) exit_code: i32,
}

/// `process/closed`.
#[derive(Debug, Deserialize)]
pub(crate) struct Closed {
    pub(crate) seq: Seq,
}

/// The result of `initialize`. The rest of the environment is opaque and optional (§3).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Welcome {
    pub(crate) session_id: String,
    #[serde(default)]
    pub(crate) environment_info: Value,
}

/// The result of `process/write`.
#[derive(Debug, Deserialize)]
pub(crate) struct Written<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
}

impl Written<'_> {
    pub(crate) fn outcome(&self) -> WriteOutcome {
        match &*self.status {
            "accepted" => WriteOutcome::Accepted,
            "starting" => WriteOutcome::Starting,
            "stdinClosed" | "unknownProcess" => WriteOutcome::StdinClosed,
            other => WriteOutcome::Failed(format!("an unknown status `{other}`")),
        }
    }
}

/// The result of `process/read` (§6).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Retained<'a> {
    #[serde(borrow)]
    chunks: Vec<Output<'a>>,
    next_seq: Seq,
    exited: bool,
    exit_code: Option<i32>,
    pub(crate) closed: bool,
    failure: Option<String>,
}

impl Retained<'_> {
    pub(crate) fn page(&self, request: ReplayId) -> Result<Page, base64_simd::Error> {
        Ok(Page {
            request,
            chunks: self.chunks.iter().map(Output::decode).collect::<Result<_, _>>()?,
            next: self.next_seq,
            exit: self.exited.then(|| self.exit_code.map_or(Exit::Unknown, Exit::Code)),
            closed: self.closed,
            failure: self.failure.clone(),
        })
    }
}
