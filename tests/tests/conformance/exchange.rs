//! Messages to and from real processes.

use std::process::Command;

use farpipe_core::{Cause, Delivery, Event, Exit, Limits};
use farpipe_driver::{Handle, process::SpawnError};
use farpipe_tests::{
    peers,
    session::{Lines, message, rest, sh, within},
};
use smol::future::yield_now;

use crate::platform::Platform;

pub(crate) fn echo_round_trip<P: Platform>() {
    P::run(async {
        let handle = P::spawn("cat");
        for text in ["one", "two", "three"] {
            let sent = handle.send(text.into()).unwrap();
            assert_eq!(within(sent).await, Delivery::Accepted);
            assert_eq!(message(&handle).await, text);
        }
    });
}

pub(crate) fn ten_mebibytes_each_way_do_not_deadlock<P: Platform>() {
    const LEN: usize = 1 << 20;
    P::run(async {
        let handle = P::spawn("cat");
        let letters = b"abcdefghij";
        let sent: Vec<_> =
            letters.iter().map(|letter| handle.send(vec![*letter; LEN].into()).unwrap()).collect();
        for letter in letters {
            let line = message(&handle).await;
            assert!(line.len() == LEN && line.iter().all(|byte| byte == letter));
        }
        for sent in sent {
            assert_eq!(within(sent).await, Delivery::Accepted);
        }
    });
}

pub(crate) fn a_process_that_nobody_reads_is_stopped_by_its_pipe<P: Platform>() {
    const LINES: usize = 64 * 1024;
    const PIPES: u64 = 2 * 64 * 1024;
    P::run(async {
        let handle = P::spawn(format!("yes $(printf %01023d 0) | head -n {LINES}"));
        let (monitor, budget) = (handle.monitor(), Limits::default().inbox_bytes as u64);
        // The budget counts the chunks as well, so a little less than all of it is output.
        let nearly_full = async {
            while monitor.stats().stdout_bytes < budget / 2 {
                yield_now().await;
            }
        };
        within(nearly_full).await;
        // Each answer shows that the pump has gone round again, with more output there to read.
        for _ in 0..500 {
            assert_eq!(within(handle.send("x".into()).unwrap()).await, Delivery::Accepted);
        }
        let held = monitor.stats().stdout_bytes;
        assert!(held < budget + PIPES, "{held} bytes are held");
        assert_eq!(count_messages(&handle).await, LINES);
    });
}

/// The process asks the system how much its stdout holds, before and after it has filled it.
pub(crate) fn a_pipe_that_was_full_is_made_larger<P: Platform>() {
    const SCRIPT: &str = "
import fcntl, os, sys
ask = lambda: os.write(1, b'%d\\n' % fcntl.fcntl(1, 1032))
ask()
sys.stdin.readline()
os.write(1, b'x' * 65535 + b'\\n')
sys.stdin.readline()
ask()";
    if !cfg!(target_os = "linux") {
        return;
    }
    let Some(python) = peers::python().unwrap() else { return };
    P::run(async {
        let mut command = Command::new(python);
        command.args(["-c", SCRIPT]);
        let handle = P::start(Limits::default(), command).unwrap();
        assert_eq!(message(&handle).await, "65536");
        handle.send("fill it".into()).unwrap();
        assert_eq!(message(&handle).await.len(), 65535);
        handle.send("ask".into()).unwrap();
        assert_eq!(message(&handle).await, "262144");
    });
}

async fn count_messages(handle: &Handle<Lines>) -> usize {
    let mut messages = 0;
    loop {
        match within(handle.next_event()).await.expect("an end") {
            Event::Message(_) => messages += 1,
            Event::End(end) => {
                assert_eq!((end.cause, end.lost), (Cause::Closed, 0));
                return messages;
            }
            _ => {}
        }
    }
}

/// <https://github.com/openai/codex/issues/7155>
pub(crate) fn heavy_stderr_without_a_newline_does_not_stall_stdout<P: Platform>() {
    P::run(async {
        let handle = P::spawn("head -c 16777216 /dev/zero | tr '\\0' x >&2; echo done");
        assert_eq!(message(&handle).await, "done");
        let monitor = handle.monitor();
        let (_, end) = rest(&handle).await;
        assert_eq!(end.exit, Some(Exit::Code(0)));
        assert_eq!(monitor.stats().stderr_bytes, 16 << 20);
        assert!(end.stderr_tail.len() <= Limits::default().stderr_tail);
    });
}

pub(crate) fn a_thousand_short_lived_processes_in_one_program<P: Platform>() {
    const WAVES: i32 = 50;
    const EACH: i32 = 20;
    P::run(async {
        for wave in 0..WAVES {
            let numbers = wave * EACH..(wave + 1) * EACH;
            let wave: Vec<_> = numbers
                .map(|number| (number, P::spawn(format!("echo {number}; exit {}", number % 100))))
                .collect();
            for (number, handle) in wave {
                assert_eq!(message(&handle).await, number.to_string());
                let (_, end) = rest(&handle).await;
                assert_eq!((end.cause, end.exit), (Cause::Closed, Some(Exit::Code(number % 100))));
            }
        }
    });
}

pub(crate) fn a_process_that_cannot_start_is_explained<P: Platform>() {
    P::run(async {
        let start = |command| P::start(Limits::default(), command);
        let missing = start(Command::new("no-such-server"));
        assert!(
            matches!(missing, Err(SpawnError::NotFound { program, .. }) if program == "no-such-server")
        );
        let directory = start(Command::new("/"));
        assert!(matches!(directory, Err(SpawnError::PermissionDenied { .. })));
        let mut command = sh("true");
        command.current_dir("/no/such/directory");
        assert!(matches!(start(command), Err(SpawnError::NoDirectory { .. })));
        let limits = Limits { max_line: 0, ..Limits::default() };
        assert!(matches!(P::start(limits, sh("cat")), Err(SpawnError::Limits(_))));
    });
}
