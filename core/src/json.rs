//! Which text is JSON, and what is wrong with the rest.

use core::str;

use serde::{Deserialize, de::IgnoredAny};

use crate::BadReason;

/// The line as text, if all of it is UTF-8.
pub(crate) fn text(line: &[u8]) -> Result<&str, BadReason> {
    str::from_utf8(line).map_err(|_| BadReason::InvalidUtf8)
}

/// Checks that a text is one JSON value. Nesting costs no stack.
pub(crate) fn validate(text: &str) -> Result<(), BadReason> {
    parse::<IgnoredAny>(text).map(drop)
}

/// Parses a text whose shape `T` has no say in, so that every error is one of syntax.
pub(crate) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, BadReason> {
    serde_json::from_str(text).map_err(|_| BadReason::NotJson)
}

/// What is wrong with a text that is no JSON object or array as it should be.
pub(crate) fn other(text: &str) -> BadReason {
    validate(text).err().unwrap_or(BadReason::NotJsonRpc)
}

/// Whether a line is meant to be a message, whole or damaged: it begins like a JSON object or array.
///
/// ```
/// use farpipe_core::looks_like_message;
///
/// assert!(looks_like_message(b" {\"jsonrpc\":\"2.0\",\"id\""));
/// assert!(!looks_like_message(b"Listening on stdio"));
/// ```
pub fn looks_like_message(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start().first(), Some(b'{' | b'['))
}
