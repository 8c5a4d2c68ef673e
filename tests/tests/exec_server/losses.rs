//! Output that is at risk, and output that is lost.

use std::{fs, ops::RangeInclusive, time::Duration};

use farpipe_core::{Delivery, Event, JsonRpc, Limits};
use farpipe_driver::spawn;
use farpipe_exec_server::{ExecServer, Options, ProcessSpec};
use farpipe_tests::exec_server::{Proxy, Server};
use farpipe_tokio::TokioRuntime;
use fastrand::Rng;
use tokio::time::timeout;

use crate::client::{Session, WATCHDOG, connect, next, next_message, numbered, session, shell};

/// Hundreds of cuts at random moments, with messages on their way in both directions.
#[tokio::test]
async fn a_link_that_is_cut_hundreds_of_times_loses_and_doubles_nothing() {
    const CUTS: usize = 300;
    const SEED: u64 = 7;
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let proxy = Proxy::start(server.port()).await;
    let options = Options {
        backoff_min: Duration::from_millis(1),
        backoff_max: Duration::from_millis(5),
        ..Options::default()
    };
    let exec = connect(&proxy.url, options).await;
    let folder = tempfile::tempdir().unwrap();
    let stdin = folder.path().join("stdin");
    let tee = session(&exec, ProcessSpec::new("tee").arg(&stdin)).await;
    let mut rng = Rng::with_seed(SEED);
    let (mut sent, mut received, mut cuts) = (Vec::new(), 0, 0);
    while cuts < CUTS {
        for _ in 0..rng.usize(1..30) {
            sent.push(tee.send(numbered(sent.len())).unwrap());
        }
        while received < sent.len() - rng.usize(..sent.len().min(20)) {
            assert_eq!(next_message(&tee).await.raw(), &numbered(received), "seed {SEED}");
            received += 1;
        }
        for _ in 0..rng.usize(..50) {
            tokio::task::yield_now().await;
        }
        // None while it is being restored.
        cuts += proxy.cut();
    }
    while received < sent.len() {
        assert_eq!(next_message(&tee).await.raw(), &numbered(received), "seed {SEED}");
        received += 1;
    }
    let all = sent.len();
    for sent in sent {
        assert_eq!(timeout(WATCHDOG, sent).await.unwrap(), Delivery::Accepted);
    }
    let stats = tee.monitor().stats();
    assert_eq!(stats.lost, 0);
    assert!(stats.link_losses > 100 && stats.repeated_writes > 0, "{stats:?}");
    let read = fs::read(stdin).unwrap();
    let expected: Vec<u8> =
        (0..all).flat_map(|number| [&numbered(number)[..], b"\n"].concat()).collect();
    assert!(read == expected, "seed {SEED}: stdin has other bytes");
}

/// Nobody listens while the process writes more than the server keeps: what is missing is told
/// exactly, and nothing is made of the halves on both sides of it.
#[tokio::test]
async fn what_the_server_did_not_keep_is_told_with_its_range() {
    const LINES: usize = 60_000;
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let proxy = Proxy::start(server.port()).await;
    let exec = connect(&proxy.url, Options::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name| folder.path().join(name).display().to_string();
    let (go, done) = (file("go"), file("done"));
    let line = format!(r#"{{"jsonrpc":"2.0","id":%.0f,"result":"{}"}}"#, "x".repeat(60));
    let script = format!(
        "seq -f '{line}' 1 100; until [ -e {go} ]; do sleep 0.02; done; \
         seq -f '{line}' 101 {LINES}; echo >{done}; exec sleep 1000"
    );
    let process = timeout(WATCHDOG, exec.start(&shell(&script))).await.unwrap().unwrap();
    let ticket = process.ticket();
    let flood = spawn(JsonRpc, Limits::default(), process, &TokioRuntime::current()).unwrap();
    for number in 1..=100 {
        assert_eq!(next_id(&flood).await, number);
    }
    let seen = flood.monitor().stats().events;

    proxy.lead_to(0);
    proxy.cut();
    fs::write(go, "").unwrap();
    let finished = async {
        while !fs::exists(&done).unwrap() {
            tokio::task::yield_now().await;
        }
    };
    timeout(WATCHDOG, finished).await.unwrap();
    proxy.lead_to(server.port());

    let lost = next_loss(&flood).await;
    assert_eq!(*lost.start(), seen + 1);
    let first = next_id(&flood).await;
    assert!(first > 101, "{first}");
    for number in first + 1..=LINES {
        assert_eq!(next_id(&flood).await, number);
    }
    assert_eq!(flood.monitor().stats().lost, lost.end() - lost.start() + 1);

    // The server's own memory begins right behind it.
    assert!(exec.detach(&ticket));
    drop((flood, exec));
    let runtime = TokioRuntime::current();
    let resumed = ExecServer::resume(&server.url, Options::default(), &ticket, &runtime);
    let again = timeout(WATCHDOG, resumed).await.unwrap().unwrap().attach_anew(&ticket).unwrap();
    let again = spawn(JsonRpc, Limits::default(), again, &runtime).unwrap();
    assert_eq!(next_loss(&again).await, 1..=*lost.end());
    assert_eq!(next_id(&again).await, first);
}

async fn next_id(session: &Session) -> usize {
    next_message(session).await.id().unwrap().to_string().parse().unwrap()
}

async fn next_loss(session: &Session) -> RangeInclusive<u64> {
    loop {
        if let Event::Lost(lost) = next(session).await {
            return lost.missing;
        }
    }
}
