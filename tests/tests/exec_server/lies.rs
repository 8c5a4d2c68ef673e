//! Servers that do not talk sense. A lie about one process is its own end only.

use std::time::Duration;

use async_tungstenite::tungstenite::Message;
use farpipe_core::{Cause, End, Event};
use farpipe_exec_server::{ConnectError, Options, ProcessSpec};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

use crate::{
    client::{connect, end, next, numbered, session, try_connect},
    fake::{Fake, Lie},
};

/// How the process that is lied about ends, and whether the other one is none the worse.
async fn ends(lie: Lie) -> (End, bool) {
    let fake = Fake::start(lie).await;
    let options = Options {
        max_frame: 100_000,
        reconnect_deadline: Duration::from_secs(1),
        ..Options::default()
    };
    let exec = connect(&fake.url, options).await;
    let bad = session(&exec, ProcessSpec::new("bad")).await;
    let good = session(&exec, ProcessSpec::new("good")).await;
    drop(bad.send(numbered(0)).unwrap());
    let ended = end(&bad).await;
    drop(bad);
    let unharmed = good.send(numbered(1)).is_ok()
        && matches!(next(&good).await, Event::Message(echo) if *echo.raw() == *numbered(1));
    (ended, unharmed)
}

fn text(frames: &[Value]) -> Lie {
    Lie::Say(frames.iter().map(|frame| Message::text(frame.to_string())).collect())
}

fn output(seq: i64, chunk: &str) -> Value {
    let params = json!({ "processId": "BAD", "seq": seq, "stream": "stdout", "chunk": chunk });
    json!({ "method": "process/output", "params": params })
}

fn closed(seq: i64) -> Value {
    json!({ "method": "process/closed", "params": { "processId": "BAD", "seq": seq } })
}

#[tokio::test]
async fn what_makes_no_sense_at_all_ends_the_session_and_says_why() {
    let long = Message::text(output(1, &"aGVs".repeat(30_000)).to_string());
    let raw = |text: &str| Lie::Say(vec![Message::text(text)]);
    let lies = [
        (raw("garbage"), "no message"),
        (raw("[]"), "no message"),
        (raw("{}"), "neither a method nor a result"),
        (Lie::Say(vec![Message::binary(vec![0, 255])]), "binary"),
        (Lie::Say(vec![long]), "too much at once"),
        (text(&[json!({ "id": 9999, "result": {} })]), "not outstanding"),
        (text(&[json!({ "id": -1, "error": { "code": -32600, "message": "what?" } })]), "what?"),
    ];
    for (lie, told) in lies {
        let (end, unharmed) = ends(lie).await;
        assert!(
            matches!(&end.cause, Cause::SessionLost { reason } if reason.contains(told)),
            "{told}: {end}"
        );
        assert!(!unharmed, "{told}");
    }
}

#[tokio::test]
async fn a_lie_about_one_process_harms_no_other() {
    let chunk = |seq: u64| json!({ "seq": seq, "stream": "stdout", "chunk": "aA==" });
    let page = |chunks: &[Value], next: u64| {
        Lie::Page(json!({ "chunks": chunks, "nextSeq": next, "exited": false, "closed": false }))
    };
    let lies = [
        (text(&[output(1, "!")]), "failed"),
        (text(&[output(-1, "aA==")]), "failed"),
        (
            text(&[json!({ "method": "process/exited", "params": { "processId": "BAD" } })]),
            "failed",
        ),
        (text(&[closed(3), output(5, "aA==")]), "violation"),
        (text(&[closed(3), closed(4)]), "violation"),
        (page(&[chunk(7)], 3), "violation"),
        (page(&[], 0), "violation"),
        (Lie::Page(json!({ "chunks": 7 })), "failed"),
    ];
    for (number, (lie, cause)) in lies.into_iter().enumerate() {
        let (end, unharmed) = ends(lie).await;
        assert_eq!(end.cause.name(), cause, "lie {number}: {end}");
        assert!(unharmed, "lie {number} has harmed another process");
    }
}

/// Numbers that go back are repetitions, whatever comes with them.
#[tokio::test]
async fn numbers_that_go_back_are_dropped() {
    // Three lines, `1`, `2` and `3`, and another `2` under the number of the first.
    let fake = Fake::start(text(&[
        output(1, "MQo="),
        output(2, "Mgo="),
        output(1, "Mgo="),
        output(0, "Mgo="),
        output(3, "Mwo="),
    ]))
    .await;
    let exec = connect(&fake.url, Options::default()).await;
    let process = exec.start(&ProcessSpec::new("bad")).await.unwrap();
    let runtime = farpipe_tokio::TokioRuntime::current();
    let limits = farpipe_core::Limits::default();
    let bad = farpipe_driver::spawn(farpipe_tests::session::Lines, limits, process, &runtime);
    let bad = bad.unwrap();
    drop(bad.send(numbered(0)).unwrap());
    for line in ["1", "2", "3"] {
        assert_eq!(farpipe_tests::session::message(&bad).await, line);
    }
    assert_eq!(bad.monitor().stats().duplicates, 2);
}

#[tokio::test]
async fn a_refusal_is_final() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut link, _) = listener.accept().await.unwrap();
        link.readable().await.unwrap();
        let answer = "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno";
        link.write_all(answer.as_bytes()).await.unwrap();
    });
    let error = try_connect(&url, Options::default()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Denied { status: 403 }), "{error:?}");
}
