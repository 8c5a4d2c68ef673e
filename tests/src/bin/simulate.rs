//! Runs simulated schedules on all cores and tells what is wrong with any of them.

use std::{
    io::Write as _,
    panic,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Parser;
use farpipe_sim::{Coverage, Failure, check};
use serde::Serialize;

/// How many failures are made small and told; each takes a while.
const MOST_FAILURES: usize = 20;
/// How many schedules a thread takes at once.
const BLOCK: u64 = 256;

/// Runs simulated schedules and compares each with the truth.
///
/// Exits with 1 if one of them goes wrong. The seeds are numbered from --seed on, so a single one is
/// run again with `--seed N --schedules 1`.
#[derive(Debug, Parser)]
#[command(name = "simulate")]
struct Arguments {
    /// How many schedules to run.
    #[arg(long, default_value_t = 100_000, value_name = "N")]
    schedules: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0, value_name = "S")]
    seed: u64,
    /// How many threads; all cores if it is left out.
    #[arg(long, value_name = "T")]
    threads: Option<usize>,
    /// Print one JSON object on stdout, and nothing else.
    #[arg(long)]
    json: bool,
}

/// The shape of the JSON is stable: fields may be added, none changes its meaning.
#[derive(Debug, Serialize)]
struct Report {
    /// Schedules that were run.
    schedules: u64,
    /// The first seed.
    seed: u64,
    seconds: f64,
    schedules_per_second: f64,
    /// The smallest schedule for each seed that failed, at most 20.
    violations: Vec<Failure>,
    /// How often what happened, over all schedules that went well.
    covered: Coverage,
}

#[derive(Default)]
struct Shared {
    taken: AtomicU64,
    done: AtomicU64,
    found: Mutex<(Coverage, Vec<Failure>)>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A panic is told as a violation, with its text; while it is made small there are thousands.
    panic::set_hook(Box::new(|_| {}));
    let report = simulate(&arguments);
    let printed = if arguments.json { print_json(&report) } else { print_text(&report) };
    match printed {
        Ok(()) if report.violations.is_empty() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn simulate(arguments: &Arguments) -> Report {
    let (shared, started) = (Shared::default(), Instant::now());
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..arguments.threads.unwrap_or_else(cores) {
            scope.spawn(|| work(arguments, &shared));
        }
        if !arguments.json {
            show_progress(arguments, &shared, started);
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    let schedules = shared.done.into_inner();
    let (covered, mut violations) = shared.found.into_inner().unwrap_or_default();
    violations.sort_by_key(|failure| failure.seed);
    #[allow(clippy::cast_precision_loss)] // For people.
    let schedules_per_second = schedules as f64 / seconds;
    Report { schedules, seed: arguments.seed, seconds, schedules_per_second, violations, covered }
}

fn work(arguments: &Arguments, shared: &Shared) {
    loop {
        let first = shared.taken.fetch_add(BLOCK, Ordering::Relaxed);
        if first >= arguments.schedules {
            return;
        }
        let block = first..(first + BLOCK).min(arguments.schedules);
        let mut covered = Coverage::default();
        for number in block.clone() {
            match check(arguments.seed.wrapping_add(number)) {
                Ok(outcome) => covered.add(&outcome.coverage),
                Err(failure) => found(shared, *failure),
            }
        }
        if let Ok(mut found) = shared.found.lock() {
            found.0.add(&covered);
        }
        shared.done.fetch_add(block.end - block.start, Ordering::Relaxed);
    }
}

fn found(shared: &Shared, failure: Failure) {
    let Ok(mut found) = shared.found.lock() else { return };
    found.1.push(failure);
    if found.1.len() >= MOST_FAILURES {
        // No further block is begun.
        shared.taken.store(u64::MAX / 2, Ordering::Relaxed);
    }
}

fn show_progress(arguments: &Arguments, shared: &Shared, started: Instant) {
    while shared.taken.load(Ordering::Relaxed) < arguments.schedules {
        thread::sleep(Duration::from_millis(200));
        let (done, seconds) = (shared.done.load(Ordering::Relaxed), started.elapsed().as_secs());
        eprint!("\r{done} of {} schedules, {seconds} s ", arguments.schedules);
    }
    eprintln!();
}

fn print_json(report: &Report) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, report)?;
    writeln!(out)
}

fn print_text(report: &Report) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for failure in &report.violations {
        writeln!(out, "{failure}\n")?;
    }
    let covered = serde_json::to_string_pretty(&report.covered)?;
    writeln!(
        out,
        "{} schedules from seed {} in {:.1} s, {:.0} a second, {} violations\ncovered: {covered}",
        report.schedules,
        report.seed,
        report.seconds,
        report.schedules_per_second,
        report.violations.len()
    )
}
