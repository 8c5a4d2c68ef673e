//! `farpipe` with a real `codex exec-server`, and real MCP clients.
#![cfg(unix)]

mod support;

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
    time::Instant,
};

use assert_cmd::cargo::cargo_bin_cmd;
use farpipe_tests::{
    exec_server::{Proxy, Server},
    peers,
};
use serde_json::Value;
use support::{Bridge, WATCHDOG, farpipe};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#;
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

fn run(url: &str, script: &str) -> Bridge {
    Bridge::start(&["run", "--executor", url, "--", "sh", "-c", script])
}

fn output(args: &[&str]) -> Output {
    cargo_bin_cmd!("farpipe").args(args).timeout(WATCHDOG).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_far_command_is_used_as_if_it_were_here() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let script = r#"echo "up $A" >&2; while read -r line; do echo "$line"; done"#;
    let args = [
        "run",
        "--executor",
        &server.url,
        "--cwd",
        "/tmp",
        "--env",
        "A=b",
        "--",
        "sh",
        "-c",
        script,
    ];
    let mut bridge = Bridge::start(&args);
    assert_eq!(bridge.next_error(), "up b");
    let long = format!(r#"{{"jsonrpc":"2.0","id":1,"result":"{}"}}"#, "ü\\u00e4".repeat(100_000));
    for line in [ANSWER, &long, r#"[{"jsonrpc":"2.0","id":18446744073709551615,"result":1.50}]"#] {
        bridge.send(line);
        assert!(bridge.next() == line, "{line:.100}");
    }
    // It cannot be told that stdin has ended.
    bridge.end_input();
    let (stdout, _, status) = bridge.rest();
    assert!(stdout.is_empty());
    assert_eq!(status.code(), Some(0), "SIGINT stands for the end of stdin");
}

#[test]
fn the_exit_status_of_a_far_command_is_its_own() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    for (script, code) in [("exit 3", 3), ("kill -9 $$", 137)] {
        assert_eq!(run(&server.url, script).rest().2.code(), Some(code), "{script}");
    }
    let missing = output(&["run", "--executor", &server.url, "--", "no-such-server"]);
    assert_eq!(missing.status.code(), Some(126), "{}", text(&missing.stderr));
    assert!(text(&missing.stderr).contains("`no-such-server`"), "{}", text(&missing.stderr));
    let nowhere = output(&["run", "--executor", &server.url, "--cwd", "/no/where", "--", "cat"]);
    assert_eq!(nowhere.status.code(), Some(126), "{}", text(&nowhere.stderr));
    assert!(text(&nowhere.stderr).contains("/no/where"), "{}", text(&nowhere.stderr));
    let relative = output(&["run", "--executor", &server.url, "--cwd", "tmp", "--", "cat"]);
    assert_eq!(relative.status.code(), Some(2), "{}", text(&relative.stderr));
}

#[test]
fn a_far_server_is_inspected_with_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "open-sesame\n").unwrap();
    let token = token.to_str().unwrap();
    let auth = ["--ws-auth", "capability-token", "--ws-token-file", token];
    let Some(server) = Server::start(&auth).unwrap() else { return };
    let url = server.url.as_str();
    let farpipe = farpipe().to_str().unwrap();
    let inspected = output(&[
        "inspect",
        "--json",
        "--executor",
        url,
        "--token-file",
        token,
        "--",
        farpipe,
        "demo",
    ]);
    let report: Value = serde_json::from_slice(&inspected.stdout).unwrap();
    assert_eq!(report["server"]["serverInfo"]["name"], "farpipe-demo");
    // As with `--token-file <(command)`: it can be read only once.
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"open-sesame").unwrap();
    drop(writer);
    let mut piped = Command::new(support::farpipe());
    piped.args([
        "run",
        "--executor",
        url,
        "--token-file",
        "/dev/stdin",
        "--",
        "sh",
        "-c",
        "exit 8",
    ]);
    assert_eq!(piped.stdin(reader).status().unwrap().code(), Some(8));
    let refused = output(&["run", "--executor", url, "--", "cat"]);
    assert_eq!(refused.status.code(), Some(125));
    assert!(text(&refused.stderr).contains("401"), "{}", text(&refused.stderr));
    let mut command = cargo_bin_cmd!("farpipe");
    command
        .args(["run", "--executor", url, "--", "sh", "-c", "exit 9"])
        .env("FARPIPE_TOKEN", "open-sesame");
    assert_eq!(command.timeout(WATCHDOG).output().unwrap().status.code(), Some(9));
}

#[test]
fn a_signal_ends_a_far_command() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    for (script, code) in [
        ("trap 'exit 4' INT; echo up >&2; read a; exit 5", 4),
        ("trap '' INT; echo up >&2; sleep 1000", 137),
    ] {
        let bridge = run(&server.url, script);
        assert_eq!(bridge.next_error(), "up");
        bridge.signal("TERM");
        assert_eq!(bridge.rest().2.code(), Some(code), "{script}");
    }
}

/// A link that is cut in the middle of a call, under real clients.
/// <https://github.com/openai/codex/issues/28512>
async fn a_client_does_not_notice_a_lost_link(client: anyhow::Result<Option<Command>>) {
    let Some(mut client) = client.unwrap() else { return };
    let Some(everything) = peers::everything().unwrap() else { return };
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let proxy = Proxy::start(server.port()).await;
    client
        .arg(farpipe())
        .args(["run", "--executor", &proxy.url, "--", "node"])
        .args(&everything.args);
    let client = Bridge::of(client);
    assert_eq!(client.next(), "tools true");
    assert_eq!(client.next(), "progress 1");
    assert_eq!(proxy.cut(), 1);
    assert_eq!(client.next(), "progress 2");
    assert_eq!(client.next(), "progress 3");
    // The last step comes together with the answer, and the npm client may see it too late.
    client.next();
    let answer = "answer Long running operation completed. Duration: 2 seconds, Steps: 4.";
    assert_eq!(client.next(), answer);
    let (stdout, stderr, status) = client.rest();
    assert_eq!((stdout, status.code()), (vec!["closed".to_owned()], Some(0)), "{stderr:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_does_not_notice_a_lost_link() {
    a_client_does_not_notice_a_lost_link(peers::python_client()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_npm_client_does_not_notice_a_lost_link() {
    a_client_does_not_notice_a_lost_link(peers::npm_client()).await;
}

/// It would run on for as long as the server keeps the session.
#[test]
fn a_far_command_is_ended_when_farpipe_cannot_go_on() {
    const RUNS: usize = 10;
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    fs::create_dir(folder.path().join("state.json.new")).unwrap();
    for run in 0..RUNS {
        let pid = folder.path().join(run.to_string());
        let script = format!("echo $$ > {}; exec sleep 300", pid.display());
        let (_, stderr, status) = kept(&server.url, &state, &script).rest();
        assert_eq!(status.code(), Some(125));
        assert!(stderr.join("").contains("cannot be written"), "{stderr:?}");
        // It may be over before it has written anything.
        let pid = fs::read_to_string(pid).unwrap_or_default();
        let deadline = Instant::now() + WATCHDOG;
        while is_running(pid.trim()) {
            assert!(Instant::now() < deadline, "{run}: it runs on");
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_far_command_is_ended_when_an_inspection_is() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let script = format!("echo $$ > {}; exec sleep 300", pid.display());
    let inspect = Bridge::start(&["inspect", "--executor", &server.url, "--", "sh", "-c", &script]);
    let mut number = String::new();
    while !number.ends_with('\n') {
        number = fs::read_to_string(&pid).unwrap_or_default();
    }
    inspect.signal("TERM");
    let (_, stderr, status) = inspect.rest();
    assert_eq!(status.code(), Some(1), "{stderr:?}");
    assert!(stderr.join("").contains("stopped by signal 15"), "{stderr:?}");
    let deadline = Instant::now() + WATCHDOG;
    while is_running(number.trim()) {
        assert!(Instant::now() < deadline, "it runs on");
        std::thread::yield_now();
    }
}

/// Whether there is such a process, other than one that nobody has waited for yet.
fn is_running(pid: &str) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
    !matches!(text(&state.stdout).chars().next(), None | Some('Z'))
}

#[test]
fn a_server_that_is_gone_fails_the_calls_and_is_told() {
    let Some(mut server) = Server::start(&[]).unwrap() else { return };
    let mut bridge = run(&server.url, "echo up >&2; read a; echo read >&2; exec cat >/dev/null");
    assert_eq!(bridge.next_error(), "up");
    bridge.send(CALL);
    assert_eq!(bridge.next_error(), "read");
    server.kill();
    let answer: Value = serde_json::from_str(&bridge.next()).unwrap();
    let cause = answer["error"]["data"]["cause"].as_str().unwrap();
    // Whether the server had said that it took the write is a matter of luck.
    assert!(answer["id"] == 1 && ["ended", "unknown"].contains(&cause), "{answer}");
    let (_, stderr, status) = bridge.rest();
    assert_eq!(status.code(), Some(125));
    assert!(stderr.last().unwrap().contains("session is lost"), "{stderr:?}");
}

/// Writes down what it reads, and answers a call once it may.
fn recorder(folder: &Path) -> String {
    format!(
        r#"echo up >&2; while read -r line; do echo "$line" >> {0}/told
        case "$line" in *wait*) until [ -e {0}/go ]; do sleep 0.01; done;; esac
        id=${{line#*\"id\":}}; echo "{{\"jsonrpc\":\"2.0\",\"id\":${{id%%,*}},\"result\":{{}}}}"; done"#,
        folder.display()
    )
}

fn kept(url: &str, state: &Path, script: &str) -> Bridge {
    Bridge::of(kept_command(url, state, script))
}

fn kept_command(url: &str, state: &Path, script: &str) -> Command {
    let mut command = Command::new(farpipe());
    command.args(["run", "--executor", url, "--state"]).arg(state).args(["--", "sh", "-c", script]);
    command
}

#[test]
fn another_run_goes_on_where_a_killed_one_stopped() {
    const CALLS: usize = 40;
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let script = recorder(folder.path());
    let call = |id: usize| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call"}}"#);
    let answer = |id: usize| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);

    let mut first = kept(&server.url, &state, &script);
    assert_eq!(first.next_error(), "up");
    for id in 1..CALLS {
        first.send(&call(id));
        assert_eq!(first.next(), answer(id));
    }
    let waiting = format!(r#"{{"jsonrpc":"2.0","id":{CALLS},"method":"wait"}}"#);
    first.send(&waiting);
    // The command has it: from here on the answer is owed.
    let told = folder.path().join("told");
    while !fs::read_to_string(&told).unwrap().contains("wait") {
        std::thread::yield_now();
    }
    first.child.kill().unwrap();
    first.child.wait().unwrap();

    fs::write(folder.path().join("go"), "").unwrap();
    let mut second = kept(&server.url, &state, &script);
    // What was written just before may come again, but nothing is left out.
    let mut received = second.next();
    while received != answer(CALLS) {
        assert!((1..CALLS).any(|id| received == answer(id)), "{received}");
        received = second.next();
    }
    second.send(&call(CALLS + 1));
    assert_eq!(second.next(), answer(CALLS + 1));
    second.signal("TERM");
    let (stdout, stderr, _) = second.rest();
    assert!(stdout.is_empty(), "{stdout:?} {stderr:?}");
    assert!(!state.exists(), "removed at the end");
    let told = fs::read_to_string(told).unwrap();
    let expected: Vec<String> = (1..CALLS).map(call).chain([waiting, call(CALLS + 1)]).collect();
    assert_eq!(told.lines().collect::<Vec<_>>(), expected, "once each, in order");
}

/// Killed wherever it happens to be, again and again, with calls and answers on their way.
#[test]
fn runs_that_are_killed_lose_no_answer_and_repeat_no_write() {
    const LIVES: usize = 12;
    const CALLS: usize = 60;
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let script = recorder(folder.path());
    let mut answered = BTreeSet::new();
    let mut next = 0;
    for life in 0..LIVES {
        let mut run = kept(&server.url, &state, &script);
        for _ in 0..CALLS {
            next += 1;
            run.send(&format!(r#"{{"jsonrpc":"2.0","id":{next},"method":"tools/call"}}"#));
        }
        // So many answers are waited for before the kill; the rest is on its way.
        for _ in 0..life * 5 {
            answered.insert(id_of(&run.next()).unwrap());
        }
        run.child.kill().unwrap();
        // What it had written can still be read.
        answered.extend(run.rest().0.iter().filter_map(|line| id_of(line)));
    }
    let mut last = kept(&server.url, &state, &script);
    next += 1;
    last.send(&format!(r#"{{"jsonrpc":"2.0","id":{next},"method":"tools/call"}}"#));
    while !answered.contains(&next) {
        answered.insert(id_of(&last.next()).unwrap());
    }
    let told = fs::read_to_string(folder.path().join("told")).unwrap();
    let told: Vec<usize> = told.lines().map(|line| id_of(line).unwrap()).collect();
    assert!(told.is_sorted_by(|a, b| a < b), "once each, in order: {told:?}");
    let unanswered: Vec<_> = told.iter().filter(|id| !answered.contains(id)).collect();
    assert!(unanswered.is_empty(), "{unanswered:?}");
    assert!(told.len() > 10 * LIVES, "{told:?}");
}

/// What a client has not read yet, when the run is killed, is not lost with it.
#[test]
fn a_client_that_is_behind_misses_nothing() {
    const CALLS: usize = 40;
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (state, told) = (folder.path().join("state.json"), folder.path().join("told"));
    let script = format!(
        r#"pad=$(head -c 8000 /dev/zero | tr '\0' x); while read -r line; do echo "$line" >> {}
        id=${{line#*\"id\":}}; echo "{{\"jsonrpc\":\"2.0\",\"id\":${{id%%,*}},\"result\":\"$pad\"}}"; done"#,
        told.display()
    );
    let mut command = kept_command(&server.url, &state, &script);
    let mut first = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = first.stdin.take().unwrap();
    for id in 1..=CALLS {
        writeln!(stdin, r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call"}}"#).unwrap();
        // One by one: every write saves the answers that are stuck before it.
        while fs::read_to_string(&told).map_or(0, |told| told.lines().count()) < id {
            std::thread::yield_now();
        }
    }
    first.kill().unwrap();
    let read = text(&first.wait_with_output().unwrap().stdout);
    let mut answered: BTreeSet<usize> = read.lines().filter_map(id_of).collect();
    assert!(answered.len() < CALLS, "it was not behind");
    let second = kept(&server.url, &state, &script);
    while answered.len() < CALLS {
        answered.insert(id_of(&second.next()).unwrap());
    }
}

/// The id of a whole line; a kill may have cut it.
fn id_of(line: &str) -> Option<usize> {
    let message: Value = serde_json::from_str(line).ok()?;
    message["id"].as_u64()?.try_into().ok()
}

#[test]
fn a_state_is_used_by_one_run_at_a_time() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let script = "echo up >&2; exec cat";
    let mut first = kept(&server.url, &state, script);
    assert_eq!(first.next_error(), "up");
    let (_, stderr, status) = kept(&server.url, &state, script).rest();
    assert_eq!(status.code(), Some(125));
    assert!(stderr.join("").contains("another `farpipe run` is using the state"), "{stderr:?}");
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    first.send(answer);
    assert_eq!(first.next(), answer, "it is left alone");
}

#[test]
fn a_state_that_does_not_fit_is_told_and_left_alone() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let mut first = kept(&server.url, &state, "echo up >&2; exec cat");
    assert_eq!(first.next_error(), "up");
    first.child.kill().unwrap();
    let stored = fs::read(&state).unwrap();
    let refused = |url: &str, script: &str| {
        let (_, stderr, status) = kept(url, &state, script).rest();
        assert_eq!(status.code(), Some(125), "{stderr:?}");
        assert!(state.exists());
        stderr.join("\n")
    };
    let url = server.url.clone();
    let other = refused(&url, "exec other");
    assert!(other.contains("another command") && other.contains("exec cat"), "{other}");
    drop(server);
    let gone = refused(&url, "echo up >&2; exec cat");
    assert!(gone.contains("can be tried again") && !gone.contains("remove it"), "{gone}");
    let Some(stranger) = Server::start(&[]).unwrap() else { return };
    let moved = text(&stored).replace(&url, &stranger.url);
    fs::write(&state, moved).unwrap();
    let expired = refused(&stranger.url, "echo up >&2; exec cat");
    assert!(
        expired.contains("does not know the session") && expired.contains("remove it"),
        "{expired}"
    );
    fs::write(&state, &stored[..stored.len() / 2]).unwrap();
    let damaged = refused(&url, "echo up >&2; exec cat");
    assert!(damaged.contains("damaged") && damaged.contains("state.json"), "{damaged}");
}
