//! Events and messages in one line each.

use farpipe_core::{BadLine, Envelope, Event, Kind, Timestamp, recording::Step};

use crate::raw::RawMessage;

/// How much of a text is shown.
const SHOWN: usize = 160;

/// The event of a step, if it is one.
pub(super) fn event(step: &Step<RawMessage>) -> Option<String> {
    let Step::Event { at, event } = step else { return None };
    Some(format!("{} {}", time(*at), describe(event)))
}

/// Seconds since the beginning.
pub(super) fn time(at: Timestamp) -> String {
    format!("{:>10.3} s", at.since_origin().as_secs_f64())
}

pub(super) fn describe(event: &Event<RawMessage>) -> String {
    match event {
        Event::Message(message) => format!("message   {}", short(message.line())),
        Event::Stderr(line) => format!("stderr    {}", short(&line.bytes)),
        Event::Noise(line) => format!("noise     {}", bad(line)),
        Event::Malformed(line) => format!("malformed {}", bad(line)),
        Event::Oversized(line) => format!(
            "oversized {} bytes, `max_line` is {}: {}",
            line.len,
            line.limit,
            short(&line.head)
        ),
        Event::Lost(lost) => format!("lost      {lost}"),
        Event::Exited(exit) => format!("exited    {exit}"),
        Event::End(end) => format!("end       {end}"),
        other => format!("{other:?}"),
    }
}

fn bad(line: &BadLine) -> String {
    format!("{}, {} bytes: {}", line.reason, line.len, short(&line.head))
}

/// What a message is, without its contents.
pub(super) fn title(message: &Envelope) -> String {
    let id = message.id().map(|id| format!(" {id}")).unwrap_or_default();
    let method = message.method().unwrap_or_default();
    match message.kind() {
        Kind::Request => format!("request{id} `{method}`"),
        Kind::Notification => format!("notification `{method}`"),
        Kind::Response => format!("answer to{id}"),
        Kind::Error => format!("error for{id}"),
    }
}

pub(super) fn short(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}… ({} bytes)", &text[..cut], bytes.len()),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let text = "ü".repeat(200);
        assert_eq!(short(text.as_bytes()), format!("{}… (400 bytes)", "ü".repeat(SHOWN)));
        assert_eq!(short(b"a\xFFb"), "a\u{fffd}b");
    }
}
