//! The pinned real servers start and answer over plain pipes, with nothing of farpipe in between.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use farpipe_tests::peers::{self, PeerCommand};
use serde_json::{Value, json};

/// Servers start within a second; a loaded machine may need many.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn everything_answers() {
    if let Some(peer) = peers::everything().expect("the server is installed") {
        assert_initializes(&peer, "mcp-servers/everything");
    }
}

#[test]
fn filesystem_answers() {
    let root = tempfile::tempdir().expect("a folder to serve");
    if let Some(peer) = peers::filesystem(root.path()).expect("the server is installed") {
        assert_initializes(&peer, "secure-filesystem-server");
    }
}

#[test]
fn time_answers() {
    if let Some(peer) = peers::time().expect("the server is installed") {
        assert_initializes(&peer, "mcp-time");
    }
}

#[test]
fn npm_commands_are_installed() {
    if let Some(dir) = peers::npm_bin_dir().expect("the servers are installed") {
        for name in ["mcp-server-everything", "mcp-server-filesystem"] {
            assert!(dir.join(name).exists(), "{name} is missing in {}", dir.display());
        }
    }
}

fn assert_initializes(peer: &PeerCommand, name: &str) {
    let mut child = peer
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let watchdog = Watchdog::over(child);

    writeln!(stdin, "{}", initialize()).expect("the server reads");
    let mut line = String::new();
    stdout.read_line(&mut line).expect("the server writes");
    watchdog.end();

    let answer: Value = serde_json::from_str(&line).expect("an answer in time, in JSON");
    assert_eq!(answer["id"], 1);
    assert_eq!(answer["result"]["serverInfo"]["name"], name);
}

fn initialize() -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": { "name": "farpipe-tests", "version": "0" },
        },
    })
}

/// Kills the server when the test is done with it, or when it takes too long: its stdout then ends
/// and the test fails instead of waiting for ever.
struct Watchdog {
    done: mpsc::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Watchdog {
    fn over(mut child: Child) -> Self {
        let (done, news) = mpsc::channel();
        let thread = thread::spawn(move || {
            if news.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                eprintln!("the server did not answer within {PATIENCE:?}");
            }
            child.kill().expect("the server can be killed");
            child.wait().expect("the server ends");
        });
        Self { done, thread }
    }

    fn end(self) {
        drop(self.done);
        self.thread.join().expect("the server ended");
    }
}
