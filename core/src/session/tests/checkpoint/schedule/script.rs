//! What a process does, and what happens to it on the way.

use alloc::{collections::VecDeque, format, string::String, vec::Vec};
use core::time::Duration;
use std::collections::BTreeSet;

use bytes::Bytes;
use proptest::{prelude::*, sample::select};

use crate::{Limits, Seq, Stream};

/// How many requests are sent before anything else; the output answers them.
pub(super) const CALLS: usize = 6;

/// The wait for the close is not what is tested.
pub(super) const FOREVER: Duration = Duration::from_secs(1_000_000);

#[derive(Clone, Debug)]
pub(super) enum Happens {
    Output(Stream, Bytes),
    Exited,
    Closed,
}

/// What becomes of an event on its way, or of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    AtOnce,
    Twice,
    Late,
    Never,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// The process does the next thing.
    Happen(Fate),
    /// What is on its way arrives: the oldest or the newest of it.
    Arrive {
        newest: bool,
    },
    /// The next action is carried out.
    Act(Fate),
    Read(usize),
    Send,
    Settle,
    Wait,
    /// Another process takes over.
    Restore,
}

#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) process: Vec<Happens>,
    /// Output that is lost before anyone sees it. Never two numbers in a row.
    pub(super) holes: BTreeSet<Seq>,
    pub(super) steps: Vec<Step>,
    /// Every event is read by another process.
    pub(super) one_event_a_life: bool,
    pub(super) limits: Limits,
}

fn line(id: usize, kind: u8) -> String {
    let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"text":"grüße \\n"}}}}"#);
    match kind {
        0 | 1 => answer,
        2 => r#"{"jsonrpc":"2.0","method":"notifications/é"}"#.into(),
        3 => "Listening".into(),
        4 => format!("Loading ... {answer}"),
        5 => answer.replace("{\"text\"", "{text"),
        6 => answer.replace("grüße", &"long ".repeat(60)),
        7 => format!(r#"[{answer}, 7, {{"jsonrpc":"2.0","method":"x"}}]"#),
        8 => String::from_utf8_lossy(b"   ").into(),
        _ => format!("{answer}\r"),
    }
}

/// Cuts a text into chunks of the given sizes, in turn.
fn cut(text: &str, sizes: &[usize]) -> VecDeque<Bytes> {
    let mut rest = Bytes::copy_from_slice(text.as_bytes());
    let sizes = sizes.iter().cycle();
    sizes
        .map_while(|&size| (!rest.is_empty()).then(|| rest.split_to(size.min(rest.len()))))
        .collect()
}

fn process(lines: &[u8], out: &[usize], err: &[usize], turns: &[bool]) -> Vec<Happens> {
    let lines = lines.iter().enumerate().map(|(at, kind)| line(at % CALLS + 1, *kind) + "\n");
    let mut stdout = cut(&(lines.collect::<String>() + "unterminated"), out);
    let mut stderr = cut("warning: ünsafe\n\nerror: no newline for a long while\r\nlast", err);
    let mut events = Vec::new();
    for &turn in turns.iter().cycle() {
        let next = if turn { stdout.pop_front() } else { None };
        match next.map(|data| (Stream::Stdout, data)) {
            Some((stream, data)) => events.push(Happens::Output(stream, data)),
            None => match stderr.pop_front().map(|data| (Stream::Stderr, data)) {
                Some((stream, data)) => events.push(Happens::Output(stream, data)),
                None if stdout.is_empty() => break,
                None => {
                    let data = stdout.pop_front().unwrap();
                    events.push(Happens::Output(Stream::Stdout, data));
                }
            },
        }
    }
    events.extend([Happens::Exited, Happens::Closed]);
    events
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fate = || select(&[Fate::AtOnce, Fate::AtOnce, Fate::Twice, Fate::Late, Fate::Never][..]);
    let step = prop_oneof![
        6 => fate().prop_map(Step::Happen),
        2 => any::<bool>().prop_map(|newest| Step::Arrive { newest }),
        3 => fate().prop_map(Step::Act),
        3 => (1usize..4).prop_map(Step::Read),
        1 => Just(Step::Send),
        1 => Just(Step::Settle),
        1 => Just(Step::Wait),
        2 => Just(Step::Restore),
    ];
    prop::collection::vec(step, 0..120)
}

pub(super) fn scripts() -> impl Strategy<Value = Script> {
    let sizes = |max| prop::collection::vec(1usize..max, 1..8);
    let lines = prop::collection::vec(0u8..10, 1..14);
    let turns = prop::collection::vec(prop::bool::weighted(0.7), 1..6)
        .prop_filter("both streams have their turn", |turns| turns.contains(&true));
    let holes = prop_oneof![Just(Vec::new()), prop::collection::vec(1usize..40, 1..4)];
    let one_event_a_life = prop::bool::weighted(0.1);
    let budgets = (select(&[300usize, 4 << 20][..]), select(&[50usize, 100_000][..]));
    (lines, sizes(70), sizes(20), turns, holes, steps(), one_event_a_life, budgets).prop_map(
        |(lines, out, err, turns, holes, steps, one_event_a_life, (inbox_bytes, replay_page))| {
            let process = process(&lines, &out, &err, &turns);
            let outputs = process.len() - 2;
            let holes = holes.into_iter().map(|hole| hole * 2).filter(|&hole| hole < outputs);
            let holes = holes.map(|hole| hole as Seq).collect();
            let limits = Limits {
                max_line: 250,
                line_window: 80,
                stderr_line: 30,
                stderr_tail: 40,
                max_write: 100,
                inbox_bytes,
                replay_page,
                exit_idle: FOREVER,
                exit_linger: FOREVER,
                ..Limits::default()
            };
            Script { process, holes, steps, one_event_a_life, limits }
        },
    )
}
