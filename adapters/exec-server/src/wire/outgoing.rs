//! What the client sends.

use base64_simd::STANDARD;
use bytes::Bytes;
use farpipe_core::{ReplayId, Seq, WriteId};
use serde_json::{Value, json};

use super::METHOD_NOT_FOUND;
use crate::connection::Lane;

/// Something to ask for a process.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ask {
    Start {
        params: Box<Value>,
    },
    /// `lane` keeps the ids of sessions apart that do not continue each other (§11.7).
    Write {
        id: WriteId,
        lane: Lane,
        data: Bytes,
    },
    Read {
        request: ReplayId,
        after: Seq,
        max_bytes: usize,
    },
    Interrupt,
    Terminate,
    /// Belongs to no process.
    Status {
        ping: u64,
    },
}

impl Ask {
    /// Whether it must not wait behind other requests.
    pub(crate) const fn is_control(&self) -> bool {
        matches!(self, Self::Interrupt | Self::Terminate)
    }

    pub(crate) const fn is_write(&self) -> bool {
        matches!(self, Self::Write { .. })
    }

    pub(crate) const fn method(&self) -> &'static str {
        match self {
            Self::Start { .. } => "process/start",
            Self::Write { .. } => "process/write",
            Self::Read { .. } => "process/read",
            Self::Interrupt => "process/signal",
            Self::Terminate => "process/terminate",
            Self::Status { .. } => "environment/status",
        }
    }

    fn params(&self, process: &str) -> Value {
        match self {
            Self::Start { params } => Value::clone(params),
            // Ids are remembered per process, for the last 4096 accepted ones (§7).
            Self::Write { id, lane, data } => json!({
                "processId": process,
                "writeId": format!("{lane}{}", id.0),
                "chunk": STANDARD.encode_to_string(data),
            }),
            // No `waitMs`: it would hold up every other process of the connection (§9).
            Self::Read { after, max_bytes, .. } => {
                json!({ "processId": process, "afterSeq": after, "maxBytes": max_bytes })
            }
            Self::Interrupt => json!({ "processId": process, "signal": "interrupt" }),
            Self::Terminate => json!({ "processId": process }),
            Self::Status { .. } => Value::Null,
        }
    }

    /// The request as one text frame.
    pub(crate) fn frame(&self, id: i64, process: &str) -> String {
        request(id, self.method(), &self.params(process))
    }
}

/// The first frame of every connection; `resume` names the session to go on with.
pub(crate) fn initialize(id: i64, client: &str, resume: Option<&str>) -> String {
    let params = json!({ "clientName": client, "resumeSessionId": resume });
    request(id, "initialize", &params)
}

/// The only notification that a client may send (§2).
pub(crate) fn initialized() -> String {
    json!({ "method": "initialized" }).to_string()
}

/// The answer to a request of the server: nothing it can ask for was offered to it.
pub(crate) fn refusal(id: &Value) -> String {
    let error = json!({ "code": METHOD_NOT_FOUND, "message": "this client serves no requests" });
    json!({ "id": id, "error": error }).to_string()
}

fn request(id: i64, method: &str, params: &Value) -> String {
    json!({ "id": id, "method": method, "params": params }).to_string()
}
