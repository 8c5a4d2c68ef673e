//! All subjects of a work side by side.

use std::time::{Duration, Instant};

use crate::{
    clock::Took,
    row::Row,
    work::{Clock, Scale, Work},
};

/// Lets the subjects take turns, so that whatever else the machine does hits all of them alike, and
/// takes the best turn of each.
pub fn race(work: &Work, scale: Scale) -> Vec<Row> {
    let (rounds, budget) = match scale {
        Scale::Smoke => (1, Duration::ZERO),
        Scale::Quick => (5, Duration::from_millis(700)),
        Scale::Full => (9, Duration::from_secs(6)),
    };
    let began = Instant::now();
    let mut best = vec![None; work.subjects.len()];
    for round in 0.. {
        if round >= rounds && began.elapsed() >= budget || round >= 20 * rounds {
            break;
        }
        for (subject, best) in work.subjects.iter().zip(&mut best) {
            let took = Took::of(|| subject.run(work));
            *best = Some(best.map_or(took, |best: Took| best.min(took)));
        }
    }
    let best: Vec<Took> = best.into_iter().flatten().collect();
    match work.clock {
        Clock::Thread => rows(work, &work.name, &best, |took| took.thread),
        Clock::Wall => {
            let cpu = format!("{} (CPU)", work.name);
            let mut rows_of_both = rows(work, &work.name, &best, |took| took.wall);
            rows_of_both.extend(rows(work, &cpu, &best, |took| took.process));
            rows_of_both
        }
    }
}

fn rows(work: &Work, name: &str, best: &[Took], time: fn(&Took) -> Duration) -> Vec<Row> {
    let seconds = |at: usize| time(&best[at]).as_secs_f64();
    let mut rows = Vec::new();
    for (at, subject) in work.subjects.iter().enumerate() {
        let row = Row::timed(name, subject.name, work.bytes, work.messages, seconds(at));
        let peers = work.peers.iter().filter(|peer| subject.is_own() && **peer != subject.name);
        let before = rows.len();
        for &peer in peers {
            let of_peer = work.subjects.iter().position(|other| other.name == peer);
            let ratio = of_peer.map(|of_peer| seconds(of_peer) / seconds(at));
            rows.push(row.clone().beside(peer, ratio));
        }
        if rows.len() == before {
            rows.push(row);
        }
    }
    rows
}
