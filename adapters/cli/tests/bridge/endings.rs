//! How a command ends, and farpipe with it.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use assert_cmd::cargo::cargo_bin_cmd;

use crate::support::{ANSWER, Bridge, CALL, WATCHDOG, error_of, farpipe, sh};

/// <https://github.com/modelcontextprotocol/rust-sdk/issues/753>
#[test]
fn the_end_of_stdin_waits_for_every_answer() {
    // Drops what it is working on when its stdin ends, as Python servers do.
    let script = format!(
        "read a; read b; exec 3<&0; (read c <&3 || {{ echo ended >&2; kill -9 $$; }}) & \
         sleep 0.5; echo '{ANSWER}'; echo '{{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":2}}'; wait"
    );
    let mut bridge = sh(&script);
    bridge.send(CALL);
    bridge.send(r#"{"jsonrpc":"2.0","id":2,"method":"tools/call"}"#);
    bridge.end_input();
    let (stdout, stderr, status) = bridge.rest();
    assert_eq!(stdout, [ANSWER, r#"{"jsonrpc":"2.0","id":2,"result":2}"#]);
    assert_eq!((stderr, status.code()), (vec!["ended".to_owned()], Some(137)));
}

#[test]
fn a_call_that_is_never_answered_holds_the_end_up_no_longer_than_was_asked_for() {
    let mut bridge = Bridge::start(&[
        "run",
        "--drain-timeout",
        "0.2",
        "--",
        "sh",
        "-c",
        "cat >/dev/null; exit 4",
    ]);
    bridge.send(CALL);
    bridge.end_input();
    let (stdout, _, status) = bridge.rest();
    let (id, error) = error_of(&stdout[0]);
    assert_eq!((id.as_str(), stdout.len()), ("1", 1));
    assert_eq!(error["data"]["cause"], "ended");
    assert_eq!(status.code(), Some(4));
}

/// An MCP server does not answer what was cancelled.
#[test]
fn a_cancelled_call_is_not_waited_for() {
    let mut bridge =
        Bridge::start(&["run", "--drain-timeout", "1000", "--", "sh", "-c", "cat >/dev/null"]);
    bridge.send(CALL);
    bridge.send(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"x"}}"#);
    bridge.end_input();
    let (stdout, stderr, status) = bridge.rest();
    assert!(stdout.is_empty() && stderr.is_empty(), "{stdout:?} {stderr:?}");
    assert_eq!(status.code(), Some(0));
}

/// <https://github.com/bug-ops/mcpls/issues/308>
#[test]
fn signals_end_it_in_time_while_stdin_is_open() {
    for (signal, script, code) in [
        ("TERM", "echo '{\"jsonrpc\":\"2.0\",\"method\":\"ready\"}'; cat >/dev/null; exit 5", 5),
        ("INT", "echo '{\"jsonrpc\":\"2.0\",\"method\":\"ready\"}'; cat >/dev/null; exit 6", 6),
        // Does not care about the end of its stdin, nor about SIGTERM.
        (
            "TERM",
            "trap '' TERM; echo '{\"jsonrpc\":\"2.0\",\"method\":\"ready\"}'; exec sleep 1000",
            137,
        ),
    ] {
        let mut bridge = sh(script);
        bridge.next();
        let since = Instant::now();
        bridge.signal(signal);
        let stdin = bridge.stdin.take();
        let (_, _, status) = bridge.rest();
        drop(stdin);
        assert_eq!(status.code(), Some(code), "{script}");
        assert!(since.elapsed() < Duration::from_secs(30), "it hung");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_hangup_that_is_ignored_stays_ignored() {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" run -- cat"]);
    command.arg(farpipe());
    let mut bridge = Bridge::of(command);
    for _ in 0..2 {
        bridge.send(ANSWER);
        assert_eq!(bridge.next(), ANSWER);
        bridge.signal("HUP");
    }
    bridge.end_input();
    assert_eq!(bridge.rest().2.code(), Some(0));
}

/// An exec-server that accepts and says nothing.
#[test]
fn a_signal_ends_it_while_the_command_is_being_started() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", silent.local_addr().unwrap());
    let bridge = Bridge::start(&["run", "--executor", &url, "--", "cat"]);
    let _connection = silent.accept().unwrap();
    bridge.signal("TERM");
    let (_, stderr, status) = bridge.rest();
    assert_eq!(status.code(), Some(143), "{stderr:?}");
    assert!(stderr[0].contains("stopped by signal 15"), "{stderr:?}");
}

#[test]
fn the_exit_status_is_the_commands_own() {
    for (script, code) in [("exit 0", 0), ("exit 3", 3), ("exit 255", 255), ("kill -9 $$", 137)] {
        let (_, _, status) = sh(script).rest();
        assert_eq!(status.code(), Some(code), "{script}");
    }
    let status = |args: &[&str]| {
        let output = cargo_bin_cmd!("farpipe").args(args).timeout(WATCHDOG).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, told) = status(&["run", "--", "no-such-server"]);
    assert!(code == 127 && told.contains("no-such-server"), "{code} {told}");
    let (code, told) = status(&["run", "--", "/etc/passwd"]);
    assert!(code == 126 && told.contains("executable"), "{code} {told}");
    assert_eq!(status(&["run"]).0, 2);
    assert_eq!(status(&["run", "--cwd", "file:///a%20b", "--", "cat"]).0, 2);
    assert_eq!(status(&["run", "--executor", "ws://host:99999", "--", "cat"]).0, 2);
    assert_eq!(status(&["run", "--state", "/tmp/x", "--", "cat"]).0, 2, "it needs --executor");
    let (code, told) = status(&["run", "--executor", "ws://127.0.0.1:1", "--", "cat"]);
    assert!(code == 125 && told.contains("ws://127.0.0.1:1"), "{code} {told}");
    assert_eq!(told.matches("refused").count(), 1, "every cause once: {told}");
}

/// The exit status still tells what went wrong.
#[cfg(target_os = "linux")]
#[test]
fn a_stderr_that_takes_nothing_does_not_change_the_status() {
    let full = std::fs::File::create("/dev/full").unwrap();
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("farpipe"));
    let status = command.args(["run", "--", "no-such-server"]).stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(127));
}

#[test]
fn a_command_that_dies_answers_what_it_owes() {
    let mut bridge = sh("read a; echo 'no API key' >&2; exit 3");
    bridge.send(CALL);
    let (stdout, stderr, status) = bridge.rest();
    let (id, error) = error_of(&stdout[0]);
    assert_eq!(id, "1");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("exit code 3") && message.contains("no API key"), "{message}");
    assert_eq!(stderr[0], "no API key");
    assert_eq!(status.code(), Some(3));
}

#[test]
fn a_stdin_that_cannot_be_read_is_told() {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("farpipe"));
    command.args(["run", "--", "cat"]).stdin(std::fs::File::open("/").unwrap());
    let told = String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(told.contains("our stdin cannot be read"), "{told}");
}
