//! Envelopes and batches beside the same text as a [`Value`].

use std::{iter, ops::Range, str};

use bytes::Bytes;
use farpipe_core::{BadReason, Batch, Envelope, Id, Kind};
use serde_json::{Map, Value};

/// Any line is accepted, or refused with the same reason, as the whole value and the rules of
/// JSON-RPC 2.0 say; every part of an accepted one is what the value says.
pub fn jsonrpc_envelope(data: &[u8]) {
    let line = Bytes::copy_from_slice(data);
    let envelope = Envelope::parse(line.clone());
    if let Ok(message) = &envelope {
        assert_eq!(message.raw(), &line, "passing a message on changes nothing");
    }
    let batch = Batch::parse(line.clone()).map(|batch| elements(batch, &line));
    match judge(data) {
        Judgement::Value(value) => {
            check_envelope(envelope, &value);
            check_batch(batch, &value);
        }
        Judgement::Bad(reason) => {
            assert_eq!(envelope.err(), Some(reason));
            assert_eq!(batch.err(), Some(reason));
        }
        Judgement::Unclear => {}
    }
}

enum Judgement {
    Value(Value),
    Bad(BadReason),
    /// JSON by its grammar, but no value: there is nothing to compare with.
    Unclear,
}

fn judge(data: &[u8]) -> Judgement {
    let Ok(text) = str::from_utf8(data) else { return Judgement::Bad(BadReason::InvalidUtf8) };
    if text.contains("$serde_json::private::") {
        // A value takes such a key for one of serde_json's own.
        return Judgement::Unclear;
    }
    let error = match serde_json::from_str(text) {
        Ok(value) => return Judgement::Value(value),
        Err(error) => error.to_string(),
    };
    let unclear = ["number out of range", "recursion limit", "surrogate", "end of hex escape"];
    if unclear.iter().any(|reason| error.contains(reason)) {
        Judgement::Unclear
    } else {
        Judgement::Bad(BadReason::NotJson)
    }
}

fn check_envelope(envelope: Result<Envelope, BadReason>, value: &Value) {
    let rules = value.as_object().and_then(kind);
    let Some(kind) = rules else {
        return assert_eq!(envelope.err(), Some(BadReason::NotJsonRpc), "{value}");
    };
    let message = envelope.unwrap_or_else(|reason| panic!("{reason}: {value}"));
    assert_eq!(message.kind(), kind);
    assert_eq!(message.method(), value.get("method").and_then(Value::as_str));
    let bodies =
        [("params", message.params()), ("result", message.result()), ("error", message.error())];
    for (name, body) in bodies {
        assert_eq!(body.map(parsed).as_ref(), value.get(name).filter(|_| belongs(name, kind)));
    }
    assert_eq!(message.id().is_some(), value.get("id").is_some());
    if let (Some(id), Some(value)) = (message.id(), value.get("id")) {
        check_id(id, value);
    }
}

/// The kind of a message; `None` if it is none.
fn kind(message: &Map<String, Value>) -> Option<Kind> {
    let has = |name| message.contains_key(name);
    let id = message.get("id");
    let id_is_legal = id.is_none_or(|id| id.is_string() || id.is_number() || id.is_null());
    let method_is_legal = message.get("method").is_none_or(Value::is_string);
    if message.get("jsonrpc")? != "2.0" || !id_is_legal || !method_is_legal {
        return None;
    }
    match (has("method"), has("result"), has("error"), id.is_some()) {
        (true, false, false, true) => Some(Kind::Request),
        (true, false, false, false) => Some(Kind::Notification),
        (false, true, false, true) => Some(Kind::Response),
        (false, false, true, _) => Some(Kind::Error),
        _ => None,
    }
}

fn belongs(name: &str, kind: Kind) -> bool {
    match kind {
        Kind::Request | Kind::Notification => name == "params",
        Kind::Response => name == "result",
        Kind::Error => name == "error",
    }
}

fn check_id(id: &Id, value: &Value) {
    assert_eq!(Id::parse(&id.to_string()).as_ref(), Some(id), "an id is read as it is written");
    match id {
        Id::Null => assert!(value.is_null()),
        Id::Int(int) => assert_eq!(value.as_i64(), Some(*int)),
        Id::String(text) => assert_eq!(value.as_str(), Some(&**text)),
        Id::Number(text) => {
            assert_eq!(value.as_i64(), None);
            assert_eq!(parsed(text.as_bytes()), *value);
        }
    }
}

fn check_batch(batch: Result<Vec<Bytes>, BadReason>, value: &Value) {
    let expected = value.as_array().filter(|array| !array.is_empty());
    let elements = batch.map(|elements| elements.iter().map(parsed).collect::<Vec<_>>());
    assert_eq!(elements.as_ref(), expected.ok_or(&BadReason::NotJsonRpc));
}

/// The elements of a batch: pieces of the line, in order, without whitespace around them.
fn elements(mut batch: Batch, line: &Bytes) -> Vec<Bytes> {
    let elements = iter::from_fn(|| batch.next_element()).collect::<Vec<_>>();
    let mut behind = 0;
    for element in &elements {
        let Range { start, end } = range_in(line, element);
        assert!(start > behind && end < line.len(), "something separates the elements");
        assert_eq!(element, element.trim_ascii());
        behind = end;
    }
    elements
}

fn range_in(line: &Bytes, part: &Bytes) -> Range<usize> {
    let start = part.as_ptr().addr() - line.as_ptr().addr();
    start..start + part.len()
}

fn parsed(json: impl AsRef<[u8]>) -> Value {
    serde_json::from_slice(json.as_ref()).expect("a part of a value is one")
}
