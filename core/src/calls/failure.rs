//! What a call is told that the process cannot answer.

use alloc::{format, string::String};
use core::{fmt, ops::RangeInclusive};

use serde::Serialize;

use crate::{BadReason, Seq, calls::Call};

/// A call that is answered in the process's place, with a JSON-RPC error.
///
/// ```
/// use farpipe_core::{Call, CallFailure, FailedCall, Id};
///
/// let call = Call { id: Id::Int(7), method: "tools/call".into() };
/// let failed = FailedCall { call, failure: CallFailure::Lost { missing: 40..=52 } };
/// assert_eq!(
///     failed.to_json(),
///     r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32603,"message":"the answer to `tools/call` may be among the output that was lost (events 40 to 52); repeat the call only if that is harmless","data":{"cause":"lost","first":40,"last":52}}}"#
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedCall {
    /// The call.
    pub call: Call,
    /// Why it cannot be answered.
    pub failure: CallFailure,
}

/// Why a call cannot be answered by the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CallFailure {
    /// The answer was longer than a limit allows, and was discarded.
    Oversized {
        /// Its length in bytes.
        len: u64,
        /// The name of the limit.
        limit: &'static str,
        /// The limit, in bytes.
        value: usize,
    },
    /// The answer cannot be read.
    Malformed {
        /// What is wrong with it.
        reason: BadReason,
        /// Its length in bytes.
        len: usize,
    },
    /// The answer may have been in output that is lost.
    #[serde(serialize_with = "range")]
    Lost {
        /// The numbers of the missing events.
        missing: RangeInclusive<Seq>,
    },
    /// The request did not reach the process.
    Undelivered,
    /// The link went for good before it was clear whether the request reached the process.
    Unknown,
    /// The session ended first.
    Ended {
        /// The stable name of the cause.
        end: &'static str,
        /// The end in one sentence.
        message: String,
    },
}

fn range<S: serde::Serializer>(
    missing: &RangeInclusive<Seq>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeStruct as _;
    let mut fields = serializer.serialize_struct("Lost", 2)?;
    fields.serialize_field("first", missing.start())?;
    fields.serialize_field("last", missing.end())?;
    fields.end()
}

impl CallFailure {
    /// The JSON-RPC error code: -32000 where the connection is at fault, as MCP SDKs use it for a
    /// closed connection, and -32603 (internal error, JSON-RPC 2.0 §5.1) where the answer is.
    pub const fn code(&self) -> i32 {
        match self {
            Self::Undelivered | Self::Unknown | Self::Ended { .. } => -32000,
            _ => -32603,
        }
    }
}

impl FailedCall {
    /// The whole error response, as JSON.
    pub fn to_json(&self) -> String {
        let message = serde_json::to_string(&format!("{self}")).unwrap_or_default();
        let data = serde_json::to_string(&self.failure).unwrap_or_default();
        let (id, code) = (&self.call.id, self.failure.code());
        format!(
            r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":{message},"data":{data}}}}}"#
        )
    }
}

impl fmt::Display for FailedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = &self.call.method;
        match &self.failure {
            CallFailure::Oversized { len, limit, value } => write!(
                f,
                "the answer to `{method}` has {len} bytes and was discarded: `{limit}` is {value}; raise the limit or ask for less"
            ),
            CallFailure::Malformed { reason, len } => {
                write!(f, "the answer to `{method}` cannot be read: its {len} bytes are {reason}")
            }
            CallFailure::Lost { missing } => write!(
                f,
                "the answer to `{method}` may be among the output that was lost (events {} to {}); repeat the call only if that is harmless",
                missing.start(),
                missing.end()
            ),
            CallFailure::Undelivered => write!(f, "`{method}` did not reach the server"),
            CallFailure::Unknown => write!(
                f,
                "the link was lost before it was clear whether `{method}` reached the server; repeat the call only if that is harmless"
            ),
            CallFailure::Ended { message, .. } => {
                write!(f, "`{method}` was not answered before the end: {message}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Envelope, Id, Kind};

    #[test]
    fn every_failure_is_a_response_with_a_text_and_a_cause() {
        let failures = [
            (CallFailure::Oversized { len: 20, limit: "max_line", value: 10 }, -32603),
            (CallFailure::Malformed { reason: BadReason::NotJson, len: 4 }, -32603),
            (CallFailure::Lost { missing: 1..=2 }, -32603),
            (CallFailure::Undelivered, -32000),
            (CallFailure::Unknown, -32000),
            (CallFailure::Ended { end: "closed", message: "it \"ended\"\n".into() }, -32000),
        ];
        for (failure, code) in failures {
            let call = Call { id: Id::from("a\"b"), method: "tools/call".into() };
            let failed = FailedCall { call, failure };
            let message = Envelope::parse(failed.to_json().into()).unwrap();
            assert_eq!((message.kind(), message.id()), (Kind::Error, Some(&failed.call.id)));
            let error: serde_json::Value = message.decode_error().unwrap();
            assert_eq!(error["code"], code);
            assert!(error["message"].as_str().unwrap().contains("tools/call"));
            assert!(error["data"]["cause"].is_string(), "{error}");
        }
    }
}
