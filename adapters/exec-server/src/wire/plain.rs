//! Output in the one form in which the server writes it, read at the speed of memchr.
//!
//! Nearly all bytes that arrive are output, in messages of one form. JSON has others for the same
//! message, and everything that does not look exactly like this one goes through the JSON parser.

use farpipe_core::Chunk;
use memchr::memchr;

use super::incoming::{Source, decode};

/// The process and the output, if `text` is in that form.
pub(crate) fn output(text: &str) -> Option<(&str, Chunk)> {
    let rest = text.strip_prefix(r#"{"method":"process/output","params":{"processId":""#)?;
    let (process, rest) = string(rest)?;
    if process.contains('\\') {
        return None;
    }
    let (seq, rest) = rest.strip_prefix(r#","seq":"#)?.split_once(',')?;
    let (stream, rest) = string(rest.strip_prefix(r#""stream":""#)?)?;
    let (chunk, rest) = string(rest.strip_prefix(r#","chunk":""#)?)?;
    if rest != "}}" || !seq.bytes().all(|byte| byte.is_ascii_digit()) || seq.starts_with('0') {
        return None;
    }
    let source = match stream {
        "stdout" => Source::Stdout,
        "stderr" => Source::Stderr,
        _ => return None,
    };
    // What is no base64 may be an escape that JSON allows.
    Some((process, decode(seq.parse().ok()?, source, chunk).ok()?))
}

/// What is before the next quote, and what is behind it. An escape is left as it is.
fn string(text: &str) -> Option<(&str, &str)> {
    let end = memchr(b'"', text.as_bytes())?;
    Some((&text[..end], &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use farpipe_core::Stream;
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
}
