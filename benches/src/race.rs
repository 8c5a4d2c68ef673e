//! All subjects of a work side by side.

use std::time::{Duration, Instant};

use crate::{
    clock::Took,
    row::Row,
    work::{Clock, Scale, Work},
};

/// Lets the subjects take turns, so that whatever else the machine does hits all of them alike.
///
/// Of the time that is computed the best turn counts: everything that comes on top of it is a
/// disturbance. Of the time that passes it is the median: who waits for whom differs from turn to
/// turn, and is part of what is measured.
pub fn race(work: &Work, scale: Scale) -> Vec<Row> {
    let turns = turns(work, scale);
    let times = |of: fn(&Took) -> Duration| -> Vec<Vec<f64>> {
        turns.iter().map(|turns| sorted(turns.iter().map(of))).collect()
    };
    let best = |times: &[Vec<f64>]| times.iter().map(|times| times[0]).collect::<Vec<_>>();
    let median = |times: &[Vec<f64>]| times.iter().map(|times| times[times.len() / 2]).collect();
    match work.clock {
        Clock::Thread => rows(work, &work.name, &best(&times(|took| took.thread))),
        Clock::Wall => {
            let passed: Vec<f64> = median(&times(|took| took.wall));
            let mut rows_of_both = rows(work, &work.name, &passed);
            let computed = best(&times(|took| took.process));
            rows_of_both.extend(rows(work, &format!("{} (CPU)", work.name), &computed));
            rows_of_both
        }
    }
}

/// What each turn of each subject took.
fn turns(work: &Work, scale: Scale) -> Vec<Vec<Took>> {
    let (least, budget) = match scale {
        Scale::Smoke => (1, Duration::ZERO),
        Scale::Quick => (5, Duration::from_millis(700)),
        Scale::Full if work.clock == Clock::Wall => (21, Duration::from_secs(12)),
        Scale::Full => (9, Duration::from_secs(6)),
    };
    let began = Instant::now();
    let mut turns = vec![Vec::new(); work.subjects.len()];
    for round in 0.. {
        if round >= least && began.elapsed() >= budget || round >= 20 * least {
            break;
        }
        for (subject, turns) in work.subjects.iter().zip(&mut turns) {
            turns.push(Took::of(|| subject.run(work)));
        }
    }
    turns
}

/// In seconds.
fn sorted(times: impl Iterator<Item = Duration>) -> Vec<f64> {
    let mut times: Vec<f64> = times.map(|time| time.as_secs_f64()).collect();
    times.sort_unstable_by(f64::total_cmp);
    times
}

fn rows(work: &Work, name: &str, seconds: &[f64]) -> Vec<Row> {
    let mut rows = Vec::new();
    for (at, subject) in work.subjects.iter().enumerate() {
        let row = Row::timed(name, subject.name, work.bytes, work.messages, seconds[at]);
        let peers = work.peers.iter().filter(|peer| subject.is_own() && **peer != subject.name);
        let before = rows.len();
        for &peer in peers {
            let of_peer = work.subjects.iter().position(|other| other.name == peer);
            let ratio = of_peer.map(|of_peer| seconds[of_peer] / seconds[at]);
            rows.push(row.clone().beside(peer, ratio));
        }
        if rows.len() == before {
            rows.push(row);
        }
    }
    rows
}
