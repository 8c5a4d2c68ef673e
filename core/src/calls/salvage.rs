//! The id of an answer of which only the two ends are known.

use core::str;

use memchr::memmem;

use crate::Id;

/// Whose answer a discarded line was, as far as its ends can tell.
///
/// Rust and Python servers write the `id` before the result, TypeScript servers behind it. `None` if
/// the line was a request or notification of the server, or if its ends do not show the id. The end
/// of an unterminated line shows nothing: it may lie inside the result.
pub(crate) fn response_id(head: &[u8], tail: &[u8], unterminated: bool) -> Option<Id> {
    match scan_head(head) {
        Head::Id(id) => Some(id),
        Head::NoAnswer => None,
        Head::Open if unterminated => None,
        Head::Open => scan_tail(tail),
    }
}

/// The id of a discarded line that was a request, as far as its ends can tell.
///
/// Clients write the `id` first or last, like servers. Anything that does not show a method or params
/// in its head may as well be an answer, and has no id here.
pub(crate) fn request_id(head: &[u8], tail: &[u8], unterminated: bool) -> Option<Id> {
    let mut rest = head.trim_ascii_start().strip_prefix(b"{")?;
    let (mut id, mut asks) = (None, false);
    while let Some((key, value)) = member(rest) {
        match key {
            b"result" | b"error" => return None,
            b"method" | b"params" => asks = true,
            b"id" => id = scalar(value).map(|(id, _)| id),
            _ => {}
        }
        if asks && id.is_some() {
            return id;
        }
        let Some(next) = skip_value(value).and_then(|after| after.strip_prefix(b",")) else {
            break;
        };
        rest = next;
    }
    if asks && !unterminated { scan_tail(tail) } else { None }
}

enum Head {
    /// The id, and nothing that says the line is no answer.
    Id(Id),
    /// The line is no answer.
    NoAnswer,
    /// The head ends before it shows either.
    Open,
}

/// Reads the members of the outermost object for as long as they are whole.
fn scan_head(head: &[u8]) -> Head {
    let Some(mut rest) = head.trim_ascii_start().strip_prefix(b"{") else { return Head::NoAnswer };
    let mut id = None;
    while let Some((key, value)) = member(rest) {
        match key {
            b"method" | b"params" => return Head::NoAnswer,
            b"result" | b"error" if id.is_some() => break,
            b"id" => id = scalar(value).map(|(id, _)| id),
            _ => {}
        }
        let Some(next) = skip_value(value).and_then(|after| after.strip_prefix(b",")) else {
            break;
        };
        rest = next;
    }
    id.map_or(Head::Open, Head::Id)
}

/// A key, and all that follows its colon.
fn member(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let bytes = bytes.trim_ascii_start();
    let len = string_len(bytes)?;
    let key = bytes.get(1..len - 1)?;
    let value = bytes.get(len..)?.trim_ascii_start().strip_prefix(b":")?;
    Some((key, value.trim_ascii_start()))
}

/// The id at the front, if it is whole, and what follows it.
fn scalar(bytes: &[u8]) -> Option<(Id, &[u8])> {
    let len = match bytes.first()? {
        b'"' => string_len(bytes)?,
        // A number or `null` is only known to be whole by what follows it.
        _ => bytes.iter().position(|byte| matches!(byte, b',' | b'}' | b' ' | b'\t' | b'\r'))?,
    };
    let (text, rest) = bytes.split_at_checked(len)?;
    Some((Id::parse(str::from_utf8(text).ok()?)?, rest))
}

/// What follows the value at the front, if that is whole.
fn skip_value(bytes: &[u8]) -> Option<&[u8]> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        let rest = bytes.get(at..)?;
        match rest.first()? {
            b'"' => at += string_len(rest)? - 1,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => depth -= 1,
            b',' | b'}' if depth == 0 => return Some(rest),
            _ => {}
        }
        at += 1;
    }
}

/// The length of the string at the front, with its quotes.
fn string_len(bytes: &[u8]) -> Option<usize> {
    let mut escaped = false;
    let end = bytes.strip_prefix(b"\"")?.iter().position(|&byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    Some(end + 2)
}

/// The last `"id"` of the line, if nothing but the version stands between it and the end.
fn scan_tail(tail: &[u8]) -> Option<Id> {
    let at = memmem::rfind(tail, b"\"id\"")?;
    let (_, value) = member(tail.get(at..)?)?;
    let (id, rest) = scalar(value)?;
    is_end(rest).then_some(id)
}

/// Whether this ends the outermost object, with no member but the version before.
fn is_end(rest: &[u8]) -> bool {
    let rest = rest.trim_ascii();
    if rest == b"}" {
        return true;
    }
    let Some((b"jsonrpc", value)) = rest.strip_prefix(b",").and_then(member) else { return false };
    skip_value(value).is_some_and(|rest| rest.trim_ascii() == b"}")
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String};
    use std::borrow::ToOwned as _;

    use proptest::prelude::*;

    use super::*;

    fn ends(line: &str, window: usize) -> (String, String) {
        let head = line[..window.min(line.len())].to_owned();
        let tail = line[line.len().saturating_sub(window)..].to_owned();
        (head, tail)
    }

    fn salvage(line: &str) -> Option<Id> {
        let (head, tail) = ends(line, 80);
        response_id(head.as_bytes(), tail.as_bytes(), false)
    }

    fn long() -> String {
        format!(r#"{{"content":[{{"type":"text","text":"{}","id":99}}]}}"#, "x\\\"".repeat(200))
    }

    #[test]
    fn the_id_is_found_before_and_behind_the_result() {
        let long = long();
        for line in [
            format!(r#"{{"jsonrpc":"2.0","id":7,"result":{long}}}"#),
            format!(r#" {{ "id" : 7 , "jsonrpc" : "2.0" , "result" : {long} }}"#),
            format!(r#"{{"result":{long},"jsonrpc":"2.0","id":7}}"#),
            format!(r#"{{"result":{long},"id":7,"jsonrpc":"2.0"}} "#),
            format!(r#"{{"jsonrpc":"2.0","_meta":{{"id":1}},"id":7,"error":{long}}}"#),
        ] {
            assert_eq!(salvage(&line), Some(Id::Int(7)), "{line}");
        }
        let line = format!(r#"{{"result":{long},"jsonrpc":"2.0","id":"a\"b"}}"#);
        assert_eq!(salvage(&line), Some(Id::from("a\"b")));
    }

    /// Server and client count their requests independently: the same id names two calls.
    #[test]
    fn a_request_of_the_server_is_no_answer() {
        let long = long();
        for line in [
            format!(
                r#"{{"method":"sampling/createMessage","params":{long},"jsonrpc":"2.0","id":7}}"#
            ),
            format!(r#"{{"jsonrpc":"2.0","method":"x","id":7,"params":{long}}}"#),
            format!(r#"{{"jsonrpc":"2.0","id":7,"method":"x","params":{long}}}"#),
            format!(r#"{{"params":{long},"method":"x","jsonrpc":"2.0","id":7}}"#),
        ] {
            assert_eq!(salvage(&line), None, "{line}");
        }
    }

    #[test]
    fn a_discarded_request_is_told_from_an_answer() {
        let long = long();
        let asked = |line: &str| {
            let (head, tail) = ends(line, 80);
            request_id(head.as_bytes(), tail.as_bytes(), false)
        };
        for line in [
            format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{long}}}"#),
            format!(r#"{{"jsonrpc":"2.0","id":7,"params":{long},"method":"tools/call"}}"#),
            format!(r#"{{"method":"tools/call","params":{long},"jsonrpc":"2.0","id":7}}"#),
            format!(r#"{{"method":"tools/call","jsonrpc":"2.0","id":7,"params":{long}}}"#),
        ] {
            assert_eq!(asked(&line), Some(Id::Int(7)), "{line}");
            let (head, tail) = ends(&line, 80);
            let cut = request_id(head.as_bytes(), tail.as_bytes(), true);
            assert!(cut.is_none() || cut == Some(Id::Int(7)));
        }
        for line in [
            format!(r#"{{"jsonrpc":"2.0","id":7,"result":{long}}}"#),
            format!(r#"{{"result":{long},"jsonrpc":"2.0","id":7}}"#),
            format!(r#"{{"jsonrpc":"2.0","id":7,"result":1,"method":"x","params":{long}}}"#),
            format!(r#"{{"_meta":{long},"jsonrpc":"2.0","id":7}}"#),
            format!(r#"{{"jsonrpc":"2.0","method":"notify","params":{long}}}"#),
            format!(r#"{{"jsonrpc":"2.0","method":"notify","params":{{"x":{long},"id":7}}}}"#),
            format!(r#"[{long},{{"id":7}}]"#),
        ] {
            assert_eq!(asked(&line), None, "{line}");
        }
    }

    #[test]
    fn an_id_inside_the_result_is_not_taken() {
        let long = long();
        for line in [
            format!(r#"{{"result":{{"a":"{}","id":7}}}}"#, "x".repeat(200)),
            format!(r#"{{"result":[{long},{{"x":1,"id":7}}]}}"#),
            format!(r#"{{"result":"{},\"id\":7}}"#, "x".repeat(200)),
            format!(r#"[{long},{{"id":7}}]"#),
        ] {
            assert_eq!(salvage(&line), None, "{line}");
        }
    }

    /// A short head shows all of its members, whatever is in them.
    #[test]
    fn values_before_the_id_are_passed_over_whole() {
        for value in [r#""},{\"id\":1""#, r#"[1,{"id":1},"]"]"#, r#"{"a":1,"id":1,"b":"}"}"#] {
            let line = format!(r#"{{"_meta":{value},"id":"7","result":"#);
            let found = response_id(line.as_bytes(), b"", true);
            assert_eq!(found, Some(Id::from("7")), "{line}");
        }
        let spaced = br#"{"id":"a, b}","error":"#;
        assert_eq!(response_id(spaced, b"", true), Some(Id::from("a, b}")));
    }

    #[test]
    fn a_broken_off_line_shows_only_its_head() {
        let cut = format!(r#"{{"result":{{"a":"{}","id":7}}"#, "x".repeat(200));
        let (head, tail) = ends(&cut, 80);
        assert_eq!(response_id(head.as_bytes(), tail.as_bytes(), true), None);
        assert_eq!(response_id(br#"{"jsonrpc":"2.0","id":12"#, b"", true), None, "12 or 123?");
        assert_eq!(response_id(br#"{"jsonrpc":"2.0","id":12,"#, b"", true), Some(Id::Int(12)));
        assert_eq!(response_id(br#"{"result":1,"id":12,"_meta":"#, b"", true), Some(Id::Int(12)));
        assert_eq!(response_id(br#"{"id":12,"result":1,"method":"#, b"", true), Some(Id::Int(12)));
        assert_eq!(request_id(br#"{"method":"x","params":"#, br#""a","id":12}"#, true), None);
    }

    proptest! {
        /// Whatever is asked, the answer to a true response is its id or nothing.
        #[test]
        fn a_salvaged_id_is_the_true_one(
            text in "[a-z\"\\\\{}\\[\\],:0-9]{0,200}", id in any::<u32>(), last in any::<bool>(), window in 0usize..120,
        ) {
            let result = serde_json::json!({ "text": text, "id": 5, "nested": [{ "id": 6 }] });
            let line = if last {
                format!(r#"{{"result":{result},"jsonrpc":"2.0","id":{id}}}"#)
            } else {
                format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
            };
            let (head, tail) = ends(&line, window);
            let found = response_id(head.as_bytes(), tail.as_bytes(), false);
            prop_assert!(found.is_none() || found == Some(Id::Int(i64::from(id))), "{found:?}");
            if window >= 64 {
                prop_assert!(found.is_some());
            }
        }

        #[test]
        fn any_bytes_are_survived(head in prop::collection::vec(any::<u8>(), 0..60), tail in prop::collection::vec(any::<u8>(), 0..60)) {
            response_id(&head, &tail, false);
        }
    }
}
