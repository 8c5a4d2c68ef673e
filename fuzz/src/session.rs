//! A session under any inputs, commands and polls in any order.

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use farpipe_core::{
    Action, Capabilities, Chunk, Exit, Identity, Input, Limits, LossPolicy, NoisePolicy, Page,
    ReplayId, Retention, Seq, Settings, Stream, WriteId, WriteOutcome,
};

use crate::{each_op, watched::Watched};

/// Whatever an executor says, an application asks and a clock shows: no panic, no endless queue, no
/// busy loop, one end, and what `watched.rs` watches.
pub fn session(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(setup) = input.arbitrary::<Setup>() else { return };
    let Some(watched) = Watched::new(setup.capabilities(), setup.settings()) else { return };
    let mut run = Run { watched, replay: ReplayId(0), write: WriteId(0) };
    each_op(&mut input, |op| run.apply(op));
    run.watched.finish();
}

#[derive(Arbitrary, Debug)]
struct Setup {
    promises: [bool; 6],
    retention: Option<(u8, u8)>,
    ends_on_loss: bool,
    ends_on_noise: bool,
    lines: [u8; 4],
    reorder: (u8, u16),
    inbox_bytes: u16,
    replay: [u8; 6],
    outbox: [u8; 4],
    waits: [u8; 9],
}

impl Setup {
    fn capabilities(&self) -> Capabilities {
        let [lossless, from_start, replay, close_stdin, interrupt, write_deduplication] =
            self.promises;
        let retention = self.retention.map(|(bytes, events)| Retention {
            bytes: usize::from(bytes),
            events: usize::from(events),
        });
        Capabilities {
            lossless,
            from_start,
            replay,
            retention,
            close_stdin,
            interrupt,
            write_deduplication,
        }
    }

    fn settings(&self) -> Settings {
        Settings {
            limits: self.limits(),
            loss: if self.ends_on_loss { LossPolicy::End } else { LossPolicy::FailCalls },
            noise: if self.ends_on_noise { NoisePolicy::Strict } else { NoisePolicy::Report },
        }
    }

    fn limits(&self) -> Limits {
        let millis = |millis: u8| Duration::from_millis(millis.into());
        let [page, grace, grace_events, retries, timeout, backoff] = self.replay;
        let waits = self.waits.map(millis);
        Limits {
            reorder_events: usize::from(self.reorder.0),
            reorder_bytes: usize::from(self.reorder.1),
            inbox_bytes: usize::from(self.inbox_bytes),
            replay_page: usize::from(page),
            replay_grace: millis(grace),
            replay_grace_events: usize::from(grace_events),
            replay_retries: u32::from(retries),
            replay_timeout: millis(timeout),
            replay_backoff: millis(backoff),
            lossless_grace: waits[0],
            write_timeout: waits[1],
            starting_backoff: waits[2],
            exit_idle: waits[3],
            exit_linger: waits[4],
            link_down: waits[5],
            close_stdin_wait: waits[6],
            close_interrupt_wait: waits[7],
            close_terminate_wait: waits[8],
            ..self.sizes()
        }
    }

    fn sizes(&self) -> Limits {
        let [max_line, line_window, stderr_line, stderr_tail] = self.lines.map(usize::from);
        let [max_message, outbox_bytes, outbox_messages, max_write] = self.outbox.map(usize::from);
        Limits {
            max_line,
            line_window,
            stderr_line,
            stderr_tail,
            max_message,
            outbox_bytes: max_message + outbox_bytes,
            outbox_messages,
            max_write,
            ..Limits::default()
        }
    }
}

#[derive(Arbitrary, Debug)]
enum Op<'a> {
    Output(Piece<'a>),
    Exited { seq: Number, how: How },
    Closed { seq: Number },
    Failed,
    Lagged { skipped: u64 },
    Replayed { current: bool, chunks: Vec<Piece<'a>>, next: Number, state: State },
    ReplayFailed { current: bool, retryable: bool },
    Written { current: bool, outcome: Outcome },
    LinkDown,
    LinkUp { other: bool },
    SessionLost,
    Ended,
    Late { millis: u8 },
    Wait { millis: u16 },
    Tick,
    Send(Data<'a>),
    CloseStdin,
    Close,
    Terminate,
    PollEvents(u8),
    PollAction,
    PollSettled,
    Drain,
}

#[derive(Arbitrary, Debug)]
struct Piece<'a> {
    seq: Number,
    stderr: bool,
    data: Data<'a>,
}

#[derive(Arbitrary, Debug)]
enum Data<'a> {
    Raw(&'a [u8]),
    Request(u8),
    Answer(u8),
    AnswerLine(u8),
}

#[derive(Arbitrary, Debug)]
enum Number {
    /// So far behind the last number that was taken.
    Near(u8),
    Any(u64),
}

#[derive(Arbitrary, Debug)]
struct State {
    exit: Option<How>,
    closed: bool,
    failed: bool,
}

#[derive(Arbitrary, Debug)]
enum How {
    Code(i32),
    Signal(i32),
    Unknown,
}

#[derive(Arbitrary, Debug)]
enum Outcome {
    Accepted,
    Starting,
    StdinClosed,
    Failed,
}

struct Run {
    watched: Watched,
    replay: ReplayId,
    write: WriteId,
}

impl Run {
    fn apply(&mut self, op: Op<'_>) {
        match op {
            Op::Late { millis } => {
                self.watched.handle_late(Input::Tick, Duration::from_millis(millis.into()));
            }
            Op::Wait { millis } => self.watched.wait(Duration::from_millis(millis.into())),
            Op::Tick => drop(self.watched.tick()),
            Op::Send(data) => drop(self.watched.send(&data.bytes())),
            Op::CloseStdin => self.watched.close_stdin(),
            Op::Close => self.watched.close(),
            Op::Terminate => self.watched.terminate(),
            Op::PollEvents(count) => (0..count).for_each(|_| drop(self.watched.poll_event())),
            Op::PollAction => self.poll_action(),
            Op::PollSettled => drop(self.watched.poll_settled()),
            Op::Drain => self.watched.drain(),
            input => {
                let input = self.input(input);
                self.watched.handle(input);
            }
        }
    }

    fn poll_action(&mut self) {
        match self.watched.poll_action() {
            Some(Action::Replay { request, .. }) => self.replay = request,
            Some(Action::Write { id, .. }) => self.write = id,
            _ => {}
        }
    }

    fn input(&self, op: Op<'_>) -> Input {
        let text = || "why".to_owned();
        match op {
            Op::Output(piece) => Input::Output(self.chunk(&piece)),
            Op::Exited { seq, how } => Input::Exited { seq: self.seq(&seq), exit: how.exit() },
            Op::Closed { seq } => Input::Closed { seq: self.seq(&seq) },
            Op::Failed => Input::Failed { message: text() },
            Op::Lagged { skipped } => Input::Lagged { skipped },
            Op::Replayed { current, chunks, next, state } => Input::Replayed(Page {
                request: self.request(current),
                chunks: chunks.iter().map(|piece| self.chunk(piece)).collect(),
                next: self.seq(&next),
                exit: state.exit.map(How::exit),
                closed: state.closed,
                failure: state.failed.then(text),
            }),
            Op::ReplayFailed { current, retryable } => {
                Input::ReplayFailed { request: self.request(current), message: text(), retryable }
            }
            Op::Written { current, outcome } => Input::Written {
                id: WriteId(self.write.0.wrapping_sub(u64::from(!current))),
                outcome: outcome.outcome(),
            },
            Op::LinkDown => Input::LinkDown { reason: text() },
            Op::LinkUp { other } => {
                Input::LinkUp { identity: Identity::from(if other { "b" } else { "a" }) }
            }
            Op::SessionLost => Input::SessionLost { reason: text() },
            Op::Ended => Input::Ended,
            _ => Input::Tick,
        }
    }

    fn request(&self, current: bool) -> ReplayId {
        ReplayId(self.replay.0.wrapping_sub(u64::from(!current)))
    }

    fn chunk(&self, piece: &Piece<'_>) -> Chunk {
        let stream = if piece.stderr { Stream::Stderr } else { Stream::Stdout };
        Chunk { seq: self.seq(&piece.seq), stream, data: piece.data.bytes() }
    }

    fn seq(&self, number: &Number) -> Seq {
        let stats = self.watched.session().stats();
        match *number {
            Number::Near(distance) => {
                stats.events.saturating_add(stats.lost).saturating_add(distance.into())
            }
            Number::Any(seq) => seq,
        }
    }
}

impl Data<'_> {
    fn bytes(&self) -> Bytes {
        match self {
            Self::Raw(bytes) => Bytes::copy_from_slice(bytes),
            Self::Request(id) => format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#).into(),
            Self::Answer(id) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":1}}"#).into(),
            Self::AnswerLine(id) => {
                format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":1}}\n").into()
            }
        }
    }
}

impl How {
    fn exit(self) -> Exit {
        match self {
            Self::Code(code) => Exit::Code(code),
            Self::Signal(signal) => Exit::Signal(signal),
            Self::Unknown => Exit::Unknown,
        }
    }
}

impl Outcome {
    fn outcome(self) -> WriteOutcome {
        match self {
            Self::Accepted => WriteOutcome::Accepted,
            Self::Starting => WriteOutcome::Starting,
            Self::StdinClosed => WriteOutcome::StdinClosed,
            Self::Failed => WriteOutcome::Failed("why".to_owned()),
        }
    }
}
