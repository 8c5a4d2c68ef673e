//! Output in the one form in which the server writes it, read at the speed of the base64 decoder.
//!
//! Nearly all bytes that arrive are output, in messages of one form. JSON has others for the same
//! message, and everything that does not look exactly like this one goes through the JSON parser.

use farpipe_core::Chunk;

use super::incoming::{Source, decode};

/// The process and the output, if `text` is in that form.
pub(crate) fn output(text: &str) -> Option<(&str, Chunk)> {
    let rest = text.strip_prefix(r#"{"method":"process/output","params":{"processId":""#)?;
    let (process, rest) = string(rest)?;
    let (seq, rest) = rest.strip_prefix(r#","seq":"#)?.split_once(',')?;
    let (stream, rest) = string(rest.strip_prefix(r#""stream":""#)?)?;
    let chunk = rest.strip_prefix(r#","chunk":""#)?.strip_suffix(r#""}}"#)?;
    if !seq.bytes().all(|byte| byte.is_ascii_digit()) || seq.starts_with('0') {
        return None;
    }
    let source = match stream {
        "stdout" => Source::Stdout,
        "stderr" => Source::Stderr,
        _ => return None,
    };
    // What is no base64 may be an escape that JSON allows, or the end of the string.
    Some((process, decode(seq.parse().ok()?, source, chunk).ok()?))
}

/// What is before the next quote, and what is behind it; not if it has an escape, or would need one.
fn string(text: &str) -> Option<(&str, &str)> {
    let (string, rest) = text.split_once('"')?;
    let plain = |byte: u8| byte != b'\\' && !byte.is_ascii_control();
    string.bytes().all(plain).then_some((string, rest))
}

/// Whether the JSON parser reads the same, if this reads anything.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn agrees(text: &str) -> bool {
    output(text).is_none_or(|(process, chunk)| by_json(text) == Some((process.to_owned(), chunk)))
}

#[cfg(any(test, feature = "fuzzing"))]
fn by_json(text: &str) -> Option<(String, Chunk)> {
    use super::incoming::{About, Envelope, Output};

    let envelope: Envelope<'_> = serde_json::from_str(text).ok()?;
    if envelope.id.is_some() || envelope.method? != "process/output" {
        return None;
    }
    let params = envelope.params?.get();
    let about: About<'_> = serde_json::from_str(params).ok()?;
    let output: Output<'_> = serde_json::from_str(params).ok()?;
    Some((about.process_id.into_owned(), output.decode().ok()?))
}

#[cfg(test)]
mod tests {
    use farpipe_core::Stream;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const PLAIN: &str = r#"{"method":"process/output","params":{"processId":"p","seq":7,"stream":"stderr","chunk":"aGVsbG8="}}"#;

    #[test]
    fn the_form_of_the_server_is_read() {
        let (process, chunk) = output(PLAIN).unwrap();
        assert_eq!((process, chunk.seq, chunk.stream), ("p", 7, Stream::Stderr));
        assert_eq!(chunk.data, "hello");
    }

    #[test]
    fn every_other_form_is_left_to_the_json_parser() {
        for (from, to) in [
            ("\"p\"", "\"\\u0070\""),
            ("7", "07"),
            ("7", "-7"),
            ("7", "7.0"),
            ("7", "99999999999999999999"),
            ("stderr", "pty"),
            ("=", "\\u003d"),
            ("=", ""),
            ("=\"", "=\",\"more\":1"),
            ("}}", "}} "),
            ("{\"m", " {\"m"),
            ("}}", "}"),
        ] {
            let other = PLAIN.replace(from, to);
            assert_ne!(other, PLAIN);
            assert_eq!(output(&other), None, "{other}");
        }
        for len in 0..PLAIN.len() {
            assert_eq!(output(&PLAIN[..len]), None);
        }
        let sorted = json!({ "method": "process/output", "params":
            { "chunk": "", "processId": "p", "seq": 1, "stream": "stdout" } });
        assert_eq!(output(&sorted.to_string()), None);
    }

    /// What is special to one of the two, and some of what is not.
    const PIECES: [&str; 16] = [
        "", "\"", "\\", "\\u0041", "\n", "\0", "\u{7f}", "é", " ", ",", "}", "{", "0", "7", "=",
        "QUJD",
    ];

    fn pieces() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(&PIECES), 0..4)
            .prop_map(|pieces| pieces.concat())
    }

    fn base64() -> impl Strategy<Value = String> {
        prop::collection::vec(any::<u8>(), 0..200)
            .prop_map(|data| base64_simd::STANDARD.encode_to_string(data))
    }

    proptest! {
        #[test]
        fn what_the_server_writes_is_read_as_json_is(
            seq in 1u64.., stderr in any::<bool>(), process in "[a-z0-9-]{1,20}", chunk in base64(),
        ) {
            let stream = if stderr { "stderr" } else { "stdout" };
            let text = PLAIN.replace("\"p\"", &format!("\"{process}\"")).replace('7', &seq.to_string())
                .replace("stderr", stream).replace("aGVsbG8=", &chunk);
            let (name, chunk) = output(&text).unwrap();
            prop_assert_eq!(by_json(&text), Some((name.to_owned(), chunk)));
        }

        #[test]
        fn whatever_is_written_is_never_read_differently(
            process in pieces(), seq in pieces(), stream in pieces(), chunk in pieces(), end in pieces(),
        ) {
            for text in [
                PLAIN.replace("\"p\"", &format!("\"{process}\"")),
                PLAIN.replace('7', &seq),
                PLAIN.replace('7', &format!("{seq}7")),
                PLAIN.replace("stderr", &stream),
                PLAIN.replace("stderr", &format!("stdout{stream}")),
                PLAIN.replace("aGVsbG8=", &chunk),
                PLAIN.replace("aGVsbG8=", &format!("aGVs{chunk}")),
                PLAIN.replace("}}", &end),
                PLAIN.replace("}}", &format!("{end}}}}}")),
            ] {
                prop_assert!(agrees(&text), "{text:?}");
            }
        }

        #[test]
        fn whatever_is_put_anywhere_is_never_read_differently(
            at in 0..PLAIN.len(), len in 0usize..10, piece in pieces(),
        ) {
            let text = format!("{}{piece}{}", &PLAIN[..at], &PLAIN[(at + len).min(PLAIN.len())..]);
            prop_assert!(agrees(&text), "{text:?}");
        }
    }
}
