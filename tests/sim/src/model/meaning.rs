//! What a text is, as the description of JSON-RPC 2.0 says.

use serde_json::{Value, value::RawValue};

/// How many braces are looked at behind noise.
const ATTEMPTS: usize = 4;

pub(super) fn looks_like_message(text: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    text.starts_with(b"{") || text.starts_with(b"[")
}

/// The elements of an array that is not empty.
pub(super) fn elements(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    if !text.trim_ascii_start().starts_with(b"[") {
        return None;
    }
    let elements = serde_json::from_slice::<Vec<&RawValue>>(text).ok()?;
    let elements = elements.iter().map(|raw| raw.get().as_bytes().to_vec()).collect::<Vec<_>>();
    (!elements.is_empty()).then_some(elements)
}

/// Whether it is one request, notification, response or error.
pub(super) fn is_message(text: &[u8]) -> bool {
    let Ok(Value::Object(message)) = serde_json::from_slice::<Value>(text) else { return false };
    let has = |key: &str| message.contains_key(key);
    let scalar_id =
        message.get("id").is_none_or(|id| !id.is_object() && !id.is_array() && !id.is_boolean());
    message.get("jsonrpc") == Some(&Value::from("2.0"))
        && scalar_id
        && match (has("method"), has("result"), has("error")) {
            (true, false, false) => message["method"].is_string(),
            (false, true, false) => has("id"),
            (false, false, true) => true,
            _ => false,
        }
}

/// The message that follows noise on its line.
pub(super) fn behind_noise(text: &[u8]) -> Option<&[u8]> {
    let braces = (0..text.len()).filter(|&at| text[at] == b'{').take(ATTEMPTS);
    braces.map(|at| &text[at..]).find(|rest| is_message(rest))
}
