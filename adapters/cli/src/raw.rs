//! JSON-RPC that is only passed on.

use std::collections::BTreeMap;

use bytes::Bytes;
use farpipe_core::{
    BadReason, Batch, Calls, Decode, Decoded, Envelope, FailedCall, Id, JsonRpc, Line,
};
use serde_json::value::RawValue;

/// Passes lines on as they are: any JSON-RPC message, and batches whole.
///
/// Also passed on are objects that have only members of JSON-RPC but not its version, as some servers
/// leave it out. Anything else is noise: a client may not survive it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Raw;

/// A line that is to be passed on, and whose answers it holds.
#[derive(Clone, Debug)]
pub(crate) struct RawMessage {
    line: Bytes,
    answers: Option<Id>,
    answers_also: Vec<Id>,
}

impl RawMessage {
    /// The line, byte for byte.
    pub(crate) const fn line(&self) -> &Bytes {
        &self.line
    }

    /// The first request that the line answers.
    pub(crate) const fn answers(&self) -> Option<&Id> {
        self.answers.as_ref()
    }

    /// The messages in the line.
    pub(crate) fn parts(&self) -> Vec<Envelope> {
        let Ok(mut batch) = Batch::parse(self.line.clone()) else {
            return Envelope::parse(self.line.clone()).into_iter().collect();
        };
        let elements = std::iter::from_fn(|| batch.next_element());
        elements.filter_map(|element| Envelope::parse(element).ok()).collect()
    }

    fn new(line: Bytes, answers: Option<Id>) -> Self {
        Self { line, answers, answers_also: Vec::new() }
    }

    /// A batch, unless one of its answers comes too late: then it has to be taken apart.
    fn of_batch(line: Bytes, calls: &Calls) -> Result<Decoded<Self>, BadReason> {
        let batch = Batch::parse(line.clone())?;
        let mut message = Self::new(line, None);
        let mut answered = message.parts().into_iter().filter_map(|part| JsonRpc.answers(&part));
        message.answers = answered.next();
        message.answers_also = answered.collect();
        if message.answers.iter().chain(&message.answers_also).any(|id| calls.has_failed(id)) {
            return Ok(Decoded::Batch(batch));
        }
        Ok(Decoded::Message(message))
    }
}

impl Decode for Raw {
    type Message = RawMessage;

    fn decode(
        &mut self,
        line: &mut Line<'_>,
        calls: &Calls,
    ) -> Result<Decoded<RawMessage>, BadReason> {
        match JsonRpc.decode(line, calls) {
            Ok(Decoded::Message(message)) => {
                let answers = JsonRpc.answers(&message);
                Ok(Decoded::Message(RawMessage::new(message.into_raw(), answers)))
            }
            Ok(Decoded::Batch(_)) => RawMessage::of_batch(line.to_bytes(), calls),
            Err(BadReason::NotJsonRpc) => unversioned(line).ok_or(BadReason::NotJsonRpc),
            Ok(_) => Ok(Decoded::Ignored),
            Err(reason) => Err(reason),
        }
    }

    fn answers(&self, message: &RawMessage) -> Option<Id> {
        message.answers.clone()
    }

    fn answers_also<'a>(&self, message: &'a RawMessage) -> &'a [Id] {
        &message.answers_also
    }

    fn answer_failed(&self, call: &FailedCall) -> Option<RawMessage> {
        Some(RawMessage::new(call.to_json().into(), Some(call.call.id.clone())))
    }
}

/// A log line in JSON often has a `method` or an `error`, but never only what JSON-RPC has.
fn unversioned(line: &mut Line<'_>) -> Option<Decoded<RawMessage>> {
    const MEMBERS: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
    let members: BTreeMap<String, &RawValue> = serde_json::from_slice(line).ok()?;
    if !members.keys().all(|key| MEMBERS.contains(&key.as_str())) {
        return None;
    }
    let has = |key: &str| members.contains_key(key);
    let id = members.get("id").and_then(|id| Id::parse(id.get()));
    let answers = match (has("method"), has("result") || has("error")) {
        (true, _) => None,
        (false, true) => Some(id?),
        (false, false) => return None,
    };
    Some(Decoded::Message(RawMessage::new(line.to_bytes(), answers)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(line: &str) -> Result<Decoded<RawMessage>, BadReason> {
        let mut line = Line::from(Bytes::copy_from_slice(line.as_bytes()));
        Raw.decode(&mut line, &Calls::default())
    }

    fn passed(line: &str) -> Vec<String> {
        let Ok(Decoded::Message(message)) = decode(line) else { panic!("{line}") };
        assert_eq!(message.line(), line);
        let also = Raw.answers_also(&message).iter();
        Raw.answers(&message).iter().chain(also).map(ToString::to_string).collect()
    }

    #[test]
    fn messages_are_passed_with_the_ids_that_they_answer() {
        assert_eq!(passed(r#"{ "jsonrpc":"2.0","id":1.50,"result":null }"#), ["1.50"]);
        assert_eq!(passed(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#), [""; 0]);
        assert_eq!(
            passed(
                r#"[ {"jsonrpc":"2.0","id":18446744073709551615,"result":0}, 7 ,{"jsonrpc":"2.0","id":2,"method":"m"},{"jsonrpc":"2.0","id":"a","error":{}}]"#
            ),
            ["18446744073709551615", "\"a\""]
        );
    }

    #[test]
    fn a_missing_version_is_no_reason_to_hold_a_message_back() {
        assert_eq!(passed(r#"{"id":3,"result":{},"error":null}"#), ["3"]);
        assert_eq!(passed(r#"{"method":"initialized"}"#), [""; 0]);
    }

    #[test]
    fn logs_are_no_messages() {
        for line in [
            r#"{"level":"info","method":"GET","path":"/"}"#,
            r#"{"level":"error","error":"no key","id":1}"#,
            r#"{"id":1}"#,
            r#"{"error":"no key"}"#,
            "7",
            "[]",
            "\"ready\"",
        ] {
            assert_eq!(decode(line).unwrap_err(), BadReason::NotJsonRpc, "{line}");
        }
    }
}
