//! Sessions that are recorded.

use assert_cmd::cargo::cargo_bin_cmd;

use crate::support::{ANSWER, Bridge, CALL, WATCHDOG};

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
