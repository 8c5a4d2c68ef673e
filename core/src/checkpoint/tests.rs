//! Checkpoints that are none, are damaged, or come from elsewhere.

use alloc::{
    format,
    string::{String, ToString as _},
};

use super::*;
use crate::{
    Action, Capabilities, Chunk, Event, Input, JsonRpc, Limits, Session, Settings, Stream,
    Timestamp, WriteOutcome,
};

fn out(seq: u64, stream: Stream, data: &str) -> Input {
    Input::Output(Chunk { seq, stream, data: bytes::Bytes::copy_from_slice(data.as_bytes()) })
}

fn far() -> Capabilities {
    Capabilities { replay: true, write_deduplication: true, ..Capabilities::default() }
}

/// Sessions in the middle of everything: a batch, a message behind noise, a line above the limit.
fn all_busy() -> [Checkpoint; 3] {
    [busy(3), busy(5), busy(7)]
}

fn busy(events: usize) -> Checkpoint {
    let now = Timestamp::ORIGIN;
    let limits = Limits { max_line: 200, line_window: 10, ..Limits::default() };
    let mut session = Session::new(JsonRpc, far(), limits).unwrap();
    session.handle(now, Input::LinkUp { identity: "executor \"1\"".into() });
    for id in 1..5 {
        let request = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#);
        session.send(request.into()).unwrap();
    }
    let Some(Action::Write { id, .. }) = session.poll_action() else { panic!() };
    session.handle(now, Input::Written { id, outcome: WriteOutcome::Accepted });
    session.send("in flight".into()).unwrap();
    assert!(session.poll_action().is_some());
    session.send("waiting".into()).unwrap();
    let damaged = r#"{"jsonrpc":"2.0","id":1,"result":tru}"#;
    let batch = r#"[{"jsonrpc":"2.0","id":2,"result":{}},{"jsonrpc":"2.0","method":"n"}]"#;
    let noise = r#"Loading {"jsonrpc":"2.0","id":3,"result":{}}"#;
    let lines = format!("{damaged}\n{batch}\n{noise}\n{}", "x".repeat(300));
    session.handle(now, out(1, Stream::Stdout, &lines));
    session.handle(now, out(2, Stream::Stderr, "on stderr\nhal"));
    session.handle(now, out(3, Stream::Stdout, "é\u{0}\"\\"));
    for _ in 0..events {
        assert!(session.poll_event().is_some());
    }
    session.checkpoint()
}

fn restore(checkpoint: Checkpoint) -> Result<Session<JsonRpc>, RestoreError> {
    let limits = Limits { max_line: 200, line_window: 10, ..Limits::default() };
    Session::restore(JsonRpc, far(), limits, checkpoint)
}

/// The JSON with one part of its state replaced, under a checksum that matches.
fn forged(checkpoint: &Checkpoint, old: &str, new: &str) -> String {
    let state = checkpoint.state_json().unwrap();
    assert!(state.contains(old), "{state}");
    let state = state.replacen(old, new, 1);
    let checksum = checksum(&state);
    format!(r#"{{"format":"{FORMAT}","format_version":1,"state":{state},"checksum":"{checksum}"}}"#)
}

fn corrupt(json: &str) -> String {
    match Checkpoint::from_json(json.as_bytes()).and_then(restore) {
        Err(RestoreError::Corrupt { what }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn json_comes_back_whole() {
    let parts = [r#""batch":"#, r#""salvaged":"#, r#""discarding":"#];
    for (checkpoint, part) in all_busy().into_iter().zip(parts) {
        let json = checkpoint.to_json();
        assert!(json.contains(part), "{json}");
        assert_eq!(Checkpoint::from_json(json.as_bytes()).unwrap(), checkpoint);
        assert_eq!(checkpoint.identity(), Some(&"executor \"1\"".into()));
        let again = restore(checkpoint).unwrap().checkpoint();
        // Only the write in flight is no longer out.
        assert_eq!(again.to_json().len(), json.replace(r#""sent":true"#, r#""sent":false"#).len());
        assert_eq!(restore(again.clone()).unwrap().checkpoint(), again);
    }
}

#[test]
fn it_can_be_a_field_of_what_the_application_stores() {
    let checkpoint = busy(7);
    let text = serde_json::to_string_pretty(&(1, &checkpoint)).unwrap();
    assert_eq!(serde_json::from_str::<(i32, Checkpoint)>(&text).unwrap().1, checkpoint);
    // A format that sorts its fields.
    let value = serde_json::to_value(&checkpoint).unwrap();
    assert_eq!(serde_json::from_value::<Checkpoint>(value).unwrap(), checkpoint);
    let error = serde_json::from_str::<Checkpoint>("7").unwrap_err();
    assert!(error.to_string().contains("expected a farpipe checkpoint"), "{error}");
    let error = serde_json::from_str::<Checkpoint>("{}").unwrap_err();
    assert!(error.to_string().starts_with(&RestoreError::Foreign.to_string()));
}

#[test]
fn truncated_anywhere_it_is_damaged() {
    for json in all_busy().map(|checkpoint| checkpoint.to_json()) {
        for len in 0..json.len() {
            let error = Checkpoint::from_json(&json.as_bytes()[..len]).unwrap_err();
            assert!(matches!(error, RestoreError::Corrupt { .. }), "{len}: {error:?}");
        }
        corrupt(&format!("{json}{json}"));
    }
}

#[test]
fn a_byte_that_changed_is_found_wherever_it_is() {
    for checkpoint in all_busy() {
        let json = checkpoint.to_json();
        for at in 0..json.len() {
            for bit in [0x01, 0x20] {
                let mut damaged = json.clone().into_bytes();
                damaged[at] ^= bit;
                if let Ok(read) = Checkpoint::from_json(&damaged) {
                    assert_eq!(read, checkpoint, "byte {at} means nothing");
                }
            }
        }
    }
}

#[test]
fn what_is_no_checkpoint_is_foreign() {
    let recording = r#"{"format":"farpipe-recording","version":1,"state":{}}"#;
    for json in ["[]", "7", "null", "plain text", "{}", r#"{"format":3}"#, recording] {
        assert_eq!(Checkpoint::from_json(json.as_bytes()), Err(RestoreError::Foreign), "{json}");
    }
}

#[test]
fn a_newer_version_is_told_from_damage() {
    let newer = r#"{"checksum":7,"format":"farpipe-checkpoint","format_version":2,"state":[1]}"#;
    let error = Checkpoint::from_json(newer.as_bytes()).unwrap_err();
    assert_eq!(error, RestoreError::FutureVersion { found: 2, supported: 1 });
    assert!(error.to_string().contains("newer"));
    let huge = newer.replace(":2,", ":99999999999,");
    let found = u32::MAX;
    let expected = RestoreError::FutureVersion { found, supported: 1 };
    assert_eq!(Checkpoint::from_json(huge.as_bytes()), Err(expected));
}

#[test]
fn versions_that_never_were_are_damage() {
    for version in ["0", "-1", "\"1\"", "1.5", "null"] {
        let json = format!(r#"{{"format":"{FORMAT}","format_version":{version},"state":{{}}}}"#);
        assert!(corrupt(&json).contains("version"));
    }
    let early = format!(r#"{{"state":{{}},"format":"{FORMAT}","format_version":1}}"#);
    assert!(corrupt(&early).contains("no state"));
}

#[test]
fn a_state_that_contradicts_itself_is_refused() {
    let checkpoint = busy(7);
    for (old, new) in [
        (r#""phase":"running""#, r#""phase":"closed""#),
        (r#""next_send":7"#, r#""next_send":6"#),
        (r#""next_send":7"#, r#""next_send":1"#),
        (r#""next_write":3"#, r#""next_write":2"#),
        (r#""next_write":3"#, r#""next_write":1"#),
        (r#"[4,"accepted"]"#, r#"[7,"accepted"]"#),
        (r#""next_write":3"#, r#""next_write":18446744073709551615"#),
        (r#""next_replay":0"#, r#""next_replay":18446744073709551615"#),
        (r#""writes":1"#, r#""writes":18446744073709551615"#),
        (r#""completes":1"#, r#""completes":3"#),
        (r#""partial":0"#, r#""partial":100"#),
        (r#""window":10"#, r#""window":2"#),
        (r#""cursor":3"#, r#""cursor":"three""#),
        (r#""cursor":3"#, r#""cursor":3,"else":1"#),
    ] {
        assert!(!corrupt(&forged(&checkpoint, old, new)).is_empty());
    }
}

/// Half of what a number can hold: nothing that is counted from there on overflows.
#[test]
fn counters_are_taken_up_to_their_bound() {
    let checkpoint = busy(7);
    let (counted, half) = (u64::MAX / 2, usize::MAX / 2);
    for (old, name, rest, bound) in [
        (r#""next_send":7"#, "next_send", "", counted),
        (r#""next_write":3"#, "next_write", "", counted),
        (r#""next_replay":0"#, "next_replay", "", counted),
        (r#""writes":1"#, "writes", "", counted),
        (r#""outbox":"#, "pending_failed", r#","outbox":"#, half as u64),
    ] {
        let json = forged(&checkpoint, old, &format!(r#""{name}":{bound}{rest}"#));
        restore(Checkpoint::from_json(json.as_bytes()).unwrap()).unwrap();
        for above in [bound + 1, bound + 2] {
            let json = forged(&checkpoint, old, &format!(r#""{name}":{above}{rest}"#));
            let what = corrupt(&json);
            assert!(!what.contains("checksum"), "{what}");
        }
    }
}

#[test]
fn a_forged_state_cannot_make_the_session_panic() {
    let checkpoint = busy(7);
    for (old, new) in [
        (r#""cursor":3"#, r#""cursor":18446744073709551615"#),
        (r#""cursor":3"#, r#""cursor":3,"exited_at":4,"closed_at":1,"exit":"unknown""#),
        (r#""len":300"#, r#""len":0"#),
    ] {
        let json = forged(&checkpoint, old, new);
        let mut session = restore(Checkpoint::from_json(json.as_bytes()).unwrap()).unwrap();
        for input in [Input::LinkUp { identity: "executor \"1\"".into() }, Input::Ended] {
            session.handle(Timestamp::ORIGIN, input);
            while session.poll_action().is_some() {}
        }
        let last = core::iter::from_fn(|| session.poll_event()).last();
        assert!(matches!(last, Some(Event::End(_))), "{last:?}");
    }
}

#[test]
fn limits_that_are_too_small_are_named() {
    let limits = Limits { max_line: 200, line_window: 9, ..Limits::default() };
    let error = Session::restore(JsonRpc, far(), limits, busy(7)).unwrap_err();
    let expected = RestoreError::ExceedsLimit { limit: "line_window", value: 9, found: 10 };
    assert_eq!(error, expected);
    assert!(error.to_string().contains("`line_window` is 9"));

    for (stream, limits) in [
        (Stream::Stdout, Limits { max_line: 3, ..Limits::default() }),
        (Stream::Stderr, Limits { stderr_line: 3, ..Limits::default() }),
    ] {
        let mut session = Session::new(JsonRpc, far(), Settings::default()).unwrap();
        session.handle(Timestamp::ORIGIN, out(1, stream, "open"));
        assert_eq!(session.poll_event(), None);
        let error = Session::restore(JsonRpc, far(), limits, session.checkpoint()).unwrap_err();
        assert!(matches!(error, RestoreError::ExceedsLimit { value: 3, found: 4, .. }), "{error}");
    }

    let limits = Limits { max_write: 0, ..Limits::default() };
    let error = Session::restore(JsonRpc, far(), limits, busy(7)).unwrap_err();
    assert!(matches!(error, RestoreError::InvalidLimits(_)));
    assert!(error.to_string().contains("max_write"));
    assert!(core::error::Error::source(&error).unwrap().to_string().contains("max_write"));
}
