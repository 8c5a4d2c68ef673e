//! The examples do what they say.
#![cfg(unix)]

use std::process::Command;

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
    for runtime in ["tokio", "smol", "async-std"] {
        let (package, example) = (format!("farpipe-{runtime}"), format!("inspect-{runtime}"));
        let (success, shown, errors) = run(&package, &example, &[]);
        assert!(success, "{runtime}: {errors}");
        assert!(shown.starts_with("shell-server 1.0\n  tool left\n  tool right\n"), "{shown}");
        assert_eq!(shown.lines().count(), 4, "{shown}");

        let (success, shown, errors) = run(&package, &example, &["sh", "-c", "exit 3"]);
        assert!(!success && shown.contains("exit code 3"), "{runtime}: {shown}{errors}");
    }
}

#[test]
fn rmcp_lists_the_tools_of_a_server_from_smol() {
    let (success, shown, errors) = run("farpipe-smol", "rmcp-smol", &[]);
    assert!(success, "{errors}");
    let end = "the process ended as requested with exit code 0";
    assert_eq!(shown, format!("tool left\ntool right\n{end}\n"));
}
