//! The examples do what they say.
#![cfg(unix)]

use std::process::Command;

const RUNTIMES: [&str; 3] = ["tokio", "smol", "async-std"];

/// Builds the example, where that has not been done, and runs it.
fn run(package: &str, example: &str, arguments: &[&str]) -> (bool, String, String) {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "-q", "-p", package, "--example", example, "--"]).args(arguments);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn inspect_shows_a_server_on_every_runtime() {
    for runtime in RUNTIMES {
        let package = format!("farpipe-{runtime}");
        assert_shows_a_server(&package, "inspect");

        let (success, shown, errors) = run(&package, "inspect", &["sh", "-c", "exit 3"]);
        assert!(!success && shown.contains("exit code 3"), "{runtime}: {shown}{errors}");
    }
}

#[test]
fn the_core_driven_by_hand_shows_a_server_without_any_runtime() {
    assert_shows_a_server("farpipe-core", "blocking");

    let (_, shown, errors) = run("farpipe-core", "blocking", &["sh", "-c", "exit 3"]);
    assert!(shown.contains("exit code 3"), "{shown}{errors}");
}

fn assert_shows_a_server(package: &str, example: &str) {
    let (success, shown, errors) = run(package, example, &[]);
    assert!(success, "{package}: {errors}");
    assert!(shown.starts_with("shell-server 1.0\n  tool left\n  tool right\n"), "{shown}");
    assert_eq!(shown.lines().count(), 4, "{shown}");
}

#[test]
fn rmcp_lists_the_tools_of_a_server_on_every_runtime() {
    for runtime in RUNTIMES {
        let (success, shown, errors) = run(&format!("farpipe-{runtime}"), "rmcp", &[]);
        assert!(success, "{runtime}: {errors}");
        let end = "the process ended as requested with exit code 0";
        assert_eq!(shown, format!("tool left\ntool right\n{end}\n"), "{runtime}");
    }
}
