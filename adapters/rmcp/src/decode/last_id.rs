//! The id of a message that says it last, as those of TypeScript servers do.

use rmcp::model::RequestId;

/// The id, if nothing but the version stands around it at the end of the message.
///
/// It costs a look at the last few bytes, and it is a guess: whoever uses it compares it with the id
/// that he reads in the end.
pub(super) fn find(message: &str) -> Option<RequestId> {
    let mut rest = message.trim_ascii_end().strip_suffix('}')?;
    loop {
        let (before, value) = split_scalar(rest.trim_ascii_end())?;
        let (before, key) =
            split_string(before.trim_ascii_end().strip_suffix(':')?.trim_ascii_end())?;
        match key {
            r#""id""# => return serde_json::from_str(value).ok(),
            r#""jsonrpc""# => rest = before.trim_ascii_end().strip_suffix(',')?,
            _ => return None,
        }
    }
}

/// Takes a string or number off the end.
fn split_scalar(text: &str) -> Option<(&str, &str)> {
    if text.ends_with('"') {
        return split_string(text);
    }
    let in_number = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    Some(text.split_at(text.trim_end_matches(in_number).len()))
}

fn split_string(text: &str) -> Option<(&str, &str)> {
    let open = text.strip_suffix('"')?.rfind('"')?;
    Some(text.split_at(open))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_at_the_end_is_found() {
        let number = Some(RequestId::Number(7));
        for (message, id) in [
            (r#"{"result":{},"jsonrpc":"2.0","id":7}"#, number.clone()),
            (r#"{"result":{},"id":7,"jsonrpc":"2.0"}"#, number.clone()),
            ("{\"result\":{} ,\t\"jsonrpc\" : \"2.0\" , \"id\" :\n7 } ", number),
            (r#"{"result":{},"id":"a-1"}"#, Some(RequestId::String("a-1".into()))),
            (r#"{"result":{},"id":-3e2}"#, Some(RequestId::Number(-300))),
        ] {
            assert_eq!(find(message), id, "{message}");
        }
    }

    #[test]
    fn nothing_is_found_where_there_is_none() {
        for message in [
            "",
            "}",
            "\"}",
            r#"{"id":7,"result":{}}"#,
            r#"{"result":{"id":7}}"#,
            r#"{"id":7,"extra":1}"#,
            r#"{"result":{},"jsonrpc":"2.0"}"#,
            r#"{"result":{},"id":null}"#,
            r#"{"result":{},"id":"a\"b"}"#,
            "\u{2028}:1}",
        ] {
            assert_eq!(find(message), None, "{message}");
        }
    }
}
