//! What passes between a client and a command on this machine, and what does not.

use std::{io::Write as _, thread};

use serde_json::Value;

use crate::support::{ANSWER, Bridge, CALL, error_of, sh};

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
