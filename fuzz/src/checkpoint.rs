//! Checkpoints: of any content, and in the middle of any run.

use arbitrary::{Arbitrary, Unstructured};
use farpipe_core::{Capabilities, Checkpoint, Input, JsonRpc, Limits, Session, Stream, Timestamp};
use farpipe_sim::{Ask, Fate, Line, Schedule, Setup, Step, Tight, run};

/// More events than a checkpoint of this size can hold.
const EVENTS_PER_BYTE: usize = 8;

/// What is no checkpoint is refused, and what is one can be gone on with; a run in which other
/// processes take over agrees with the truth.
///
/// Input that begins with a brace is a checkpoint, or the state in one; any other is a schedule.
pub fn checkpoint(data: &[u8]) {
    if data.first() != Some(&b'{') {
        return taken_over(data);
    }
    restored(data);
    restored(&sealed(data));
}

/// A checkpoint with this state, and the checksum that it has if it is written as we would.
fn sealed(state: &[u8]) -> Vec<u8> {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for &byte in state {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let header = format!(
        r#"{{"checksum":"{hash:016x}","format":"farpipe-checkpoint","format_version":1,"state":"#
    );
    [header.as_bytes(), state, b"}"].concat()
}

fn restored(json: &[u8]) {
    let Ok(checkpoint) = Checkpoint::from_json(json) else { return };
    let again = Checkpoint::from_json(checkpoint.to_json().as_bytes());
    assert_eq!(again.as_ref(), Ok(&checkpoint), "it is read as it was written");
    let far = Capabilities { replay: true, write_deduplication: true, ..Capabilities::default() };
    let identity = checkpoint.identity().cloned().unwrap_or_else(|| "executor".into());
    let Ok(mut session) = Session::restore(JsonRpc, far, Limits::default(), checkpoint) else {
        return;
    };
    session.handle(Timestamp::ORIGIN, Input::LinkUp { identity });
    drain(&mut session, json.len());
    session.handle(Timestamp::ORIGIN, Input::Ended);
    drain(&mut session, json.len());
    assert!(session.is_ended() && session.is_over());
}

fn drain(session: &mut Session<JsonRpc>, len: usize) {
    let events = std::iter::from_fn(|| session.poll_event()).take(EVENTS_PER_BYTE * len).count();
    assert!(events < EVENTS_PER_BYTE * len, "events without end");
    while session.poll_action().is_some() || session.poll_settled().is_some() {}
}

#[derive(Arbitrary, Debug)]
struct Promises {
    given: [bool; 5],
    retention: Option<(u8, u8)>,
    before: Option<u8>,
    limits: [Option<u8>; 5],
}

impl Promises {
    fn setup(&self) -> Setup {
        let [lossless, replay, write_deduplication, unannounced, ends_on_noise] = self.given;
        let [reorder_events, inbox_bytes, replay_page, max_write, max_line] =
            self.limits.map(|limit| limit.map(|limit| u16::from(limit) + 1));
        Setup {
            lossless,
            replay,
            write_deduplication,
            unannounced,
            ends_on_noise,
            retention: self.retention.map(|(bytes, events)| (bytes.into(), events.into())),
            written_before: self.before.map(|before| before % 8),
            limits: Tight {
                reorder_events,
                inbox_bytes,
                replay_page,
                max_write,
                max_line,
                ..Tight::default()
            },
            ..Setup::default()
        }
    }
}

#[derive(Arbitrary, Debug)]
enum Op {
    Say(u8),
    Noise(u8),
    Unended,
    Warn(u8),
    Write { stderr: bool, bytes: u8 },
    Arrive(u8),
    Answer,
    Double(u8),
    Lose(u8),
    Lag,
    Evict(u8),
    Act,
    ActSlowly,
    ActNotYet,
    Serve(u8),
    LinkDown { late: bool },
    LinkUp,
    Tick,
    Read(u8),
    Settle(u8),
    Call(u8),
    CallIdLast(u8),
    CloseStdin,
    Close,
    Exit,
    Restore,
}

impl Op {
    fn step(&self) -> Step {
        let stream = |stderr| if stderr { Stream::Stderr } else { Stream::Stdout };
        match *self {
            Self::Say(padding) => Step::Say(Line::Message(padding.into())),
            Self::Noise(len) => Step::Say(Line::Noise(len)),
            Self::Unended => Step::Say(Line::Unended),
            Self::Warn(len) => Step::Warn(len),
            Self::Write { stderr, bytes } => Step::Write(stream(stderr), bytes.into()),
            Self::Arrive(pick) => Step::Arrive(pick),
            Self::Answer => Step::Answer,
            Self::Double(pick) => Step::Double(pick),
            Self::Lose(pick) => Step::Lose(pick),
            Self::Lag => Step::Lag,
            Self::Evict(keep) => Step::Evict(keep),
            Self::Act => Step::Act(Fate::Served),
            Self::ActSlowly => Step::Act(Fate::Slow),
            Self::ActNotYet => Step::Act(Fate::NotYet),
            Self::Serve(pick) => Step::Serve(pick),
            Self::LinkDown { late } => Step::LinkDown(late),
            Self::LinkUp => Step::LinkUp,
            Self::Tick => Step::Tick,
            Self::Read(count) => Step::Read(count % 8),
            Self::Settle(count) => Step::Settle(count % 8),
            Self::Call(padding) => Step::Send(Ask::Call(padding.into())),
            Self::CallIdLast(padding) => Step::Send(Ask::CallIdLast(padding.into())),
            Self::CloseStdin => Step::CloseStdin,
            Self::Close => Step::CloseSession,
            Self::Exit => Step::Exit,
            Self::Restore => Step::Restore,
        }
    }
}

fn taken_over(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(promises) = input.arbitrary::<Promises>() else { return };
    let mut steps = Vec::new();
    crate::each_op(&mut input, |op: Op| steps.push(op.step()));
    let schedule = Schedule { setup: promises.setup(), steps };
    if let Err(violation) = run(&schedule) {
        panic!("{violation}: {schedule}");
    }
}
