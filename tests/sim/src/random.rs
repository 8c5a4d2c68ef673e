//! Schedules from seeds.

use farpipe_core::Stream;
use fastrand::Rng;

use crate::{Ask, Fate, Line, Schedule, Setup, Step, Tight};

/// The schedule of a seed: always the same one.
///
/// Seeds are spread over the kinds of executors there are: one that loses nothing while attached and
/// replays, as the exec-server does; one that loses and replays; a local one; one without replay.
pub fn schedule(seed: u64) -> Schedule {
    let rng = &mut Rng::with_seed(seed);
    let setup = setup(rng);
    let steps = 1 << rng.u32(3..9);
    let mood = &mut Mood { down: false, calm: rng.bool() };
    let steps = (0..rng.u32(steps / 2..=steps)).map(|_| mood.step(rng)).collect();
    Schedule { setup, steps }
}

/// What makes the next step likely.
struct Mood {
    /// The link is down; while it is, little else matters.
    down: bool,
    /// Nothing happens that ends the session early.
    calm: bool,
}

impl Mood {
    fn step(&mut self, rng: &mut Rng) -> Step {
        let step = match step(rng) {
            _ if self.down && one_in(rng, 4) => Step::LinkUp,
            end if self.calm && ends(end) => Step::Tick,
            step => step,
        };
        match step {
            Step::LinkUp => self.down = false,
            Step::LinkDown(_) | Step::Restore | Step::Crash => self.down = true,
            _ => {}
        }
        step
    }
}

const fn ends(step: Step) -> bool {
    matches!(
        step,
        Step::Exit
            | Step::Close
            | Step::CloseSession
            | Step::Terminate
            | Step::GiveUp
            | Step::Crash
            | Step::Forget
            | Step::EndFeed
    )
}

fn setup(rng: &mut Rng) -> Setup {
    let setup = Setup {
        unannounced: one_in(rng, 8),
        stubborn: one_in(rng, 16),
        clings: one_in(rng, 16),
        ends_on_loss: one_in(rng, 12),
        ends_on_noise: one_in(rng, 24),
        limits: if one_in(rng, 3) { Tight::default() } else { tight(rng) },
        ..promises(rng)
    };
    let late = (!setup.close_stdin && one_in(rng, 6)).then(|| rng.u8(0..5));
    Setup { written_before: late, ..setup }
}

fn promises(rng: &mut Rng) -> Setup {
    let retention = one_in(rng, 2).then(|| (1 << rng.u16(6..14), 1 << rng.u16(2..8)));
    let far = Setup {
        replay: true,
        write_deduplication: true,
        interrupt: rng.bool(),
        retention,
        ..Setup::default()
    };
    match rng.u8(0..10) {
        0..3 => Setup { lossless: true, ..far },
        3..7 => far,
        7 => Setup { lossless: true, close_stdin: true, interrupt: true, ..Setup::default() },
        8 => Setup { write_deduplication: rng.bool(), ..Setup::default() },
        _ => Setup { write_deduplication: false, close_stdin: rng.bool(), ..far },
    }
}

fn tight(rng: &mut Rng) -> Tight {
    let mut some = |from: u16, to: u16| one_in(rng, 3).then(|| rng.u16(from..to));
    Tight {
        max_line: some(60, 300),
        stderr_line: some(1, 40),
        stderr_tail: some(0, 60),
        reorder_events: some(1, 12),
        reorder_bytes: some(100, 2000),
        inbox_bytes: some(1, 1500),
        replay_page: some(1, 400),
        replay_grace_events: some(0, 6),
        replay_retries: some(0, 3),
        max_write: some(1, 200),
        outbox_messages: some(1, 6),
        pending_calls: some(1, 6),
        late_answers: some(0, 3),
    }
}

fn one_in(rng: &mut Rng, n: u32) -> bool {
    rng.u32(0..n) == 0
}

fn step(rng: &mut Rng) -> Step {
    match rng.u32(0..1000) {
        0..110 => Step::Say(line(rng)),
        110..140 => Step::Warn(rng.u8(0..50)),
        140..290 | 900..940 => Step::Write(stream(rng), bytes(rng)),
        290..455 => Step::Arrive(pick(rng)),
        455..470 => Step::Answer,
        470..495 => Step::Double(pick(rng)),
        495..520 => Step::Lose(pick(rng)),
        520..650 => Step::Act(fate(rng)),
        650..680 => Step::Serve(pick(rng)),
        680..760 => Step::Read(rng.u8(1..6)),
        760..780 => Step::Settle(rng.u8(1..4)),
        780..840 => Step::Send(ask(rng)),
        840..870 => Step::Wait(1 << rng.u32(0..15)),
        870..900 => Step::Tick,
        _ => rare(rng),
    }
}

fn rare(rng: &mut Rng) -> Step {
    match rng.u32(0..100) {
        0..20 => Step::LinkDown(rng.bool()),
        20..35 => Step::LinkUp,
        35..55 => Step::Restore,
        55..70 => Step::Lag,
        70..82 => Step::Evict(rng.u8(0..8)),
        82..86 => Step::Exit,
        86..89 => Step::Close,
        89..91 => Step::CloseStdin,
        91..94 => Step::CloseSession,
        94 => Step::Terminate,
        95 => Step::GiveUp,
        96 => Step::Crash,
        97 => Step::Forget,
        98 => Step::EndFeed,
        _ => Step::Write(Stream::Stdout, u16::MAX),
    }
}

fn stream(rng: &mut Rng) -> Stream {
    if one_in(rng, 4) { Stream::Stderr } else { Stream::Stdout }
}

/// Mostly about a line.
fn bytes(rng: &mut Rng) -> u16 {
    match rng.u8(0..4) {
        0 => rng.u16(1..8),
        1 => u16::MAX,
        _ => rng.u16(8..200),
    }
}

/// Mostly the oldest.
fn pick(rng: &mut Rng) -> u8 {
    if rng.bool() { 0 } else { rng.u8(0..8) }
}

fn line(rng: &mut Rng) -> Line {
    match rng.u8(0..20) {
        0..9 => Line::Message(rng.u16(0..40)),
        9 => Line::Message(rng.u16(100..500)),
        10 => Line::WithCr,
        11 => Line::WithMark,
        12 => Line::Batch(rng.u8(0..4)),
        13 => Line::Noise(rng.u8(0..60)),
        14 => Line::Prompt(rng.u8(0..10)),
        15 => Line::Damaged(rng.u8(0..60)),
        16 => Line::NotText(rng.u8(0..9)),
        17 => Line::Blank,
        18 => Line::Unended,
        _ => Line::Message(0),
    }
}

fn ask(rng: &mut Rng) -> Ask {
    match rng.u8(0..12) {
        0 => Ask::Nothing,
        1..5 => Ask::Call(rng.u16(0..80)),
        5 => Ask::Call(rng.u16(200..600)),
        6 => Ask::CallIdLast(rng.u16(0..600)),
        7 => Ask::CallDamaged,
        8 => Ask::CallForgotten,
        9 => Ask::Batch,
        _ => Ask::LongCall(rng.u16(0..600)),
    }
}

fn fate(rng: &mut Rng) -> Fate {
    match rng.u8(0..24) {
        0..14 => Fate::Served,
        14..18 => Fate::Slow,
        18..20 => Fate::Lost,
        20..22 => Fate::NotYet,
        22 => {
            if one_in(rng, 4) {
                Fate::Refused
            } else {
                Fate::Served
            }
        }
        _ => Fate::Short,
    }
}
