//! `farpipe run` with a command on this machine, as a client sees it.
#![cfg(unix)]

mod support;

use std::{
    io::{Read as _, Write as _},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use assert_cmd::cargo::cargo_bin_cmd;
use serde_json::Value;
use support::{Bridge, WATCHDOG};

const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#;
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

fn sh(script: &str) -> Bridge {
    Bridge::start(&["run", "--", "sh", "-c", script])
}

fn error_of(line: &str) -> (String, Value) {
    let mut answer: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    (answer["id"].to_string(), answer["error"].take())
}

/// Lines of every kind that a client may write and a server may answer with.
fn odd_lines() -> Vec<String> {
    let mut lines: Vec<String> = [
        r#"{"jsonrpc":"2.0","id":18446744073709551615,"result":{}}"#,
        r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}"#,
        r#"{"jsonrpc":"2.0","id":1.50,"result":1E+3}"#,
        r#"{"jsonrpc":"2.0","id":-0,"result":-0.0}"#,
        r#"{ "jsonrpc" : "2.0" ,  "id":"\u0061\/", "result" : [ 1 ,2,  3 ] }"#,
        r#"[{"jsonrpc":"2.0","id":7,"result":1}, {"jsonrpc":"2.0","method":"n"}]"#,
        r#" {"jsonrpc":"2.0","method":"leading space"} "#,
        r#"{"jsonrpc":"2.0","id":1,"id":2,"result":{"id":3}}"#,
        r#"{"id":9,"result":"no version"}"#,
        "{\"jsonrpc\":\"2.0\",\"method\":\"separators\",\"params\":[\"\u{2028}\u{2029}\u{85}\u{7f}\"]}",
        "\t{\"jsonrpc\":\"2.0\",\"method\":\"tab\"}",
    ]
    .map(String::from)
    .to_vec();
    for size in [1, 4095, 4096, 8191, 65_535, 65_536, 65_537, 1_000_000] {
        let text = "ü\\u00e4x".repeat(size / 8 + 1);
        lines.push(format!(r#"{{"jsonrpc":"2.0","method":"long","params":["{text}"]}}"#));
    }
    lines
}

/// <https://github.com/modelcontextprotocol/rust-sdk/issues/416>
#[test]
fn lines_of_every_kind_pass_both_ways_byte_for_byte() {
    let mut bridge = sh("exec cat");
    let lines = odd_lines();
    let mut stdin = bridge.stdin.take().unwrap();
    let input = lines.join("\n");
    let writer = thread::spawn(move || {
        // The last one without a newline.
        stdin.write_all(input.as_bytes()).unwrap();
    });
    let (stdout, stderr, status) = bridge.rest();
    writer.join().unwrap();
    assert_eq!(stderr, [""; 0]);
    assert_eq!(stdout.len(), lines.len());
    for (passed, line) in stdout.iter().zip(&lines) {
        assert!(passed == line, "{passed:.200}\n{line:.200}");
    }
    assert_eq!(status.code(), Some(0));
}

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
    command.arg(support::farpipe());
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

/// <https://github.com/openai/codex/issues/5671>
#[test]
fn noise_goes_to_stderr_with_a_mark() {
    let script = format!(
        "echo Listening on stdio; echo '{{\"level\":\"info\",\"msg\":\"x\"}}'; echo 42; \
         echo 'Loading...{ANSWER}'; printf '\\377\\n'; read a; exit 0"
    );
    let mut bridge = sh(&script);
    assert_eq!(bridge.next(), ANSWER);
    bridge.end_input();
    let (stdout, stderr, _) = bridge.rest();
    assert!(stdout.is_empty(), "{stdout:?}");
    assert_eq!(
        stderr[..3],
        [
            "[farpipe] stdout: Listening on stdio",
            "[farpipe] stdout: {\"level\":\"info\",\"msg\":\"x\"}",
            "[farpipe] stdout: 42",
        ]
    );
    assert!(stderr[3].starts_with("[farpipe] stdout: Loading...{"), "{stderr:?}");
}

#[test]
fn a_line_that_is_too_long_fails_its_call_in_both_directions() {
    let script = r#"read a; head -c 17000000 /dev/zero | tr '\0' x |
        sed 's/^/{"jsonrpc":"2.0","id":1,"result":"/; s/$/"}/'; echo; cat"#;
    let mut bridge = sh(script);
    bridge.send(CALL);
    let (id, error) = error_of(&bridge.next());
    assert_eq!((id.as_str(), &error["data"]["limit"]), ("1", &Value::from("max_line")));
    let text = "x".repeat(17_000_000);
    for long in [
        format!(r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":"{text}"}}"#),
        format!(r#"{{"method":"tools/call","params":"{text}","jsonrpc":"2.0","id":2}}"#),
    ] {
        bridge.send(&long);
        let (id, error) = error_of(&bridge.next());
        assert_eq!((id.as_str(), &error["data"]["limit"]), ("2", &Value::from("max_message")));
        assert!(bridge.next_error().contains("not passed on"));
    }
    // Whoever waits on the other side is told as well.
    bridge.send(&format!(r#"{{"jsonrpc":"2.0","id":3,"result":"{text}"}}"#));
    assert_eq!(error_of(&bridge.next()).0, "3");
    let other = ANSWER.replace(":1", ":9");
    bridge.send(&other);
    assert_eq!(bridge.next(), other, "the rest goes on");
}

#[test]
fn a_longer_message_passes_where_it_is_allowed() {
    let mut bridge = Bridge::start(&["run", "--max-message", "40", "--", "cat"]);
    let long = format!(r#"{{"jsonrpc":"2.0","id":1,"result":"{}"}}"#, "x".repeat(40_000_000));
    bridge.send(&long);
    assert!(bridge.next() == long, "it comes back as it is");
}

#[test]
fn what_is_cut_off_at_the_end_of_stdin_is_not_passed_on() {
    let mut bridge = sh("exec cat");
    write!(bridge.stdin.as_mut().unwrap(), "{ANSWER}\n{{\"jsonrpc\":\"2.0\",\"id\"").unwrap();
    bridge.end_input();
    let (stdout, stderr, _) = bridge.rest();
    assert_eq!(stdout, [ANSWER]);
    assert!(stderr[0].contains("in the middle of a message"), "{stderr:?}");
}

/// Nobody reads: the command has to wait, and nothing grows.
#[cfg(target_os = "linux")]
#[test]
fn a_slow_consumer_makes_the_command_wait_in_bounded_memory() {
    const LINES: usize = 400_000;
    let line = r#"{"jsonrpc":"2.0","method":"n","params":["0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"]}"#;
    let script = format!("yes '{line}' | head -n {LINES}; echo done >&2");
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("farpipe"))
        .args(["run", "--", "sh", "-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let io = format!("/proc/{}/io", child.id());
    let read = || std::fs::read_to_string(&io).unwrap();
    // It stands still when its buffers are full.
    let mut before = read();
    let deadline = Instant::now() + WATCHDOG;
    loop {
        thread::sleep(Duration::from_millis(300));
        let now = read();
        if now == before {
            break;
        }
        assert!(Instant::now() < deadline, "it never stands still: {now}");
        before = now;
    }
    let memory = resident(child.id());
    assert!(memory < 64 << 20, "{memory} bytes");
    let mut text = String::new();
    stdout.read_to_string(&mut text).unwrap();
    assert_eq!(text.lines().count(), LINES);
    assert!(text.lines().all(|read| read == line));
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[cfg(target_os = "linux")]
fn resident(pid: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}

#[test]
fn a_consumer_that_is_gone_ends_the_command() {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("farpipe"))
        .args(["run", "--", "sh", "-c", &format!("yes '{ANSWER}'")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("our stdout is gone"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

/// Nobody reads stderr: messages pass all the same.
#[test]
fn a_full_stderr_does_not_hold_messages_up() {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("farpipe"))
        .args([
            "run",
            "--",
            "sh",
            "-c",
            &format!("yes log | head -n 500000 >&2; echo '{ANSWER}'; read a; exit 0"),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut read = vec![0; ANSWER.len()];
    stdout.read_exact(&mut read).unwrap();
    assert_eq!(read, ANSWER.as_bytes());
    drop(child.stdin.take());
    let _stderr = child.stderr.take();
    assert!(child.wait().unwrap().success());
}

/// Every line of stderr takes its time, and thousands of them wait.
#[test]
fn a_signal_is_not_held_up_by_a_slow_reader_of_stderr() {
    let script = format!("yes {} >&2", "x".repeat(1000));
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("farpipe"));
    command.args(["run", "--", "sh", "-c", &script]).stdin(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let mut page = vec![0; 1 << 16];
    stderr.read_exact(&mut page).unwrap();
    let (ended, end) = std::sync::mpsc::channel::<()>();
    let reader = thread::spawn(move || {
        while stderr.read(&mut page[..4096]).unwrap() > 0 {
            let _ = end.recv_timeout(Duration::from_millis(500));
        }
    });
    let since = Instant::now();
    let killed = Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status();
    assert!(killed.unwrap().success());
    child.wait().unwrap();
    assert!(since.elapsed() < Duration::from_secs(30), "it hung");
    drop(ended);
    reader.join().unwrap();
}

/// <https://github.com/NousResearch/hermes-agent/issues/97245>
#[test]
fn a_server_that_does_not_answer_pings_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let starts = folder.path().join("starts");
    let script = format!(
        r#"echo started >> {}; while read line; do case "$line" in *ping*) ;; *) echo "$line";; esac; done"#,
        starts.display()
    );
    let mut bridge = Bridge::start(&["run", "--respawn", "5", "--", "sh", "-c", &script]);
    for _ in 0..20 {
        bridge.send(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
        bridge.send(r#"{"jsonrpc":"2.0","method":"echo"}"#);
        assert!(bridge.next().contains("echo"));
    }
    assert_eq!(std::fs::read_to_string(starts).unwrap().lines().count(), 1);
}

/// <https://github.com/openai/tunnel-client/issues/45>
/// <https://github.com/optimikelabs/optimike-obsidian-mcp/issues/98>
#[test]
fn a_command_that_is_started_again_gets_the_handshake_and_no_call_twice() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    // Answers `initialize`, dies of `die`, echoes the rest; writes down what it was told.
    let script = format!(
        r#"echo start >> {log}; while read -r line; do echo "$line" >> {log}; case "$line" in
            *initialize\"*) echo '{{"jsonrpc":"2.0","id":0,"result":{{}}}}';;
            *die*) exit 9;; *) echo "$line";; esac; done"#,
        log = log.display()
    );
    let mut bridge = Bridge::start(&["run", "--respawn", "2", "--", "sh", "-c", &script]);
    let initialize = r#"{"jsonrpc":"2.0","id":0,"method":"initialize"}"#;
    let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    bridge.send(initialize);
    assert_eq!(bridge.next(), r#"{"jsonrpc":"2.0","id":0,"result":{}}"#);
    bridge.send(initialized);
    assert_eq!(bridge.next(), initialized);
    let (die, note) =
        (r#"{"jsonrpc":"2.0","id":1,"method":"die"}"#, r#"{"jsonrpc":"2.0","method":"note"}"#);
    for _ in 0..2 {
        bridge.send(die);
        let (id, error) = error_of(&bridge.next());
        assert_eq!((id.as_str(), &error["data"]["cause"]), ("1", &Value::from("ended")));
        assert!(bridge.next_error().contains("started again"));
        assert_eq!(bridge.next(), initialized, "repeated, and echoed");
        bridge.send(note);
        assert_eq!(bridge.next(), note);
    }
    bridge.send(die);
    assert_eq!(error_of(&bridge.next()).0, "1");
    let (stdout, _, status) = bridge.rest();
    assert!(stdout.is_empty(), "{stdout:?}");
    assert_eq!(status.code(), Some(9), "no more than was asked for");
    let told = std::fs::read_to_string(log).unwrap();
    let life = ["start", initialize, initialized];
    let expected: Vec<&str> = life
        .into_iter()
        .chain([die])
        .chain(life)
        .chain([note, die])
        .chain(life)
        .chain([note, die])
        .collect();
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}

#[cfg(target_os = "linux")]
#[test]
fn a_recording_that_breaks_off_is_told() {
    let mut bridge = Bridge::start(&["record", "/dev/full", "--", "cat"]);
    bridge.send(ANSWER);
    bridge.end_input();
    let (stdout, stderr, status) = bridge.rest();
    assert_eq!((stdout, status.code()), (vec![ANSWER.to_owned()], Some(0)));
    assert!(stderr[0].contains("the recording cannot be written any further"), "{stderr:?}");
}

#[test]
fn a_stdin_that_cannot_be_read_is_told() {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("farpipe"));
    command.args(["run", "--", "cat"]).stdin(std::fs::File::open("/").unwrap());
    let told = String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(told.contains("our stdin cannot be read"), "{told}");
}

#[test]
fn a_recording_of_a_bridge_is_replayed_and_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session.jsonl");
    let file = file.to_str().unwrap();
    let batch = format!("[{ANSWER},{{\"jsonrpc\":\"2.0\",\"method\":\"n\"}}]");
    let script = format!("read a; echo '{batch}'; echo noise; exit 7");
    let mut bridge = Bridge::start(&["record", file, "--", "sh", "-c", &script]);
    bridge.send(CALL);
    let (stdout, _, status) = bridge.rest();
    assert_eq!((stdout, status.code()), (vec![batch.clone()], Some(7)));
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions());
    assert_eq!(mode & 0o077, 0, "it holds messages: {mode:o}");
    let shown = |command: &str| {
        let output =
            cargo_bin_cmd!("farpipe").args([command, file]).timeout(WATCHDOG).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let replayed = shown("replay");
    assert!(replayed.contains(&batch) && replayed.contains("noise"), "{replayed}");
    assert!(replayed.lines().last().unwrap().contains("exit code 7"), "{replayed}");
    let explained = shown("explain");
    assert!(
        explained.contains("1 call was answered") || explained.contains("1 calls were answered"),
        "{explained}"
    );
}

#[test]
fn directory_and_environment_are_those_that_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().canonicalize().unwrap();
    let path = path.to_str().unwrap();
    let script = r#"printf '{"jsonrpc":"2.0","method":"%s","params":["%s"]}\n' "$PWD" "$A""#;
    for cwd in [path.to_owned(), format!("file://{path}")] {
        let bridge =
            Bridge::start(&["run", "--cwd", &cwd, "--env", "A=b=c", "--", "sh", "-c", script]);
        let told: Value = serde_json::from_str(&bridge.next()).unwrap();
        assert_eq!(
            (&told["method"], &told["params"][0]),
            (&Value::from(path), &Value::from("b=c"))
        );
    }
}
