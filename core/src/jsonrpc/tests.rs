use alloc::{format, string::ToString, vec::Vec};

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{Framed, LineFramer, looks_like_message};

fn parse(line: &str) -> Result<Envelope, BadReason> {
    Envelope::parse(Bytes::copy_from_slice(line.as_bytes()))
}

fn message(members: &str) -> Result<Envelope, BadReason> {
    parse(&format!(r#"{{"jsonrpc":"2.0",{members}}}"#))
}

/// What the session would see: the raw messages and the reasons, in order.
fn decode_all(chunks: &[&[u8]]) -> Vec<Result<Bytes, BadReason>> {
    let mut framer = LineFramer::new(1 << 20, 64);
    for chunk in chunks {
        framer.push(Bytes::copy_from_slice(chunk));
    }
    let mut seen = Vec::new();
    while let Some(framed) = framer.next_line() {
        let Framed::Line(mut line) = framed else { panic!("{framed:?}") };
        match JsonRpc.decode(&mut line, &Calls::default()) {
            Ok(Decoded::Message(message)) => seen.push(Ok(message.into_raw())),
            Ok(Decoded::Batch(mut batch)) => {
                seen.extend(core::iter::from_fn(|| batch.next_element()).map(Ok));
            }
            Ok(Decoded::Ignored) => {}
            Err(reason) => seen.push(Err(reason)),
        }
    }
    seen
}

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

const PINGED: Result<Bytes, BadReason> = Ok(Bytes::from_static(PING.as_bytes()));

#[test]
fn each_kind_is_told_apart() {
    let request = message(r#""id":1,"method":"m","params":[1]"#).unwrap();
    assert_eq!((request.kind(), request.params()), (Kind::Request, Some("[1]")));
    let notification = message(r#""method":"m""#).unwrap();
    assert_eq!((notification.kind(), notification.id()), (Kind::Notification, None));
    assert_eq!(notification.params(), None);
    let response = message(r#""id":1,"result":null"#).unwrap();
    assert_eq!((response.kind(), response.result()), (Kind::Response, Some("null")));
    assert_eq!((response.method(), response.params(), response.error()), (None, None, None));
    for (members, id) in
        [(r#""id":null,"#, Some(&Id::Null)), ("", None), (r#""id":1,"#, Some(&Id::Int(1)))]
    {
        let error = message(&format!(r#"{members}"error":{{"code":-32700}}"#)).unwrap();
        assert_eq!((error.kind(), error.id()), (Kind::Error, id));
        assert_eq!((error.error(), error.result()), (Some(r#"{"code":-32700}"#), None));
    }
}

#[test]
fn what_is_no_message_is_told_from_what_is_no_json() {
    for members in [
        r#""id":1"#,
        r#""id":1,"result":1,"error":{}"#,
        r#""id":1,"method":"m","result":1"#,
        r#""result":1"#,
        r#""id":true,"method":"m""#,
        r#""id":{},"method":"m""#,
        r#""id":[1],"result":1"#,
        r#""id":1,"method":null"#,
        r#""id":1,"method":7"#,
        r#""jsonrpc":"1.0","id":1,"method":"m""#,
        r#""jsonrpc":2.0,"id":1,"method":"m""#,
    ] {
        assert_eq!(message(members).unwrap_err(), BadReason::NotJsonRpc, "{members}");
    }
    for line in ["{}", r#"{"id":1,"method":"m"}"#, "7", "\"text\"", "null"] {
        assert_eq!(parse(line).unwrap_err(), BadReason::NotJsonRpc, "{line}");
    }
    for line in ["", "{", "{]", "text", "7 7", "{} {}", r#"{"jsonrpc":"2.0","id":01,"method":"m"}"#]
    {
        assert_eq!(parse(line).unwrap_err(), BadReason::NotJson, "{line}");
    }
}

#[test]
fn last_of_two_equal_keys_counts() {
    let request =
        message(r#""id":{},"method":"a","params":1,"id":2,"method":"b","params":3"#).unwrap();
    assert_eq!(request.id(), Some(&Id::Int(2)));
    assert_eq!((request.method(), request.params()), (Some("b"), Some("3")));
}

#[test]
fn keys_and_strings_may_be_written_with_escapes() {
    let line = r#" { "\u006asonrpc" : "2\u002e0" , "id" : 1 , "m\u0065thod" : "a\/b" } "#;
    let request = parse(line).unwrap();
    assert_eq!((request.kind(), request.method()), (Kind::Request, Some("a/b")));
    assert_eq!(request.raw(), line);
}

#[test]
fn members_are_read_in_any_order_and_unknown_ones_ignored() {
    let response =
        parse(r#"{"result":{"a":1},"_meta":{"id":9},"id":"x","jsonrpc":"2.0"}"#).unwrap();
    assert_eq!((response.id(), response.result()), (Some(&Id::from("x")), Some(r#"{"a":1}"#)));
}

#[test]
fn params_are_decoded_on_demand_and_borrow_from_the_line() {
    let request = message(r#""id":1,"method":"m","params":["text",2]"#).unwrap();
    let (text, number): (&str, u8) = request.decode_params().unwrap();
    assert_eq!((text, number), ("text", 2));
    assert!(request.raw().as_ptr_range().contains(&text.as_ptr()));
    assert!(request.decode_params::<u8>().is_err());
    assert_eq!(request.decode_result::<Option<u8>>().unwrap(), None);
    assert_eq!(message(r#""error":7"#).unwrap().decode_error::<u8>().unwrap(), 7);
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = open.repeat(200_000) + "1" + &close.repeat(200_000);
        for key in ["params", "unknown", "id"] {
            let parsed = message(&format!(r#""id":1,"method":"m","{key}":{deep}"#));
            match key {
                "params" => assert_eq!(parsed.unwrap().params(), Some(deep.as_str())),
                "id" => assert_eq!(parsed.unwrap_err(), BadReason::NotJsonRpc),
                _ => assert_eq!(parsed.unwrap().params(), None),
            }
        }
        assert_eq!(parse(&open.repeat(200_000)).unwrap_err(), BadReason::NotJson);
    }
}

/// <https://github.com/openai/codex/issues/18212>
#[test]
fn unparsable_line_followed_by_a_valid_one_in_the_same_chunk_does_not_hide_it() {
    let chunk = format!("{{\"jsonrpc\":\n{PING}\n");
    assert_eq!(decode_all(&[chunk.as_bytes()]), [Err(BadReason::NotJson), PINGED]);
}

/// <https://github.com/anthropics/claude-agent-sdk-typescript/issues/137>
#[test]
fn unicode_line_separators_inside_strings_reach_the_message() {
    let line = format!("{}\n", PING.replace("ping", "a\u{2028}b\u{2029}c\u{85}d"));
    let seen = decode_all(&[line.as_bytes()]);
    assert_eq!(seen, [Ok(Bytes::from(line.trim_ascii().to_string()))]);
}

/// <https://github.com/modelcontextprotocol/rust-sdk/issues/825>
#[test]
fn message_behind_a_byte_order_mark_is_decoded() {
    let marked = format!("\u{feff}{PING}\n\u{feff}{PING}\r\n");
    assert_eq!(decode_all(&[marked.as_bytes()]), [PINGED, PINGED]);
}

/// <https://github.com/modelcontextprotocol/python-sdk/issues/2456>
#[test]
fn invalid_utf8_costs_one_line() {
    let inside_params = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[\"\xFF\"]}\n";
    let invalid = Err(BadReason::InvalidUtf8);
    let chunks = [inside_params, PING.as_bytes(), b"\n\xC3\n", PING.as_bytes(), b"\n"];
    assert_eq!(decode_all(&chunks), [invalid.clone(), PINGED, invalid, PINGED]);
}

/// <https://github.com/sansan0/TrendRadar/issues/1204>
#[test]
fn banner_of_sixty_lines_precedes_the_message() {
    let banner = "  | Server |\r\n".repeat(60);
    let seen = decode_all(&[banner.as_bytes(), PING.as_bytes(), b"\n"]);
    assert_eq!((seen.len(), &seen[60]), (61, &PINGED));
    assert!(seen[..60].iter().all(|line| *line == Err(BadReason::NotJson)));
    assert!(banner.lines().all(|line| !looks_like_message(line.as_bytes())));
}

/// <https://github.com/chrisdoc/hevy-mcp/issues/796>
#[test]
fn thousands_of_malformed_lines_in_one_chunk_leave_nothing_behind() {
    let chunk = format!("{}{PING}\n", "{\"jsonrpc\":\"2.0\",\n".repeat(5000));
    let seen = decode_all(&[chunk.as_bytes()]);
    assert_eq!((seen.len(), &seen[5000]), (5001, &PINGED));
}

/// <https://github.com/modelcontextprotocol/rust-sdk/issues/416>
#[test]
fn batch_and_unusual_ids_pass_through_unchanged() {
    let ids = ["18446744073709551615", "null", "1.50", "-0", "1e2", r#""a\u0062""#];
    let lines = ids.map(|id| format!(r#"{{ "jsonrpc":"2.0", "id":{id} , "method":"ping" }}"#));
    let single = lines.join("\n") + "\n";
    let expected = lines.clone().map(|line| Ok(Bytes::from(line)));
    assert_eq!(decode_all(&[single.as_bytes()]), expected);
    let batch = format!("[{}]\r\n", lines.join(" ,\t"));
    assert_eq!(decode_all(&[batch.as_bytes()]), expected);
    for (id, line) in ids.iter().zip(&lines) {
        assert_eq!(parse(line).unwrap().id(), Id::parse(id).as_ref());
    }
}

#[test]
fn damaged_messages_are_told_from_noise() {
    for line in ["{", " [1", "\t{}"] {
        assert!(looks_like_message(line.as_bytes()), "{line}");
    }
    for line in ["", " ", "INFO {}", "\"text\"", "7"] {
        assert!(!looks_like_message(line.as_bytes()), "{line}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived(line in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = JsonRpc.decode(&mut Line::from(Bytes::from(line)), &Calls::default());
    }

    /// Damage to a message is never taken for anything but a message or a reason.
    #[test]
    fn any_damage_is_survived(at in 0..PING.len(), byte in any::<u8>(), cut in 0..PING.len()) {
        let mut line = PING.as_bytes().to_vec();
        line[at] = byte;
        for line in [&line[..], &line[cut..], &line[..cut]] {
            let _ = JsonRpc.decode(&mut Line::from(Bytes::copy_from_slice(line)), &Calls::default());
        }
    }

    #[test]
    fn members_come_back_as_they_were_written(
        id in "(-?[1-9][0-9]{0,25}|\"[a-z]{0,9}\"|null)",
        method in "[a-z/\u{e9}\u{4e16}]{0,20}",
        params in "(\\{\"a\": ?[0-9]\\}|\\[ ?\\])",
    ) {
        let request = message(&format!(r#""params": {params} ,"id":{id},"method":"{method}""#)).unwrap();
        prop_assert_eq!(request.params(), Some(params.as_str()));
        prop_assert_eq!(request.method(), Some(method.as_str()));
        prop_assert_eq!(request.id().map(Id::to_string), Some(id));
    }
}
