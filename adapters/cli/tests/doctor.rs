//! `farpipe doctor` with real exec-servers, and with what is none.
#![cfg(unix)]

use std::{fs, net::TcpListener, time::Duration};

use assert_cmd::cargo::cargo_bin_cmd;
use farpipe_tests::exec_server::Server;
use serde_json::Value;

const WATCHDOG: Duration = Duration::from_secs(120);

fn doctor(args: &[&str]) -> (Option<i32>, String) {
    let mut command = cargo_bin_cmd!("farpipe");
    let output = command.arg("doctor").args(args).timeout(WATCHDOG).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn report(args: &[&str]) -> (Option<i32>, Value) {
    let (code, text) = doctor(&[&["--json"], args].concat());
    (code, serde_json::from_str(&text).unwrap())
}

/// The status of every check.
fn status(report: &Value) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap().iter();
    checks.map(|check| format!("{} {}", check["name"], check["status"]).replace('"', "")).collect()
}

#[test]
fn a_server_that_is_well_is_measured() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let (code, report) = report(&["--executor", &server.url]);
    let expected =
        ["reachable ok", "access ok", "version ok", "round_trip ok", "retention ok", "replay ok"];
    assert_eq!(status(&report), expected, "{report:#}");
    assert_eq!((code, &report["ok"]), (Some(0), &Value::from(true)));
    assert_eq!(report["version"], "0.169.0");
    assert_eq!(report["executor"], server.url.as_str());
    assert_eq!(report["round_trip"]["samples"], 10);
    assert!(report["round_trip"]["min_ms"].as_f64() <= report["round_trip"]["median_ms"].as_f64());
    let retention = &report["retention"];
    assert_eq!(retention["written_bytes"], 2_688_895);
    let kept = retention["kept_bytes"].as_u64().unwrap();
    assert!((1_040_000..=1 << 20).contains(&kept), "{kept}");
    let (code, text) = doctor(&["--executor", &server.url]);
    assert_eq!((code, text.lines().count()), (Some(0), 6), "{text}");
    assert!(text.lines().all(|line| line.starts_with("ok ")), "{text}");
}

#[test]
fn a_refused_token_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "open-sesame").unwrap();
    let token = token.to_str().unwrap();
    let auth = ["--ws-auth", "capability-token", "--ws-token-file", token];
    let Some(server) = Server::start(&auth).unwrap() else { return };
    let (code, refused) = report(&["--executor", &server.url]);
    assert_eq!(code, Some(1));
    assert_eq!(status(&refused)[..3], ["reachable ok", "access fail", "version skipped"]);
    let advice = refused["checks"][1]["advice"].as_str().unwrap();
    assert!(advice.contains("--token-file") && advice.contains("FARPIPE_TOKEN"), "{advice}");
    let (code, accepted) = report(&["--executor", &server.url, "--token-file", token]);
    assert_eq!((code, &accepted["ok"]), (Some(0), &Value::from(true)), "{accepted:#}");
}

#[test]
fn nobody_there_says_what_to_do() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, text) = doctor(&["--executor", &format!("ws://{free}")]);
    assert_eq!(code, Some(1));
    assert!(
        text.starts_with("FAIL    reachable") && text.contains("codex exec-server --listen"),
        "{text}"
    );
    assert_eq!(text.matches("skipped").count(), 5, "{text}");
    let (code, report) = report(&["--executor", "http://127.0.0.1:1"]);
    assert_eq!((code, status(&report)[0].as_str()), (Some(1), "reachable fail"));
    assert!(report["checks"][0]["advice"].as_str().unwrap().contains("ws://HOST:PORT"));
}
