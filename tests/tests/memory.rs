//! What a session allocates: next to nothing when it is idle, and never more than its limits allow.
//!
//! Every scenario prints what it measured; see `tests/README.md`.

#[path = "memory/budget.rs"]
mod budget;

use std::time::Duration;

use allocation_counter::measure;
use bytes::Bytes;
use farpipe_core::{
    Capabilities, Cause, Chunk, Exit, Input, JsonRpc, Limits, Page, ReplayId, Seq, Session, Stream,
    Timestamp, WriteOutcome,
};

use self::budget::{CHUNK, Kept, ceiling, limits};

const FAR: Capabilities = Capabilities {
    lossless: false,
    from_start: true,
    replay: true,
    retention: None,
    close_stdin: false,
    interrupt: true,
    write_deduplication: true,
};

const NOW: Timestamp = Timestamp::ORIGIN;

fn output(stream: Stream, seq: Seq, data: Bytes) -> Input {
    Input::Output(Chunk { seq, stream, data })
}

fn far() -> Session<JsonRpc> {
    Session::new(JsonRpc, FAR, limits()).unwrap()
}

/// Runs a hostile peer against a new session; the peak must stay under the sum of the limits for what
/// is kept.
fn hostile(name: &str, kept: &[Kept], attack: impl FnOnce(&mut Session<JsonRpc>)) {
    let info = measure(|| attack(&mut far()));
    let (peak, ceiling) = (info.bytes_max, ceiling(kept));
    println!("{name}: {peak} of {ceiling} bytes");
    assert!(peak <= ceiling, "{name}: {peak} bytes, and the limits add up to {ceiling}");
}

fn read_all(session: &mut Session<JsonRpc>) {
    while session.poll_event().is_some() {}
}

fn call(number: usize) -> Bytes {
    format!(r#"{{"jsonrpc":"2.0","id":{number},"method":"tools/call"}}"#).into()
}

#[test]
fn an_idle_session_is_under_two_kib() {
    let mut kept = None;
    let new = measure(|| kept = Some(Session::new(JsonRpc, FAR, Limits::default()).unwrap()));
    let mut session = kept.unwrap();
    let used = measure(|| {
        for seq in 1..=100 {
            session.send(call(1)).unwrap();
            while let Some(action) = session.poll_action() {
                let farpipe_core::Action::Write { id, .. } = action else { continue };
                let outcome = WriteOutcome::Accepted;
                session.handle(NOW, Input::Written { id, outcome });
            }
            while session.poll_settled().is_some() {}
            let answer = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n";
            session.handle(NOW, output(Stream::Stdout, 2 * seq - 1, answer[..9].into()));
            session.handle(NOW, output(Stream::Stdout, 2 * seq, answer[9..].into()));
            read_all(&mut session);
        }
    });
    let own = size_of_val(&session) as u64;
    let idle = own + new.bytes_max + u64::try_from(used.bytes_current).unwrap();
    println!("idle session: {own} + {} + {} = {idle} bytes", new.bytes_max, used.bytes_current);
    assert!(idle < 2048, "{idle} bytes");
}

#[test]
fn a_chunk_in_order_is_taken_and_read_without_an_allocation() {
    let mut session = far();
    let line = b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}\n";
    for seq in 1..=1000 {
        // The chunk is the caller's; its reference counter comes with the first clone.
        let chunk = Bytes::copy_from_slice(line);
        let shared = chunk.clone();
        let info = measure(|| {
            session.handle(NOW, output(Stream::Stdout, seq, shared));
            read_all(&mut session);
        });
        assert!(seq == 1 || info.count_total == 0, "{seq}: {info:?}");
    }
    assert_eq!(session.stats().messages, 1000);
}

#[test]
fn an_endless_line() {
    hostile("endless line", &[Kept::Line], |session| {
        for seq in 1..=1000 {
            session.handle(NOW, output(Stream::Stdout, seq, vec![b'x'; CHUNK].into()));
            read_all(session);
        }
    });
}

#[test]
fn an_endless_line_of_stderr() {
    hostile("endless stderr", &[Kept::Stderr], |session| {
        for seq in 1..=1000 {
            session.handle(NOW, output(Stream::Stderr, seq, vec![b'x'; CHUNK].into()));
            read_all(session);
        }
    });
}

#[test]
fn lines_as_long_as_they_may_be() {
    let line = [vec![b'x'; limits().max_line], vec![b'\n']].concat();
    hostile("long lines", &[Kept::Line], |session| {
        let mut seq = 0;
        for _ in 0..50 {
            for piece in line.chunks(CHUNK) {
                seq += 1;
                session.handle(NOW, output(Stream::Stdout, seq, Bytes::copy_from_slice(piece)));
                read_all(session);
            }
        }
    });
}

#[test]
fn output_that_nobody_reads() {
    hostile("unread output", &[Kept::Unread, Kept::Early], |session| {
        for seq in 1..=1000 {
            session.handle(NOW, output(Stream::Stdout, seq, vec![b'\n'; CHUNK].into()));
        }
        assert!(session.stats().shed > 0);
    });
    // The smallest chunks: what they cost beside their bytes counts as well.
    hostile("unread crumbs", &[Kept::Unread, Kept::Early], |session| {
        for seq in 1..=100_000 {
            session.handle(NOW, output(Stream::Stdout, seq, Bytes::from_static(b"x")));
        }
    });
}

#[test]
fn numbers_far_ahead() {
    hostile("far ahead", &[Kept::Early], |session| {
        for step in 1..=5000 {
            let seq = step * 1_000_000_007;
            session.handle(NOW, output(Stream::Stdout, seq, vec![b'x'; CHUNK].into()));
        }
        assert!(session.stats().reorder_peak <= limits().reorder_events as u64);
    });
    hostile("empty and far ahead", &[Kept::Early], |session| {
        for step in 1..=5000 {
            session.handle(NOW, output(Stream::Stdout, Seq::MAX - step, Bytes::new()));
        }
    });
}

#[test]
fn short_slices_of_long_buffers() {
    hostile("slices", &[Kept::Early], |session| {
        for seq in 2..=200 {
            let long = Bytes::from(vec![b'x'; 4 * CHUNK]);
            session.handle(NOW, output(Stream::Stdout, seq, long.slice(..1)));
        }
    });
}

#[test]
fn floods_of_replay_pages() {
    hostile("replay flood", &[Kept::Page], |session| {
        for round in 0..200 {
            session.handle(NOW, Input::Lagged { skipped: 1 });
            let request = match session.poll_action() {
                Some(farpipe_core::Action::Replay { request, .. }) => request,
                _ => ReplayId(round),
            };
            // Everything but what is asked for, over and over.
            let chunks = (2..6).map(|seq| Chunk {
                seq: seq + 4 * round,
                stream: Stream::Stdout,
                data: vec![b'x'; CHUNK / 4].into(),
            });
            let chunks = chunks.collect::<Vec<_>>();
            let next = chunks.last().map_or(1, |chunk| chunk.seq + 1);
            let page = Page { request, chunks, next, exit: None, closed: false, failure: None };
            session.handle(NOW, Input::Replayed(page.clone()));
            session.handle(NOW, Input::Replayed(page));
            read_all(session);
        }
    });
}

#[test]
fn a_page_beyond_its_own_end() {
    let mut session = far();
    session.handle(NOW, Input::Lagged { skipped: 1 });
    let Some(farpipe_core::Action::Replay { request, .. }) = session.poll_action() else {
        panic!()
    };
    let chunk = Chunk { seq: Seq::MAX, stream: Stream::Stdout, data: vec![b'x'; CHUNK].into() };
    let page =
        Page { request, chunks: vec![chunk; 8], next: 2, exit: None, closed: false, failure: None };
    let info = measure(|| session.handle(NOW, Input::Replayed(page)));
    assert!(matches!(session.end().unwrap().cause, Cause::Violation(_)));
    assert!(info.bytes_max < CHUNK as u64, "nothing of it is kept: {info:?}");
}

#[test]
fn messages_that_wait_are_joined_in_one_buffer_of_their_size() {
    let mut session = far();
    for number in 0..100 {
        session.send(call(number)).unwrap();
    }
    let mut action = None;
    let info = measure(|| action = session.poll_action());
    let Some(farpipe_core::Action::Write { data, .. }) = action else { panic!() };
    println!("a write of {} bytes: {} bytes allocated", data.len(), info.bytes_total);
    // The buffer, the counter of who shares it, and the write in flight.
    assert!(info.count_total <= 3, "{info:?}");
    assert!(info.bytes_total <= data.len() as u64 + 256, "{info:?}");
}

#[test]
fn writes_that_are_never_taken() {
    hostile("stuck writes", &[Kept::Writes], |session| {
        let message = Bytes::from(vec![b'x'; 1000]);
        while session.send(Bytes::copy_from_slice(&message)).is_ok() {}
        for round in 0..20 {
            let now = Timestamp::from_origin(Duration::from_secs(20 * round));
            session.handle(now, Input::Tick);
            let Some(farpipe_core::Action::Write { id, .. }) = session.poll_action() else {
                continue;
            };
            session.handle(now, Input::Written { id, outcome: WriteOutcome::Starting });
            while session.send(Bytes::copy_from_slice(&message)).is_ok() {}
        }
    });
    hostile("refused writes", &[Kept::Writes, Kept::Calls], |session| {
        while session.send(call(1)).is_ok() {}
        let Some(farpipe_core::Action::Write { id, .. }) = session.poll_action() else { panic!() };
        session.handle(NOW, Input::Written { id, outcome: WriteOutcome::Failed("no".to_owned()) });
        read_all(session);
    });
}

#[test]
fn calls_that_are_never_answered() {
    hostile("pending calls", &[Kept::Calls], |session| {
        let mut number = 0;
        while session.send(call(number)).is_ok() {
            number += 1;
            while let Some(farpipe_core::Action::Write { id, .. }) = session.poll_action() {
                session.handle(NOW, Input::Written { id, outcome: WriteOutcome::Accepted });
            }
            while session.poll_settled().is_some() {}
        }
        assert_eq!(session.calls().len(), limits().pending_calls);
        session.handle(NOW, Input::Exited { seq: 1, exit: Exit::Code(1) });
        session.handle(NOW, Input::Closed { seq: 2 });
        read_all(session);
        assert!(session.calls().is_empty());
    });
}

#[test]
fn answers_that_are_too_long() {
    hostile("oversized answers", &[Kept::Line, Kept::Calls], |session| {
        for number in 0..200 {
            session.send(call(number)).unwrap();
            while let Some(farpipe_core::Action::Write { id, .. }) = session.poll_action() {
                session.handle(NOW, Input::Written { id, outcome: WriteOutcome::Accepted });
            }
            while session.poll_settled().is_some() {}
            let begin = format!("{{\"jsonrpc\":\"2.0\",\"id\":{number},\"result\":\"");
            let seq = 3 * number as Seq;
            session.handle(NOW, output(Stream::Stdout, seq + 1, begin.into()));
            session
                .handle(NOW, output(Stream::Stdout, seq + 2, vec![b'x'; limits().max_line].into()));
            session.handle(NOW, output(Stream::Stdout, seq + 3, Bytes::from_static(b"\"}\n")));
            read_all(session);
        }
        assert_eq!(session.stats().failed_calls, 200);
    });
}
