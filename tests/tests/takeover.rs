//! The process that drives a session is killed under load, and another one goes on.

mod executor {
    pub(crate) mod far;
    pub(crate) mod link;
}

use std::{
    path::Path,
    process::{Child, Command as Process},
    sync::mpsc::RecvTimeoutError,
    thread,
    time::{Duration, Instant},
};

use executor::{far::Dice, link::Executor};
use farpipe_tests::orchestrator::{REQUESTS, Stored};

/// How often the orchestrator is killed before it may finish.
const KILLS: usize = 60;

/// How long one life may take: far longer than any should, on a slow machine too.
const PATIENCE: Duration = Duration::from_secs(120);

#[test]
fn killed_orchestrators_lose_and_repeat_nothing() -> anyhow::Result<()> {
    take_over(1)
}

#[test]
fn killed_orchestrators_lose_and_repeat_nothing_in_another_schedule() -> anyhow::Result<()> {
    take_over(2)
}

fn take_over(seed: u64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("orchestrator.json");
    let executor = Executor::start(seed)?;
    let mut dice = Dice::new(seed ^ 0x9e37_79b9);

    let mut kills = 0;
    while kills < KILLS {
        let commands = dice.below(6);
        if !live_and_die(&executor, &file, commands, &mut dice)? {
            break;
        }
        kills += 1;
    }
    let finished = live(&executor, &file, usize::MAX)?.wait()?;
    assert!(finished.success(), "seed {seed}: {finished}");
    // Otherwise the work was done too soon, and there was nothing to take over.
    assert!(kills >= KILLS / 2, "seed {seed}: only {kills} kills before the end");

    let stored = Stored::load(&file)?.expect("the orchestrator has stored its progress");
    check(seed, &executor, stored);
    Ok(())
}

fn check(seed: u64, executor: &Executor, stored: Stored) {
    let progress = stored.progress;
    let truth = executor.truth();
    assert_eq!(truth.reused_ids, 0, "seed {seed}: an id stands for one write");
    assert_eq!(progress.other, ["Exited(Code(0))"], "seed {seed}: once, and no loss");
    assert_same(seed, "messages", &progress.messages, &truth.messages);
    assert_same(seed, "lines of stderr", &progress.stderr, &truth.stderr);
    let sends: Vec<u64> = (1..=REQUESTS).collect();
    assert_same(seed, "settled sends", &progress.settled, &sends);
    let request = |id| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\"}}");
    let requests: Vec<String> = sends.iter().map(request).collect();
    assert_same(seed, "requests on stdin", &truth.requests, &requests);
    assert_eq!(progress.end.as_deref(), Some("the process ended with exit code 0"));
    assert!(truth.repeated_writes > 0, "seed {seed}: no write had to be repeated");
    assert!(truth.replays > 0, "seed {seed}: nothing had to be replayed");
    assert!(progress.largest_checkpoint < 64 << 10, "{} bytes", progress.largest_checkpoint);
}

/// Shows the first difference, not all there is.
fn assert_same<T: PartialEq + std::fmt::Debug>(seed: u64, what: &str, got: &[T], truth: &[T]) {
    let same = got.iter().zip(truth).take_while(|(got, truth)| got == truth).count();
    let (got_next, next) = (got.get(same), truth.get(same));
    assert!(
        got_next.is_none() && next.is_none(),
        "seed {seed}: {what} differ from number {same} on: {got_next:?} instead of {next:?}"
    );
}

/// Kills an orchestrator after some commands; false if it was done before.
fn live_and_die(
    executor: &Executor,
    file: &Path,
    commands: usize,
    dice: &mut Dice,
) -> anyhow::Result<bool> {
    let mut child = live(executor, file, commands)?;
    // Not to wait for anything: to hit it wherever it happens to be.
    let spread = [0, 200, 2000][dice.below(3)];
    thread::sleep(Duration::from_micros(dice.below(spread + 1) as u64));
    let done = child.try_wait()?.is_some();
    child.kill()?;
    child.wait()?;
    Ok(!done)
}

/// Starts an orchestrator and waits until it has given so many commands, or has ended.
fn live(executor: &Executor, file: &Path, commands: usize) -> anyhow::Result<Child> {
    let start = Instant::now();
    executor.commands.try_iter().for_each(drop);
    let mut child = Process::new(env!("CARGO_BIN_EXE_orchestrator"))
        .arg(executor.port.to_string())
        .arg(file)
        .spawn()?;
    let mut seen = 0;
    while seen < commands && child.try_wait()?.is_none() {
        match executor.commands.recv_timeout(Duration::from_millis(20)) {
            Ok(()) => seen += 1,
            Err(RecvTimeoutError::Timeout) => {}
            Err(error) => return Err(error.into()),
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            anyhow::bail!("the orchestrator does not come to an end");
        }
    }
    Ok(child)
}
