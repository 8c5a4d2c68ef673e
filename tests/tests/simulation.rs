//! Sessions on simulated networks, compared with the truth.

use std::thread;

use farpipe_sim::{Coverage, Schedule, Setup, Step, attempt, check, run, schedule, shrink};

/// A few seconds' worth; `simulate` runs as many as you like.
const SEEDS: u64 = 8_000;

fn run_seeds(seeds: impl Iterator<Item = u64>) -> Coverage {
    let mut covered = Coverage::default();
    for seed in seeds {
        let outcome = check(seed).unwrap_or_else(|failure| panic!("{failure}"));
        covered.add(&outcome.coverage);
    }
    covered
}

#[test]
fn thousands_of_schedules_agree_with_the_truth() {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let covered = thread::scope(|scope| {
        let halves: Vec<_> = (0..threads)
            .map(|first| {
                let seeds = (0..SEEDS).skip(first).step_by(threads);
                scope.spawn(|| run_seeds(seeds))
            })
            .collect();
        let mut covered = Coverage::default();
        for half in halves {
            covered.add(&half.join().unwrap());
        }
        covered
    });
    assert_covers_everything(&covered);
}

/// A check that nothing reaches would pass for ever.
fn assert_covers_everything(covered: &Coverage) {
    let counters = serde_json::to_value(covered).unwrap();
    for (name, count) in counters.as_object().unwrap() {
        if name != "causes" {
            assert!(count.as_u64() > Some(0), "{name} never happens");
        }
    }
    for cause in [
        "closed",
        "requested",
        "close_timed_out",
        "output_held_open",
        "incomplete",
        "failed",
        "session_lost",
        "replay_failed",
        "lost",
        "noise",
        "overflow",
    ] {
        assert!(covered.causes.contains_key(cause), "no run ends with {cause}");
    }
    assert!(!covered.causes.contains_key("violation"), "the executor is honest");
}

#[test]
fn a_seed_is_always_the_same_schedule_and_prints_as_one() {
    for seed in [0, 1, 17, u64::MAX] {
        let schedule = schedule(seed);
        assert_eq!(schedule, farpipe_sim::schedule(seed));
        assert_eq!(schedule.to_string().parse::<Schedule>().unwrap(), schedule);
        assert_eq!(run(&schedule), run(&schedule));
    }
}

#[test]
fn a_failing_schedule_shrinks_to_what_makes_it_fail() {
    let schedule = Schedule { setup: Setup::default(), ..schedule(5) };
    let mut steps = schedule.steps.clone();
    let (crash, forget) = (Step::Crash, Step::Forget);
    steps.retain(|step| *step != crash && *step != forget);
    steps.insert(steps.len() / 3, crash);
    steps.insert(steps.len() / 2, forget);
    let at = |schedule: &Schedule, step| schedule.steps.iter().position(|other| *other == step);
    let small = shrink(
        &Schedule { steps, ..schedule },
        |schedule| matches!((at(schedule, crash), at(schedule, forget)), (Some(first), Some(then)) if first < then),
    );
    assert_eq!(small, Schedule { setup: Setup::default(), steps: vec![crash, forget] });
}

/// What once went wrong, made small.
#[test]
fn what_was_found_stays_fixed() {
    for kept in [
        // Live output from before a link loss was taken for output from behind it.
        r#"{"setup":{"lossless":true,"replay":true,"limits":{"replay_page":23}},"steps":[{"say":{"message":0}},{"write":["stdout",7]},{"link_down":false},"link_up",{"write":["stdout",65535]},{"arrive":0},{"link_down":false},"close"]}"#,
        // Output that came while the link was down was taken for output from behind it.
        r#"{"setup":{"lossless":true,"replay":true,"unannounced":true},"steps":[{"say":{"message":0}},{"say":{"message":19}},{"write":["stdout",113]},"close",{"link_down":true},{"arrive":0}]}"#,
        // A lost number was taken for an exit that had been given up before.
        r#"{"setup":{"replay":true,"retention":[64,4]},"steps":[{"say":{"message":0}},{"say":{"message":0}},"exit","restore",{"write":["stdout",65535]},"link_up",{"say":{"message":34}},{"act":"served"},{"double":0},{"write":["stdout",65535]},"restore"]}"#,
        r#"{"setup":{"replay":true,"retention":[512,32],"limits":{"reorder_bytes":349}},"steps":["exit","lag",{"say":{"message":0}},{"say":{"message":0}},{"say":{"message":394}}]}"#,
    ] {
        let schedule = kept.parse().unwrap();
        attempt(&schedule).unwrap_or_else(|violation| panic!("{violation}: {kept}"));
    }
}
