//! Readers of our stdout and stderr that are slow, or gone.

use std::{
    io::Read as _,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::support::{ANSWER, WATCHDOG, piped_sh};

/// Nobody reads: the command has to wait, and nothing grows.
#[cfg(target_os = "linux")]
#[test]
fn a_slow_consumer_makes_the_command_wait_in_bounded_memory() {
    const LINES: usize = 400_000;
    let line = r#"{"jsonrpc":"2.0","method":"n","params":["0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"]}"#;
    let script = format!("yes '{line}' | head -n {LINES}; echo done >&2");
    let mut child = piped_sh(&script);
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
    let mut child = piped_sh(&format!("yes '{ANSWER}'"));
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("our stdout is gone"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

/// Nobody reads stderr: messages pass all the same.
#[test]
fn a_full_stderr_does_not_hold_messages_up() {
    let mut child =
        piped_sh(&format!("yes log | head -n 500000 >&2; echo '{ANSWER}'; read a; exit 0"));
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
    let mut child = piped_sh(&script);
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
