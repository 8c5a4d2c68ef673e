//! The checks, each with the script that it runs.

use farpipe_core::{Action, Capabilities, Exit, ReplayId, Seq, Stream, WriteId, WriteOutcome};
use farpipe_driver::{Executor, Flow};

use super::watch::{Told, Watch};
use crate::{Violation, violation::ensure};

/// How often a paused executor is asked; it takes milliseconds, and the process has time to run.
const LOOKS: usize = 2000;
/// More than any pipe holds.
const FLOOD: usize = 1_000_000;

pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) script: &'static str,
    pub(super) applies: fn(&Capabilities) -> bool,
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    Numbers,
    Writes,
    Repetition,
    Pause,
    StdinClose,
    Interrupt,
    Terminate,
    Terminator,
    Replay,
    NoReplay,
}

pub(super) const CHECKS: [Check; 10] = [
    Check {
        name: "events are numbered densely from 1, and the close comes last",
        kind: Kind::Numbers,
        script: "echo out; echo err >&2; echo more; exit 3",
        applies: |_| true,
    },
    Check {
        name: "each write is answered under its id and arrives once, in order",
        kind: Kind::Writes,
        script: "exec cat",
        applies: |_| true,
    },
    Check {
        name: "a write that is repeated under its id arrives once",
        kind: Kind::Repetition,
        script: "exec cat",
        applies: |promises| promises.write_deduplication,
    },
    Check {
        name: "a paused executor delivers no output, but answers writes",
        kind: Kind::Pause,
        script: "head -c 1000000 /dev/zero; read -r line; echo \"$line\" >&2",
        applies: |_| true,
    },
    Check {
        name: "stdin can be closed, and output still comes",
        kind: Kind::StdinClose,
        script: "cat; echo done",
        applies: |promises| promises.close_stdin,
    },
    Check {
        name: "a process that is asked to stop can do so in its own way",
        kind: Kind::Interrupt,
        script: "trap 'echo bye; exit 0' INT TERM; echo ready; while :; do read line; done",
        applies: |promises| promises.interrupt,
    },
    Check {
        name: "a process that will not stop is terminated, with what it started",
        kind: Kind::Terminate,
        script: "trap '' INT TERM; sleep 600 & echo ready; wait; sleep 600",
        applies: |_| true,
    },
    Check {
        name: "the terminator works from another thread, twice",
        kind: Kind::Terminator,
        script: "trap '' INT TERM; sleep 600 & echo ready; wait; sleep 600",
        applies: |_| true,
    },
    Check {
        name: "replay pages honour their start and their size, and say how it ended",
        kind: Kind::Replay,
        script: "for word in one two three four; do echo $word; sleep 0.01; done; exit 3",
        applies: |promises| promises.replay,
    },
    Check {
        name: "a replay that is not promised is refused, not forgotten",
        kind: Kind::NoReplay,
        script: "exec cat",
        applies: |promises| !promises.replay,
    },
];

pub(super) async fn run<E: Executor>(kind: Kind, watch: &mut Watch<E>) -> Result<(), Violation> {
    match kind {
        Kind::Numbers => numbers(watch).await,
        Kind::Writes => writes(watch).await,
        Kind::Repetition => repetition(watch).await,
        Kind::Pause => pause(watch).await,
        Kind::StdinClose => stdin_close(watch).await,
        Kind::Interrupt => interrupt(watch).await,
        Kind::Terminate => terminate(watch).await,
        Kind::Terminator => terminator(watch).await,
        Kind::Replay => replay(watch).await,
        Kind::NoReplay => no_replay(watch).await,
    }
}

fn is_output<E: Executor>(watch: &Watch<E>, stream: Stream, text: &str) -> Result<(), Violation> {
    let output = watch.output(stream);
    let shown = String::from_utf8_lossy(&output);
    ensure!(output == text.as_bytes(), "{stream:?} is {shown:?} instead of {text:?}");
    Ok(())
}

async fn numbers<E: Executor>(watch: &mut Watch<E>) -> Result<(), Violation> {
    watch.until_closed().await?;
    is_output(watch, Stream::Stdout, "out\nmore\n")?;
    is_output(watch, Stream::Stderr, "err\n")?;
    let exit = watch.exit();
    ensure!(exit == Some(Exit::Code(3)), "the exit is {exit:?} instead of code 3");
    Ok(())
}

/// Writes, as often as the process is still starting.
async fn accepted<E: Executor>(
    watch: &mut Watch<E>,
    flow: Flow,
    id: u64,
    data: &str,
) -> Result<(), Violation> {
    loop {
        let before = watch.written.len();
        watch.write(id, data.to_owned());
        watch.until(flow, "answer to a write", |watch| watch.written.len() > before).await?;
        let (answered, outcome) = &watch.written[before];
        ensure!(*answered == WriteId(id), "write {id} is answered under {answered:?}");
        if *outcome != WriteOutcome::Starting {
            ensure!(*outcome == WriteOutcome::Accepted, "write {id} is not taken: {outcome:?}");
            return Ok(());
        }
    }
}

async fn echoed<E: Executor>(watch: &mut Watch<E>, len: usize) -> Result<(), Violation> {
    watch.until(Flow::Open, "echo", |watch| watch.output(Stream::Stdout).len() >= len).await
}

async fn writes<E: Executor>(watch: &mut Watch<E>) -> Result<(), Violation> {
    let mut expected = String::new();
    for (id, text) in [(7, "one\n"), (8, "two, in "), (9, "two writes\n"), (12, "three\n")] {
        accepted(watch, Flow::Open, id, text).await?;
        expected += text;
    }
    echoed(watch, expected.len()).await?;
    is_output(watch, Stream::Stdout, &expected)
}

async fn repetition<E: Executor>(watch: &mut Watch<E>) -> Result<(), Violation> {
    for (id, text) in [(1, "one\n"), (1, "one\n"), (2, "two\n"), (1, "one\n"), (3, "end\n")] {
        accepted(watch, Flow::Open, id, text).await?;
    }
    echoed(watch, "one\ntwo\nend\n".len()).await?;
    is_output(watch, Stream::Stdout, "one\ntwo\nend\n")
}

async fn pause<E: Executor>(watch: &mut Watch<E>) -> Result<(), Violation> {
    echoed(watch, 1).await?;
    watch.look_around(Flow::Paused, LOOKS).await?;
    for (id, text) in [(1, "half "), (2, "a "), (3, "line\n")] {
        accepted(watch, Flow::Paused, id, text).await?;
    }
    watch.until_closed().await?;
    let output = watch.output(Stream::Stdout).len();
    ensure!(output == FLOOD, "{output} of {FLOOD} bytes come after the pause");
    is_output(watch, Stream::Stderr, "half a line\n")
}

async fn stdin_close<E: Executor>(watch: &mut Watch<E>) -> Result<(), Violation> {
    accepted(watch, Flow::Open, 1, "last\n").await?;
    watch.executor.start(Action::CloseStdin);
    watch.until_closed().await?;
    is_output(watch, Stream::Stdout, "last\ndone\n")
}

async fn ready<E: Executor>(watch: &mut Watch<E>) -> Result<(), Violation> {
    echoed(watch, "ready\n".len()).await
}

async fn interrupt<E: Executor>(watch: &mut Watch<E>) -> Result<(), Violation> {
    ready(watch).await?;
    watch.executor.start(Action::Interrupt);
    watch.until_closed().await?;
    is_output(watch, Stream::Stdout, "ready\nbye\n")
}

async fn terminate<E: Executor>(watch: &mut Watch<E>) -> Result<(), Violation> {
    ready(watch).await?;
    watch.executor.start(Action::Terminate);
    watch.executor.start(Action::Terminate);
    watch.until_closed().await
}

async fn terminator<E: Executor>(watch: &mut Watch<E>) -> Result<(), Violation> {
    ready(watch).await?;
    let terminator = watch.executor.terminator();
    let twice = move || {
        terminator.terminate();
        terminator.terminate();
    };
    let panicked = std::thread::spawn(twice).join().is_err();
    ensure!(!panicked, "the terminator panics");
    watch.until(Flow::Open, "end", |watch| watch.ended || watch.closed().is_some()).await
}

async fn replay<E: Executor>(watch: &mut Watch<E>) -> Result<(), Violation> {
    watch.until_closed().await?;
    let mut after = 0;
    let mut replayed = Vec::new();
    // Each page brings something, so this ends.
    for request in 0.. {
        let (request, max_bytes) = (ReplayId(request), 5);
        watch.executor.start(Action::Replay { request, after, max_bytes });
        let answers = |watch: &Watch<E>| watch.pages.len() + watch.failed_replays.len();
        let before = answers(watch);
        watch.until(Flow::Open, "page", |watch| answers(watch) > before).await?;
        let Some(page) = watch.pages.pop() else {
            return Err(Violation::new(format!("{request:?} fails")));
        };
        ensure!(page.request == request, "{request:?} is answered as {:?}", page.request);
        let numbers = page.chunks.iter().map(|chunk| chunk.seq).collect::<Vec<Seq>>();
        ensure!(numbers.is_sorted(), "a page is not ascending: {numbers:?}");
        ensure!(numbers.iter().all(|&seq| seq > after), "{numbers:?} is not behind {after}");
        let lens = page.chunks.iter().rev().skip(1).map(|chunk| chunk.data.len());
        let len = lens.sum::<usize>();
        ensure!(
            len <= max_bytes,
            "a page goes on behind {len} bytes, and {max_bytes} were asked for"
        );
        let Some(&last) = numbers.last() else {
            return ended_page(watch, &page, after, &replayed);
        };
        ensure!(page.next > last, "next is {}, and the page holds {last}", page.next);
        replayed.extend(page.chunks);
        after = last;
    }
    Ok(())
}

/// An empty page tells how it ended, and what came before is what came live.
fn ended_page<E: Executor>(
    watch: &Watch<E>,
    page: &farpipe_core::Page,
    after: Seq,
    replayed: &[farpipe_core::Chunk],
) -> Result<(), Violation> {
    ensure!(page.next > after, "next is {} behind {after}", page.next);
    ensure!(page.closed, "the process is over, and the last page does not say so");
    ensure!(page.exit == watch.exit(), "the page says {:?}", page.exit);
    let next = watch.closed().unwrap_or(0) + 1;
    ensure!(page.next == next, "the last page's next is {} instead of {next}", page.next);
    for (seq, told) in &watch.events {
        let Told::Output(stream, data) = told else { continue };
        let again = replayed.iter().find(|chunk| chunk.seq == *seq);
        let same = again.is_some_and(|chunk| chunk.stream == *stream && chunk.data == *data);
        ensure!(same, "{seq} was {told:?}, and is replayed as {again:?}");
    }
    Ok(())
}

async fn no_replay<E: Executor>(watch: &mut Watch<E>) -> Result<(), Violation> {
    let request = ReplayId(4);
    watch.executor.start(Action::Replay { request, after: 0, max_bytes: 100 });
    watch.until(Flow::Open, "refusal", |watch| !watch.failed_replays.is_empty()).await?;
    let refused = &watch.failed_replays;
    ensure!(*refused == [request], "{request:?} is refused as {refused:?}");
    Ok(())
}
