//! `farpipe run` as a client sees it.

use std::{
    io::{BufRead as _, BufReader, Read, Write as _},
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::Value;

pub(crate) const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#;
pub(crate) const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

/// Far above what any of these takes.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(60);

pub(crate) struct Bridge {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
}

impl Bridge {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut command = Command::new(farpipe());
        command.args(args);
        Self::of(command)
    }

    /// Any command.
    pub(crate) fn of(command: Command) -> Self {
        let mut child = piped(command);
        let stdin = child.stdin.take();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        Self { child, stdin, stdout, stderr }
    }

    pub(crate) fn send(&mut self, line: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    pub(crate) fn end_input(&mut self) {
        drop(self.stdin.take());
    }

    pub(crate) fn next(&self) -> String {
        self.stdout.recv_timeout(WATCHDOG).expect("a line on stdout")
    }

    pub(crate) fn next_error(&self) -> String {
        self.stderr.recv_timeout(WATCHDOG).expect("a line on stderr")
    }

    /// What is left on stdout and stderr, and how it ended.
    pub(crate) fn rest(mut self) -> (Vec<String>, Vec<String>, ExitStatus) {
        let (stdout, stderr) = (collect(&self.stdout), collect(&self.stderr));
        (stdout, stderr, self.child.wait().unwrap())
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status().unwrap();
        assert!(sent.success());
    }
}

pub(crate) fn farpipe() -> &'static Path {
    assert_cmd::cargo::cargo_bin!("farpipe")
}

fn piped(mut command: Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn shell(script: &str) -> Command {
    let mut command = Command::new(farpipe());
    command.args(["run", "--", "sh", "-c", script]);
    command
}

/// A shell on this machine.
pub(crate) fn sh(script: &str) -> Bridge {
    Bridge::of(shell(script))
}

/// The same, with pipes that nobody reads yet.
pub(crate) fn piped_sh(script: &str) -> Child {
    piped(shell(script))
}

/// The id of an answer, and the error in it.
pub(crate) fn error_of(line: &str) -> (String, Value) {
    let mut answer: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    (answer["id"].to_string(), answer["error"].take())
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Whether there is such a process, other than one that nobody has waited for yet.
pub(crate) fn is_running(pid: &str) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().unwrap();
    !matches!(text(&state.stdout).chars().next(), None | Some('Z'))
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
    lines
}

fn collect(lines: &Receiver<String>) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        match lines.recv_timeout(WATCHDOG) {
            Ok(line) => all.push(line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return all,
            Err(error) => panic!("{error}: {all:?}"),
        }
    }
}
