//! Messages to and from real processes.
#![cfg(unix)]

mod support;

use bytes::Bytes;
use farpipe_core::{Cause, Delivery, Event, Exit, Limits, Rejected};
use farpipe_driver::Executor;
use farpipe_tests::session::{Lines, message, rest, sh, within};
use farpipe_tokio::{LocalProcess, SpawnError, TokioRuntime};

use support::spawn;

/// <https://github.com/langchain4j/langchain4j/issues/2667>
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_sends_keep_the_order_of_each_sender() {
    const EACH: usize = 500;
    let handle = spawn("cat");
    let senders = ["a", "b"].map(|name| {
        let handle = handle.clone();
        tokio::spawn(async move {
            for number in 0..EACH {
                let sent = handle.send(format!("{name} {number}").into()).unwrap();
                assert_eq!(sent.await, Delivery::Accepted);
            }
        })
    });
    let mut next = [0, 0];
    for _ in 0..2 * EACH {
        let line = message(&handle).await;
        let sender = usize::from(line[0] == b'b');
        assert_eq!(line[2..], *next[sender].to_string().as_bytes());
        next[sender] += 1;
    }
    assert_eq!(next, [EACH, EACH]);
    for sender in senders {
        within(sender).await.unwrap();
    }
}

/// <https://github.com/openai/codex/issues/18977>
#[tokio::test]
async fn the_last_answer_of_a_process_that_exits_at_once_is_delivered() {
    let handle = spawn("read line; echo \"$line\"; exit 0");
    drop(handle.send("answer me".into()).unwrap());
    let (events, end) = rest(&handle).await;
    let messages: Vec<_> =
        events.into_iter().filter(|event| matches!(event, Event::Message(_))).collect();
    assert_eq!(messages, [Event::Message(Bytes::from("answer me"))]);
    assert_eq!((end.cause, end.exit), (Cause::Closed, Some(Exit::Code(0))));
}

/// <https://github.com/supercorp-ai/supergateway/issues/139>,
/// <https://github.com/holon-run/uxc/issues/210>
#[tokio::test]
async fn a_process_that_dies_at_the_start_says_why() {
    let handle = spawn("echo 'no configuration' >&2; exit 3");
    let (_, end) = rest(&handle).await;
    assert_eq!(end.exit, Some(Exit::Code(3)));
    assert_eq!(&end.stderr_tail[..], b"no configuration\n");
    let text = end.to_string();
    assert!(text.contains("exit code 3") && text.contains("no configuration"), "{text}");
}

#[tokio::test]
async fn a_send_to_a_process_that_reads_no_more_is_rejected() {
    let handle = spawn("exec <&-; echo deaf; sleep 600");
    assert_eq!(message(&handle).await, "deaf");
    // A process that another test starts just now holds our pipe as well until it has begun.
    loop {
        match within(handle.send("hello".into()).unwrap()).await {
            Delivery::Accepted => {}
            Delivery::Rejected(Rejected::StdinClosed) => break,
            other => panic!("{other:?}"),
        }
    }
}

/// <https://github.com/kubernetes/kubernetes/issues/116778>
#[tokio::test]
async fn output_stays_open_after_stdin_is_closed() {
    let handle = spawn("cat; echo after");
    drop(handle.send("before".into()).unwrap());
    handle.close_stdin();
    assert!(handle.send("too late".into()).is_err());
    assert_eq!(message(&handle).await, "before");
    assert_eq!(message(&handle).await, "after");
}

#[tokio::test]
async fn the_process_leads_a_group_of_its_own() {
    let process = LocalProcess::spawn(sh("echo $$; ps -o pgid= -p $$ || echo $$")).unwrap();
    let id = process.id().to_string();
    assert!(process.capabilities().close_stdin);
    let (handle, pump) =
        farpipe_driver::connect(Lines, Limits::default(), process, TokioRuntime::current())
            .unwrap();
    tokio::spawn(pump);
    for _ in 0..2 {
        assert_eq!(message(&handle).await.trim_ascii(), id.as_bytes());
    }
}

#[test]
fn outside_a_runtime_nothing_is_started() {
    let refused = farpipe_tokio::spawn(Lines, sh("cat"));
    assert!(matches!(refused, Err(SpawnError::NoRuntime { program }) if program == "sh"));
}
