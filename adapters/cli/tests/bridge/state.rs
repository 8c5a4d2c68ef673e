//! `run --state`: another run goes on where one has stopped.

use std::{
    collections::BTreeSet,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use farpipe_tests::exec_server::Server;
use serde_json::Value;

use crate::support::{Bridge, WATCHDOG, farpipe, is_running, text};

/// Writes down what it reads, and answers a call once it may.
fn recorder(folder: &Path) -> String {
    format!(
        r#"echo up >&2; while read -r line; do echo "$line" >> {0}/told
        case "$line" in *wait*) until [ -e {0}/go ]; do sleep 0.01; done;; esac
        id=${{line#*\"id\":}}; echo "{{\"jsonrpc\":\"2.0\",\"id\":${{id%%,*}},\"result\":{{}}}}"; done"#,
        folder.display()
    )
}

fn kept(url: &str, state: &Path, script: &str) -> Bridge {
    Bridge::of(kept_command(url, state, script))
}

fn kept_command(url: &str, state: &Path, script: &str) -> Command {
    let mut command = Command::new(farpipe());
    command.args(["run", "--executor", url, "--state"]).arg(state).args(["--", "sh", "-c", script]);
    command
}

#[test]
fn another_run_goes_on_where_a_killed_one_stopped() {
    const CALLS: usize = 40;
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let script = recorder(folder.path());
    let call = |id: usize| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call"}}"#);
    let answer = |id: usize| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#);

    let mut first = kept(&server.url, &state, &script);
    assert_eq!(first.next_error(), "up");
    for id in 1..CALLS {
        first.send(&call(id));
        assert_eq!(first.next(), answer(id));
    }
    let waiting = format!(r#"{{"jsonrpc":"2.0","id":{CALLS},"method":"wait"}}"#);
    first.send(&waiting);
    // The command has it: from here on the answer is owed.
    let told = folder.path().join("told");
    while !fs::read_to_string(&told).unwrap().contains("wait") {
        std::thread::yield_now();
    }
    first.child.kill().unwrap();
    first.child.wait().unwrap();

    fs::write(folder.path().join("go"), "").unwrap();
    let mut second = kept(&server.url, &state, &script);
    // What was written just before may come again, but nothing is left out.
    let mut received = second.next();
    while received != answer(CALLS) {
        assert!((1..CALLS).any(|id| received == answer(id)), "{received}");
        received = second.next();
    }
    second.send(&call(CALLS + 1));
    assert_eq!(second.next(), answer(CALLS + 1));
    second.signal("TERM");
    let (stdout, stderr, _) = second.rest();
    assert!(stdout.is_empty(), "{stdout:?} {stderr:?}");
    assert!(!state.exists(), "removed at the end");
    let told = fs::read_to_string(told).unwrap();
    let expected: Vec<String> = (1..CALLS).map(call).chain([waiting, call(CALLS + 1)]).collect();
    assert_eq!(told.lines().collect::<Vec<_>>(), expected, "once each, in order");
}

/// Killed wherever it happens to be, again and again, with calls and answers on their way.
#[test]
fn runs_that_are_killed_lose_no_answer_and_repeat_no_write() {
    const LIVES: usize = 12;
    const CALLS: usize = 60;
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let script = recorder(folder.path());
    let mut answered = BTreeSet::new();
    let mut next = 0;
    for life in 0..LIVES {
        let mut run = kept(&server.url, &state, &script);
        for _ in 0..CALLS {
            next += 1;
            run.send(&format!(r#"{{"jsonrpc":"2.0","id":{next},"method":"tools/call"}}"#));
        }
        // So many answers are waited for before the kill; the rest is on its way.
        for _ in 0..life * 5 {
            answered.insert(id_of(&run.next()).unwrap());
        }
        run.child.kill().unwrap();
        // What it had written can still be read.
        answered.extend(run.rest().0.iter().filter_map(|line| id_of(line)));
    }
    let mut last = kept(&server.url, &state, &script);
    next += 1;
    last.send(&format!(r#"{{"jsonrpc":"2.0","id":{next},"method":"tools/call"}}"#));
    while !answered.contains(&next) {
        answered.insert(id_of(&last.next()).unwrap());
    }
    let told = fs::read_to_string(folder.path().join("told")).unwrap();
    let told: Vec<usize> = told.lines().map(|line| id_of(line).unwrap()).collect();
    assert!(told.is_sorted_by(|a, b| a < b), "once each, in order: {told:?}");
    let unanswered: Vec<_> = told.iter().filter(|id| !answered.contains(id)).collect();
    assert!(unanswered.is_empty(), "{unanswered:?}");
    assert!(told.len() > 10 * LIVES, "{told:?}");
}

/// What a client has not read yet, when the run is killed, is not lost with it.
#[test]
fn a_client_that_is_behind_misses_nothing() {
    const CALLS: usize = 40;
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (state, told) = (folder.path().join("state.json"), folder.path().join("told"));
    let script = format!(
        r#"pad=$(head -c 8000 /dev/zero | tr '\0' x); while read -r line; do echo "$line" >> {}
        id=${{line#*\"id\":}}; echo "{{\"jsonrpc\":\"2.0\",\"id\":${{id%%,*}},\"result\":\"$pad\"}}"; done"#,
        told.display()
    );
    let mut command = kept_command(&server.url, &state, &script);
    let mut first = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = first.stdin.take().unwrap();
    for id in 1..=CALLS {
        writeln!(stdin, r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call"}}"#).unwrap();
        // One by one: every write saves the answers that are stuck before it.
        while fs::read_to_string(&told).map_or(0, |told| told.lines().count()) < id {
            std::thread::yield_now();
        }
    }
    first.kill().unwrap();
    let read = text(&first.wait_with_output().unwrap().stdout);
    let mut answered: BTreeSet<usize> = read.lines().filter_map(id_of).collect();
    assert!(answered.len() < CALLS, "it was not behind");
    let second = kept(&server.url, &state, &script);
    while answered.len() < CALLS {
        answered.insert(id_of(&second.next()).unwrap());
    }
}

/// The id of a whole line; a kill may have cut it.
fn id_of(line: &str) -> Option<usize> {
    let message: Value = serde_json::from_str(line).ok()?;
    message["id"].as_u64()?.try_into().ok()
}

#[test]
fn a_state_is_used_by_one_run_at_a_time() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let script = "echo up >&2; exec cat";
    let mut first = kept(&server.url, &state, script);
    assert_eq!(first.next_error(), "up");
    let (_, stderr, status) = kept(&server.url, &state, script).rest();
    assert_eq!(status.code(), Some(125));
    assert!(stderr.join("").contains("another `farpipe run` is using the state"), "{stderr:?}");
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
    first.send(answer);
    assert_eq!(first.next(), answer, "it is left alone");
}

#[test]
fn a_state_that_does_not_fit_is_told_and_left_alone() {
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    let mut first = kept(&server.url, &state, "echo up >&2; exec cat");
    assert_eq!(first.next_error(), "up");
    first.child.kill().unwrap();
    let stored = fs::read(&state).unwrap();
    let refused = |url: &str, script: &str| {
        let (_, stderr, status) = kept(url, &state, script).rest();
        assert_eq!(status.code(), Some(125), "{stderr:?}");
        assert!(state.exists());
        stderr.join("\n")
    };
    let url = server.url.clone();
    let other = refused(&url, "exec other");
    assert!(other.contains("another command") && other.contains("exec cat"), "{other}");
    drop(server);
    let gone = refused(&url, "echo up >&2; exec cat");
    assert!(gone.contains("can be tried again") && !gone.contains("remove it"), "{gone}");
    let Some(stranger) = Server::start(&[]).unwrap() else { return };
    let moved = text(&stored).replace(&url, &stranger.url);
    fs::write(&state, moved).unwrap();
    let expired = refused(&stranger.url, "echo up >&2; exec cat");
    assert!(
        expired.contains("does not know the session") && expired.contains("remove it"),
        "{expired}"
    );
    fs::write(&state, &stored[..stored.len() / 2]).unwrap();
    let damaged = refused(&url, "echo up >&2; exec cat");
    assert!(damaged.contains("damaged") && damaged.contains("state.json"), "{damaged}");
}

/// It would run on for as long as the server keeps the session.
#[test]
fn a_far_command_is_ended_when_farpipe_cannot_go_on() {
    const RUNS: usize = 10;
    let Some(server) = Server::start(&[]).unwrap() else { return };
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state.json");
    fs::create_dir(folder.path().join("state.json.new")).unwrap();
    for run in 0..RUNS {
        let pid = folder.path().join(run.to_string());
        let script = format!("echo $$ > {}; exec sleep 300", pid.display());
        let (_, stderr, status) = kept(&server.url, &state, &script).rest();
        assert_eq!(status.code(), Some(125));
        assert!(stderr.join("").contains("cannot be written"), "{stderr:?}");
        // It may be over before it has written anything.
        let pid = fs::read_to_string(pid).unwrap_or_default();
        let deadline = Instant::now() + WATCHDOG;
        while is_running(pid.trim()) {
            assert!(Instant::now() < deadline, "{run}: it runs on");
            std::thread::yield_now();
        }
    }
}
