//! What the pending calls need to go on in another process.

use alloc::{boxed::Box, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{Call, CallFailure, Calls, FailedCall, Pending, canonical};
use crate::{
    SendId,
    checkpoint::{CallFailureDef, SavedId, is_default},
};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SavedCalls {
    #[serde(skip_serializing_if = "is_default")]
    pending: Vec<SavedCall>,
    #[serde(skip_serializing_if = "is_default")]
    failed: Vec<SavedId>,
    #[serde(skip_serializing_if = "is_default")]
    answers: Vec<SavedAnswer>,
}

/// Id, method, and the number of the send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SavedCall(SavedId, Box<str>, u64);

/// Id, method, and why it is not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SavedAnswer(SavedId, Box<str>, #[serde(with = "CallFailureDef")] CallFailure);

impl Calls {
    pub(crate) fn save(&self) -> SavedCalls {
        let pending = |Pending { call, send }: &Pending| {
            SavedCall(SavedId(call.id.clone()), call.method.clone(), send.0)
        };
        let answer = |FailedCall { call, failure }: &FailedCall| {
            SavedAnswer(SavedId(call.id.clone()), call.method.clone(), failure.clone())
        };
        SavedCalls {
            pending: self.pending.values().map(pending).collect(),
            failed: self.failed.iter().cloned().map(SavedId).collect(),
            answers: self.answers.iter().map(answer).collect(),
        }
    }

    pub(crate) fn restore(saved: SavedCalls) -> Self {
        let pending = |SavedCall(id, method, send): SavedCall| {
            let call = Call { id: id.0, method };
            (canonical(&call.id), Pending { call, send: SendId(send) })
        };
        let answer = |SavedAnswer(id, method, failure): SavedAnswer| FailedCall {
            call: Call { id: id.0, method },
            failure,
        };
        Self {
            pending: saved.pending.into_iter().map(pending).collect(),
            failed: saved.failed.into_iter().map(|id| id.0).collect(),
            answers: saved.answers.into_iter().map(answer).collect(),
        }
    }
}
