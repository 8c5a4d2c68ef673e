//! stdout and stderr beside each other, noise and damage.

use alloc::string::String;

use super::harness::Far;
use crate::{Capabilities, Event, Limits};

/// <https://github.com/openai/codex/issues/18212>
#[test]
fn unparsable_line_does_not_hold_back_the_valid_one_behind_it() {
    let mut far = Far::local();
    far.out(1, "{broken\nvalid\n");
    assert_eq!(far.events(), ["malformed 7", "valid"]);
}

/// <https://github.com/openai/codex/issues/18212>
#[test]
fn unparsable_line_at_the_close_does_not_hide_later_complete_lines() {
    let mut far = Far::local();
    far.out(1, "{broken\nvalid\n{broken\nlast");
    far.closed(2);
    assert_eq!(
        far.events(),
        ["malformed 7", "valid", "malformed 7", "last", "end: the process ended"]
    );
}

/// <https://github.com/bug-ops/mcp-execution/issues/224>
#[test]
fn an_error_on_one_line_does_not_end_the_stream() {
    let limits = Limits { max_line: 10, ..Limits::default() };
    let mut far = Far::with(Capabilities::local(), limits);
    far.out(1, "!noise\n01234567890\n{bad\n\u{fffd}\n");
    far.out(2, "good\n");
    let events = far.events();
    assert_eq!(events.last().map(String::as_str), Some("good"));
    assert_eq!(events[..2], ["noise not JSON", "oversized 11"]);
    let stats = far.session.stats();
    assert_eq!((stats.noise, stats.oversized, stats.malformed), (1, 1, 1));
}

/// <https://github.com/chrisdoc/hevy-mcp/issues/796>
#[test]
fn thousands_of_malformed_lines_leave_no_data_behind() {
    let mut far = Far::local();
    far.out(1, &("{bad\n".repeat(5000) + "good\n"));
    let events = far.events();
    assert_eq!(events.len(), 5001);
    assert_eq!(events[5000], "good");
}

/// <https://github.com/kubernetes/kubernetes/issues/116778>
#[test]
fn an_empty_chunk_is_not_the_end() {
    let mut far = Far::local();
    far.out(1, "half");
    far.out(2, "");
    far.err(3, "");
    assert_eq!(far.events(), [""; 0]);
    far.out(4, " a line\n");
    assert_eq!(far.events(), ["half a line"]);
}

/// <https://github.com/openai/codex/issues/7155>
#[test]
fn heavy_stderr_does_not_stall_stdout() {
    let mut far = Far::local();
    let flood = "e".repeat(64 * 1024);
    for seq in 1..=40 {
        far.err(seq, &flood);
    }
    far.out(41, "answer\n");
    let events = far.events();
    assert_eq!(events.len(), 2);
    assert_eq!(events[1], "answer");
    assert_eq!(far.session.stats().stderr_truncated, 1);
}

/// <https://github.com/openai/codex/issues/23276>
#[test]
fn stderr_limit_cuts_the_line_and_leaves_stdout_alone() {
    let limits = Limits { stderr_line: 4, ..Limits::default() };
    let mut far = Far::with(Capabilities::local(), limits);
    far.out(1, "{\"screen");
    far.err(2, "too long\nok\n");
    far.out(3, "shot\":1}\n");
    assert_eq!(far.events(), ["stderr too …", "stderr ok", "{\"screenshot\":1}"]);
}

/// <https://github.com/moby/moby/issues/43860>
#[test]
fn final_message_without_newline_is_delivered_at_the_close() {
    let mut far = Far::local();
    far.out(1, "{\"last\":1}");
    assert!(far.events().is_empty());
    far.closed(2);
    assert_eq!(far.events(), ["{\"last\":1}", "end: the process ended"]);
}

#[test]
fn half_a_message_at_the_close_is_reported() {
    let mut far = Far::local();
    far.out(1, "{\"last\":");
    far.closed(2);
    let Some(Event::Malformed(line)) = far.session.poll_event() else { panic!() };
    assert!(line.unterminated);
    assert_eq!(&line.head[..], b"{\"last\":");
}

#[test]
fn an_unreadable_line_shows_both_its_ends_and_no_more() {
    let limits = Limits { line_window: 4, ..Limits::default() };
    let mut far = Far::with(Capabilities::local(), limits);
    far.out(1, "{abcdefghijk\n");
    let Some(Event::Malformed(line)) = far.session.poll_event() else { panic!() };
    assert_eq!((&line.head[..], &line.tail[..], line.len), (&b"{abc"[..], &b"hijk"[..], 12));
    far.out(2, "{abcd\n");
    let Some(Event::Malformed(line)) = far.session.poll_event() else { panic!() };
    assert_eq!((&line.head[..], &line.tail[..]), (&b"{abc"[..], &b"d"[..]), "no byte twice");
}
