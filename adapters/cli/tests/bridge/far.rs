//! A command behind a real `codex exec-server`, and real MCP clients.

use std::{
    fs,
    io::Write as _,
    process::{Command, Output},
    time::Instant,
};

use assert_cmd::cargo::cargo_bin_cmd;
use farpipe_tests::{
    exec_server::{Proxy, Server},
    peers,
};
use serde_json::Value;

use crate::support::{ANSWER, Bridge, CALL, WATCHDOG, farpipe, is_running, text};

fn run(url: &str, script: &str) -> Bridge {
    Bridge::start(&["run", "--executor", url, "--", "sh", "-c", script])
}

fn output(args: &[&str]) -> Output {
    cargo_bin_cmd!("farpipe").args(args).timeout(WATCHDOG).output().unwrap()
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
    let mut piped = Command::new(crate::support::farpipe());
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
