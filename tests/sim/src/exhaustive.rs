//! Every order of a few events, with every loss, every repetition and every replay.

use farpipe_core::Stream;

use crate::{Fate, Line, Schedule, Setup, Step, Tight};

/// How far the cases go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// How many events there are: some output, the exit and the close. At least 3, at most 8.
    pub events: u8,
    /// How many arrivals may be repetitions.
    pub repeated: u8,
}

/// What becomes of the replays that the session asks for.
#[derive(Clone, Copy, Debug)]
enum Replay {
    /// Answered after so many further arrivals, with what is known at that moment.
    After(u8),
    /// The same, but only one chunk a page.
    ShortAfter(u8),
    /// Fails at first.
    Fails,
    /// There is none.
    Never,
}

const REPLAYS: [Replay; 7] = [
    Replay::After(0),
    Replay::After(1),
    Replay::After(3),
    Replay::ShortAfter(0),
    Replay::ShortAfter(2),
    Replay::Fails,
    Replay::Never,
];

/// Calls `visit` with every case: each order in which some of the events arrive, and some of them
/// again, while the others are lost; each with every kind of replay and of eviction.
///
/// The output is cut in the middle of its lines, so that every hole breaks something.
///
/// ```
/// use farpipe_sim::exhaustive::{Depth, each_case};
///
/// let mut cases = 0;
/// each_case(Depth { events: 3, repeated: 0 }, |schedule| {
///     farpipe_sim::run(schedule).unwrap();
///     cases += 1;
/// });
/// assert_eq!(cases, 16 * 19); // orders of at most 3 events, replays and evictions
/// ```
pub fn each_case(depth: Depth, mut visit: impl FnMut(&Schedule)) {
    let mut word = Vec::new();
    each_word(depth, &mut word, depth.repeated, &mut |word| {
        for replay in REPLAYS {
            let evictions: &[u8] = if matches!(replay, Replay::Never) { &[0] } else { &[0, 1, 2] };
            for &evicted in evictions {
                visit(&case(depth, word, replay, evicted));
            }
        }
    });
}

/// Every sequence of events in which each comes at most once, but for `repetitions`.
fn each_word(depth: Depth, word: &mut Vec<u8>, repetitions: u8, visit: &mut impl FnMut(&[u8])) {
    visit(word);
    for event in 0..depth.events {
        let again = word.contains(&event);
        if again && repetitions == 0 {
            continue;
        }
        word.push(event);
        each_word(depth, word, repetitions - u8::from(again), visit);
        word.pop();
    }
}

fn case(depth: Depth, word: &[u8], replay: Replay, evicted: u8) -> Schedule {
    let setup = Setup {
        replay: !matches!(replay, Replay::Never),
        limits: Tight { replay_grace_events: Some(0), ..Tight::default() },
        ..Setup::default()
    };
    let mut steps = outputs(depth.events.saturating_sub(2));
    steps.extend([Step::Exit, Step::Close]);
    arrivals(depth, word, replay, evicted, &mut steps);
    Schedule { setup, steps }
}

/// Two lines of stdout, and one of stderr if there is room for it, cut into so many chunks.
fn outputs(count: u8) -> Vec<Step> {
    let stream = |output| if output % 3 == 1 { Stream::Stderr } else { Stream::Stdout };
    let mut steps = vec![Step::Say(Line::Message(0)), Step::Say(Line::Message(0))];
    if count > 1 {
        steps.push(Step::Warn(9));
    }
    for output in 0..count {
        let is_last = (output + 1..count).all(|later| stream(later) != stream(output));
        steps.push(Step::Write(stream(output), if is_last { u16::MAX } else { 40 }));
    }
    steps
}

/// All events are on their way. The index of each changes as others arrive.
fn arrivals(depth: Depth, word: &[u8], replay: Replay, evicted: u8, steps: &mut Vec<Step>) {
    if evicted > 0 {
        steps.push(Step::Evict(depth.events - evicted));
    }
    let mut way: Vec<u8> = (0..depth.events).collect();
    let mut asked_at = None;
    for (at, event) in word.iter().enumerate() {
        let Some(index) = way.iter().position(|on_its_way| on_its_way == event) else { continue };
        let pick = u8::try_from(index).unwrap_or(u8::MAX);
        if word[at + 1..].contains(event) {
            steps.push(Step::Double(pick));
        } else {
            steps.push(Step::Arrive(pick));
            way.remove(index);
        }
        replayed(replay, at, &mut asked_at, steps);
    }
    steps.extend(way.iter().map(|_| Step::Lose(0)));
}

/// The session may ask after each arrival; requests are carried out in time.
fn replayed(replay: Replay, at: usize, asked_at: &mut Option<usize>, steps: &mut Vec<Step>) {
    let (delay, fate) = match replay {
        Replay::After(delay) => (delay, Fate::Slow),
        Replay::ShortAfter(delay) => (delay, Fate::Short),
        Replay::Fails => (0, Fate::NotYet),
        Replay::Never => return,
    };
    let since = *asked_at.get_or_insert(at);
    steps.push(Step::Act(fate));
    if at - since >= usize::from(delay) {
        steps.extend([Step::Serve(0), Step::Answer]);
        *asked_at = None;
    }
}
