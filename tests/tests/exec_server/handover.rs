//! One program goes on with what another has begun.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use farpipe_core::{JsonRpc, Limits};
use farpipe_driver::spawn;
use farpipe_exec_server::{ConnectError, ExecServer, Options, ProcessSpec, Ticket};
use farpipe_tests::{
    exec_server::{Proxy, Server},
    orchestrator::{REQUESTS, Stored},
};
use farpipe_tokio::TokioRuntime;
use tokio::time::timeout;

use crate::client::{WATCHDOG, connect, end, next_message, numbered};

const KILLS: usize = 25;

/// A program that is killed again and again, each time wherever it happens to be.
#[test]
fn killed_programs_lose_and_repeat_nothing() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("progress.json");
    let stdin = folder.path().join("stdin");
    let answer = r#"sed -u 's/"method":"tools.call"/"result":{}/'"#;
    let script = format!("tee {} | {answer}", stdin.display());
    let mut kills = 0;
    for kill in 0..KILLS {
        let steps = 1 + kill * 37 % 20;
        let (mut program, left) = live(&server.url, &file, &script, steps);
        kills += usize::from(left);
        program.kill().unwrap();
        program.wait().unwrap();
    }
    let (mut program, _) = live(&server.url, &file, &script, usize::MAX);
    assert!(program.wait().unwrap().success());
    assert!(kills > KILLS / 2, "only {kills} kills before the end");
    check(&file, &stdin);
}

/// Starts a program and waits until it has made so many steps; false if it has ended before.
fn live(url: &str, file: &Path, script: &str, steps: usize) -> (Child, bool) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_far_orchestrator"))
        .args([url, file.to_str().unwrap(), script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let made = lines.take(steps).map_while(Result::ok).count();
    (program, made == steps)
}

fn check(file: &Path, stdin: &Path) {
    let progress = Stored::load(file).unwrap().unwrap().progress;
    let all = |rest: &str| -> Vec<String> {
        (1..=REQUESTS).map(|id| format!(r#"{{"jsonrpc":"2.0","id":{id},{rest}}}"#)).collect()
    };
    assert_eq!(progress.messages, all(r#""result":{}"#));
    assert!(progress.settled.iter().copied().eq(1..=REQUESTS), "{:?}", progress.settled);
    assert!(matches!(progress.other.as_slice(), [exit] if exit.starts_with("Exited")));
    let read = fs::read_to_string(stdin).unwrap();
    assert!(read.lines().eq(all(r#""method":"tools/call""#)), "stdin has other bytes");
    let end = progress.end.unwrap();
    assert!(end.starts_with("the process ended as requested"), "{end}");
}

/// Goes on with a process; the process it was started by is not asked.
async fn take_over(
    url: &str,
    options: Options,
    ticket: &Ticket,
) -> Result<ExecServer, ConnectError> {
    let runtime = TokioRuntime::current();
    timeout(WATCHDOG, ExecServer::resume(url, options, ticket, &runtime)).await.unwrap()
}

#[tokio::test]
async fn a_process_that_is_detached_lives_on_and_is_taken_over() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let exec = connect(&server.url, Options::default()).await;
    let cat = timeout(WATCHDOG, exec.start(&ProcessSpec::new("cat"))).await.unwrap().unwrap();
    let ticket = cat.ticket();
    let cat = spawn(JsonRpc, Limits::default(), cat, &TokioRuntime::current()).unwrap();
    for number in 0..10 {
        drop(cat.send(numbered(number)).unwrap());
        assert_eq!(next_message(&cat).await.raw(), &numbered(number));
    }
    assert!(exec.detach(&ticket));
    let ended = end(&cat).await;
    assert!(ended.to_string().contains("detached"), "{ended}");
    drop((cat, exec));

    let exec = take_over(&server.url, Options::default(), &ticket).await.unwrap();
    let cat = exec.attach_anew(&ticket).unwrap();
    assert_ne!(cat.ticket(), ticket);
    let cat = spawn(JsonRpc, Limits::default(), cat, &TokioRuntime::current()).unwrap();
    // The server still has what the session before has read.
    for number in 0..10 {
        assert_eq!(next_message(&cat).await.raw(), &numbered(number));
    }
    // Its first write is none of those that the server has seen.
    drop(cat.send(numbered(10)).unwrap());
    assert_eq!(next_message(&cat).await.raw(), &numbered(10));
}

/// <https://github.com/openai/codex/issues/28288>
#[tokio::test]
async fn a_session_that_is_still_used_is_not_taken_away() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let exec = connect(&server.url, Options::default()).await;
    let cat = timeout(WATCHDOG, exec.start(&ProcessSpec::new("cat"))).await.unwrap().unwrap();
    let short = Options { reconnect_deadline: Duration::from_millis(300), ..Options::default() };
    let error = take_over(&server.url, short, &cat.ticket()).await.unwrap_err();
    assert!(
        matches!(&error, ConnectError::StillAttached(told) if told.code == -32010),
        "{error:?}"
    );
}

/// A program that is gone, and a server that has not noticed: its end of the link is still open.
#[test]
fn a_session_whose_loss_is_noticed_late_is_resumed_then() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let (here, gone) = (runtime(), runtime());
    let proxy = here.block_on(Proxy::start(server.port()));
    let ticket = gone.block_on(async {
        let exec = connect(&proxy.url, Options::default()).await;
        let cat = timeout(WATCHDOG, exec.start(&ProcessSpec::new("cat"))).await.unwrap().unwrap();
        proxy.freeze();
        cat.detach()
    });
    drop(gone);
    here.block_on(async {
        let other = Proxy::start(server.port()).await;
        let noticed = async {
            while other.accepted() < 3 {
                tokio::task::yield_now().await;
            }
            proxy.cut();
        };
        let resumed = take_over(&other.url, Options::default(), &ticket);
        let resumed = async { resumed.await.unwrap() };
        // A resume that fails ends the test, instead of the wait for more attempts.
        let (resumed, ()) = tokio::join!(resumed, noticed);
        drop(resumed.attach(&ticket).unwrap());
    });
}

/// <https://github.com/openai/codex/issues/16344>
#[tokio::test]
async fn a_session_that_the_server_has_forgotten_is_told() {
    let Some(mut server) = Server::start(&[]).unwrap() else { return };
    let exec = connect(&server.url, Options::default()).await;
    let cat = timeout(WATCHDOG, exec.start(&ProcessSpec::new("cat"))).await.unwrap().unwrap();
    let ticket = cat.ticket();
    server.kill();
    let Some(other) = Server::start(&[]).unwrap() else { return };
    let error = take_over(&other.url, Options::default(), &ticket).await.unwrap_err();
    assert!(
        matches!(&error, ConnectError::SessionUnknown(told) if told.code == -32600),
        "{error:?}"
    );
    assert!(error.to_string().contains("does not know the session any more"), "{error}");
}
