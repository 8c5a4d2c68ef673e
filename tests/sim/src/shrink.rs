//! From a schedule that fails to a small one that fails.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Outcome, Schedule, Setup, Step, Tight, Violation, run};

/// How many runs a shrink may take.
const MOST_RUNS: usize = 5000;

/// Like [`run()`], but a panic is a violation, too.
///
/// # Errors
///
/// Tells the first thing that must not be.
pub fn attempt(schedule: &Schedule) -> Result<Outcome, Violation> {
    catch_unwind(AssertUnwindSafe(|| run(schedule))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?");
        Err(Violation::new(format!("a panic: {text}")))
    })
}

/// The smallest schedule that can be found, by leaving out and simplifying, for which `fails` still
/// holds. `schedule` itself if it does not.
///
/// Steps are left out in ever smaller pieces, until no single one can be left out; then the setup
/// and the numbers in the steps are made simpler.
pub fn shrink(schedule: &Schedule, mut fails: impl FnMut(&Schedule) -> bool) -> Schedule {
    let mut runs = 0;
    let mut fails = |candidate: &Schedule| {
        runs += 1;
        runs <= MOST_RUNS && fails(candidate)
    };
    let mut smallest = schedule.clone();
    loop {
        let before = smallest.clone();
        leave_out(&mut smallest, &mut fails);
        simplify_setup(&mut smallest, &mut fails);
        simplify_steps(&mut smallest, &mut fails);
        if smallest == before {
            return smallest;
        }
    }
}

fn leave_out(smallest: &mut Schedule, fails: &mut impl FnMut(&Schedule) -> bool) {
    let mut piece = smallest.steps.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < smallest.steps.len() {
            let mut candidate = smallest.clone();
            candidate.steps.drain(at..(at + piece).min(candidate.steps.len()));
            if fails(&candidate) {
                *smallest = candidate;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
}

fn simplify_setup(smallest: &mut Schedule, fails: &mut impl FnMut(&Schedule) -> bool) {
    let of_setup: [fn(&mut Setup); 12] = [
        |setup| setup.unannounced = false,
        |setup| setup.limits = Tight::default(),
        |setup| setup.lossless = false,
        |setup| setup.replay = false,
        |setup| setup.close_stdin = false,
        |setup| setup.interrupt = false,
        |setup| setup.write_deduplication = false,
        |setup| setup.retention = None,
        |setup| setup.written_before = None,
        |setup| (setup.stubborn, setup.clings) = (false, false),
        |setup| setup.ends_on_loss = false,
        |setup| setup.ends_on_noise = false,
    ];
    let of_limits: [fn(&mut Tight); 13] = [
        |limits| limits.max_line = None,
        |limits| limits.stderr_line = None,
        |limits| limits.stderr_tail = None,
        |limits| limits.reorder_events = None,
        |limits| limits.reorder_bytes = None,
        |limits| limits.inbox_bytes = None,
        |limits| limits.replay_page = None,
        |limits| limits.replay_grace_events = None,
        |limits| limits.replay_retries = None,
        |limits| limits.max_write = None,
        |limits| limits.outbox_messages = None,
        |limits| limits.pending_calls = None,
        |limits| limits.late_answers = None,
    ];
    for change in of_setup {
        keep_if(smallest, |schedule| change(&mut schedule.setup), fails);
    }
    for change in of_limits {
        keep_if(smallest, |schedule| change(&mut schedule.setup.limits), fails);
    }
}

fn simplify_steps(smallest: &mut Schedule, fails: &mut impl FnMut(&Schedule) -> bool) {
    for at in 0..smallest.steps.len() {
        let simpler = simpler(smallest.steps[at]);
        keep_if(smallest, |schedule| schedule.steps[at] = simpler, fails);
    }
}

fn simpler(step: Step) -> Step {
    use crate::{Ask, Fate, Line};
    match step {
        Step::Arrive(_) => Step::Arrive(0),
        Step::Double(_) => Step::Double(0),
        Step::Lose(_) => Step::Lose(0),
        Step::Serve(_) => Step::Serve(0),
        Step::Write(stream, _) => Step::Write(stream, u16::MAX),
        Step::Say(_) => Step::Say(Line::Message(0)),
        Step::Send(_) => Step::Send(Ask::Call(0)),
        Step::Act(_) => Step::Act(Fate::Served),
        Step::Read(_) => Step::Read(1),
        Step::Wait(_) => Step::Tick,
        Step::Warn(_) => Step::Warn(1),
        Step::LinkDown(_) => Step::LinkDown(false),
        other => other,
    }
}

fn keep_if(
    smallest: &mut Schedule,
    change: impl Fn(&mut Schedule),
    fails: &mut impl FnMut(&Schedule) -> bool,
) {
    let mut candidate = smallest.clone();
    change(&mut candidate);
    if candidate != *smallest && fails(&candidate) {
        *smallest = candidate;
    }
}
