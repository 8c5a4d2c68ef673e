//! `farpipe inspect` as a user runs it.

use std::{
    process::{Command, Output},
    time::{Duration, Instant},
};

use assert_cmd::cargo::cargo_bin_cmd;
use farpipe_tests::peers::{self, PeerCommand};
use serde_json::Value;

/// Far above what any of these takes, far below what a hang would take.
const WATCHDOG: Duration = Duration::from_secs(120);

fn inspect(args: &[&str]) -> Output {
    let mut command = cargo_bin_cmd!("farpipe");
    command.arg("inspect").args(args).timeout(WATCHDOG).output().unwrap()
}

fn inspect_json(args: &[&str]) -> (Output, Value) {
    let output = inspect(&[&["--json"], args].concat());
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr))
    });
    (output, report)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

/// The explanation of a failed run; it must be one paragraph.
fn explanation(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let text = text(&output.stderr);
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    text
}

#[test]
fn the_demo_server_is_shown_as_tables() {
    let output = inspect(&[]);
    assert!(output.status.success());
    let shown = text(&output.stdout);
    for expected in
        ["farpipe-demo", "tools", "echo", "demo://greeting", "introduce", "stderr:", "exit code 0"]
    {
        assert!(shown.contains(expected), "{expected} is missing in {shown}");
    }
}

/// As in `farpipe inspect | head -1`.
#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let doctor = ["doctor", "--executor", "http://no-exec-server"];
    for (args, code) in [(&["inspect"][..], 0), (&["inspect", "--json"], 0), (&doctor, 1)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("farpipe"));
        let output = command.args(args).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert_eq!(text(&output.stderr), "", "{args:?}");
    }
}

#[test]
fn json_is_one_object_with_every_part() {
    let (output, report) = inspect_json(&["--call", "add", "--args", r#"{"a":2,"b":3}"#]);
    assert!(output.status.success());
    assert_eq!(report["server"]["serverInfo"]["name"], "farpipe-demo");
    assert_eq!(names(&report["tools"]), ["add", "echo", "fail", "flood", "log"]);
    assert_eq!(report["resources"][0]["uri"], "demo://greeting");
    assert_eq!(names(&report["prompts"]), ["introduce"]);
    assert_eq!(report["call"]["content"][0]["text"], "5");
    assert_eq!(report["stderr"][0], "farpipe demo server ready");
    assert_eq!(report["stats"]["lost"], 0);
    assert_eq!(report["end"]["cause"], "requested");
    assert_eq!(report["end"]["exit"]["code"], 0);
}

#[test]
fn a_large_answer_and_heavy_stderr_come_through() {
    let (_, report) = inspect_json(&["--call", "flood", "--args", r#"{"kib":4000}"#]);
    assert_eq!(report["call"]["content"][0]["text"].as_str().unwrap().len(), 4000 * 1024);
    let (_, report) = inspect_json(&["--call", "log", "--args", r#"{"lines":5000}"#]);
    assert_eq!(report["stats"]["stderr_lines"], 5001);
    assert_eq!(report["stderr"].as_array().unwrap().len(), 1000);
    assert_eq!(report["stderr_omitted"], 4001);
}

#[test]
fn a_command_that_is_not_there_is_named() {
    let output = inspect(&["--", "no-such-server"]);
    let text = explanation(&output);
    assert!(text.contains("no-such-server") && text.contains("PATH"), "{text}");
}

/// <https://github.com/supercorp-ai/supergateway/issues/139>
/// <https://github.com/holon-run/uxc/issues/210>
#[test]
fn death_in_the_handshake_shows_exit_code_and_stderr_without_a_timeout() {
    let started = Instant::now();
    for _ in 0..10 {
        let output = inspect(&["--", "sh", "-c", "echo 'Error: no API key' >&2; exit 3"]);
        let text = explanation(&output);
        assert!(text.contains("exit code 3") && text.contains("no API key"), "{text}");
    }
    assert!(started.elapsed() < Duration::from_secs(30), "the timeout of one is 60 s");
}

/// <https://github.com/odysseus-dev/odysseus/issues/6300>
#[test]
fn death_without_a_word_says_so() {
    for _ in 0..10 {
        let text = explanation(&inspect(&["--", "sh", "-c", "exit 3"]));
        assert!(text.contains("exit code 3") && text.contains("nothing to stderr"), "{text}");
    }
}

#[test]
fn a_server_that_only_prints_a_banner_is_explained() {
    let server = "echo Listening on http://localhost:8080; exec sleep 100";
    let output = inspect(&["--timeout", "0.5", "--", "sh", "-c", server]);
    let text = explanation(&output);
    assert!(text.contains("Listening on") && text.contains("stdio mode"), "{text}");
    for _ in 0..10 {
        let text = explanation(&inspect(&["--", "sh", "-c", "echo Usage: server; exit 1"]));
        assert!(text.contains("Usage: server") && text.contains("exit code 1"), "{text}");
    }
}

/// <https://github.com/sansan0/TrendRadar/issues/1204>
#[test]
fn a_banner_before_the_messages_is_no_failure() {
    let demo = assert_cmd::cargo::cargo_bin!("farpipe");
    let script = format!(
        "for i in $(seq 60); do echo line $i of the banner; done; exec {} demo",
        demo.display()
    );
    let (output, report) = inspect_json(&["--", "sh", "-c", &script]);
    assert!(output.status.success());
    assert_eq!(report["stats"]["noise"], 60);
    assert_eq!(report["noise"][0], "line 1 of the banner (not JSON)");
}

#[test]
fn a_handshake_that_takes_too_long_names_the_option() {
    let text = explanation(&inspect(&["--timeout", "0.5", "--", "sleep", "100"]));
    assert!(text.contains("handshake") && text.contains("--timeout"), "{text}");
}

#[test]
fn bad_arguments_are_refused_before_anything_starts() {
    let text = explanation(&inspect(&["--call", "add", "--args", "{a:1}", "--", "no-such-server"]));
    assert!(text.contains("--args") && text.contains("{a:1}"), "{text}");
}

#[test]
fn an_unknown_tool_lists_the_known_ones() {
    let output = inspect(&["--call", "subtract"]);
    let text = explanation(&output);
    assert!(text.contains("subtract") && text.contains("add, echo, fail, flood, log"), "{text}");
}

#[test]
fn a_call_that_fails_is_a_failure_and_its_answer_is_shown() {
    let (output, report) = inspect_json(&["--call", "fail"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(report["call"]["isError"], true);
    assert!(report["error"].as_str().unwrap().contains("fail"));
}

fn farpipe(args: &[&str]) -> Output {
    cargo_bin_cmd!("farpipe").args(args).timeout(WATCHDOG).output().unwrap()
}

#[test]
fn a_recording_is_replayed_and_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session.jsonl");
    let file = file.to_str().unwrap();
    let (_, report) =
        inspect_json(&["--record", file, "--call", "log", "--args", r#"{"lines":3}"#]);

    let replayed = text(&farpipe(&["replay", file]).stdout);
    let messages = replayed.lines().filter(|line| line.contains(" s message ")).count();
    assert_eq!(messages, report["stats"]["messages"]);
    assert_eq!(replayed.lines().filter(|line| line.contains(" s stderr ")).count(), 4);
    assert!(replayed.lines().last().unwrap().contains("end"), "{replayed}");

    let explained = text(&farpipe(&["explain", file]).stdout);
    assert!(explained.contains("5 calls were answered"), "{explained}");
    assert!(explained.contains("ends with exit code 0"), "{explained}");
    assert!(explained.contains("It ended because the process ended as requested"), "{explained}");
}

#[test]
fn a_damaged_recording_says_where_and_shows_what_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("session.jsonl");
    let path = file.to_str().unwrap();
    inspect(&["--record", path]);
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let output = farpipe(&["replay", path]);
    let told = explanation(&output);
    assert!(told.contains("cut off behind line") && told.contains("--until-damage"), "{told}");
    let output = farpipe(&["explain", "--until-damage", path]);
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("stops before the end"), "{}", text(&output.stdout));
    std::fs::write(&file, "{}\n").unwrap();
    assert!(explanation(&farpipe(&["explain", path])).contains("not a recording"));
    assert!(explanation(&farpipe(&["replay", "/no/such/file"])).contains("/no/such/file"));
}

/// What killed the server is not hidden by what the client was told.
#[test]
fn an_answer_above_the_limit_fails_its_call_and_names_the_limit() {
    let (output, report) = inspect_json(&["--call", "flood", "--args", r#"{"kib":20480}"#]);
    assert_eq!(output.status.code(), Some(1));
    let error = report["error"].as_str().unwrap();
    assert!(error.contains("max_line") && error.contains("tools/call"), "{error}");
    assert_eq!(report["stats"]["oversized"], 1);
    assert_eq!(report["end"]["cause"], "requested", "the session goes on");
}

fn inspect_peer(peer: Option<PeerCommand>) -> Option<Value> {
    let peer = peer?;
    let program = peer.program.to_str().unwrap().to_owned();
    let args: Vec<&str> = peer.args.iter().map(|arg| arg.to_str().unwrap()).collect();
    let (output, report) = inspect_json(&[&["--", &program], &args[..]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(report["stats"]["lost"], 0);
    Some(report)
}

#[test]
fn server_everything_is_inspected() {
    let Some(report) = inspect_peer(peers::everything().unwrap()) else { return };
    assert!(names(&report["tools"]).contains(&"echo"));
    assert!(!report["resources"].as_array().unwrap().is_empty());
    assert!(!report["prompts"].as_array().unwrap().is_empty());
    assert_eq!(report["end"]["exit"]["code"], 0);
}

#[test]
fn server_filesystem_is_inspected() {
    let Some(report) = inspect_peer(peers::filesystem("/tmp".as_ref()).unwrap()) else { return };
    assert!(names(&report["tools"]).contains(&"read_text_file"));
}

#[test]
fn server_time_is_inspected() {
    let Some(report) = inspect_peer(peers::time().unwrap()) else { return };
    assert!(names(&report["tools"]).contains(&"get_current_time"));
}

/// As users write it: by its name, found on `PATH`.
#[test]
fn npx_starts_the_pinned_server() {
    let Some(bin) = peers::npm_bin_dir().unwrap() else { return };
    let root = bin.parent().and_then(|modules| modules.parent()).unwrap();
    let mut command = cargo_bin_cmd!("farpipe");
    command.args([
        "inspect",
        "--json",
        "--",
        "npx",
        "-y",
        "@modelcontextprotocol/server-everything",
    ]);
    let output = command.current_dir(root).timeout(WATCHDOG).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(names(&report["tools"]).contains(&"echo"));
}

/// <https://github.com/modelcontextprotocol/rust-sdk/issues/156>
#[cfg(unix)]
#[test]
fn nothing_of_the_server_is_left_behind() {
    let marker = format!("farpipe-left-behind-{}", std::process::id());
    let server = format!("sh -c 'exec sleep 300' {marker} & sleep 300 # {marker}");
    inspect(&["--timeout", "0.5", "--", "sh", "-c", &server]);
    let listed = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    assert!(!text(&listed.stdout).contains(&marker), "{}", text(&listed.stdout));
}
