//! What was found.

use std::{fmt, time::Duration};

use serde::Serialize;

const CHECKS: [&str; 6] = ["reachable", "access", "version", "round_trip", "retention", "replay"];

/// The object that `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    executor: String,
    pub(super) ok: bool,
    checks: Vec<Check>,
    pub(super) version: Option<String>,
    pub(super) platform: Option<String>,
    pub(super) round_trip: Option<RoundTrip>,
    pub(super) retention: Option<Retention>,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    message: String,
    advice: Option<&'static str>,
}

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Ok,
    Warn,
    Fail,
    Skipped,
}

/// How far away the server is.
#[derive(Debug, Serialize)]
pub(super) struct RoundTrip {
    pub(super) samples: usize,
    pub(super) min_ms: f64,
    pub(super) median_ms: f64,
}

/// What the server keeps of a process's output.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Retention {
    pub(super) written_bytes: usize,
    pub(super) kept_bytes: usize,
    pub(super) kept_events: usize,
}

impl RoundTrip {
    pub(super) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let ms =
            |time: Option<&Duration>| (time.map_or(0.0, Duration::as_secs_f64) * 1e6).round() / 1e3;
        let (min_ms, median_ms) = (ms(times.first()), ms(times.get(times.len() / 2)));
        Self { samples: times.len(), min_ms, median_ms }
    }
}

impl Report {
    pub(super) fn new(executor: &str) -> Self {
        Self {
            executor: executor.into(),
            ok: true,
            checks: Vec::new(),
            version: None,
            platform: None,
            round_trip: None,
            retention: None,
        }
    }

    pub(super) fn add(
        &mut self,
        name: &'static str,
        status: Status,
        message: String,
        advice: Option<&'static str>,
    ) {
        self.ok &= status != Status::Fail;
        self.checks.push(Check { name, status, message, advice });
    }

    /// Says of the rest that it was not checked.
    pub(super) fn complete(&mut self) {
        for name in CHECKS.into_iter().skip(self.checks.len()) {
            self.add(name, Status::Skipped, "not checked: see above".into(), None);
        }
    }

    pub(super) fn print(&self) {
        for check in &self.checks {
            let Check { name, status, message, advice } = check;
            println!("{status:<8}{:<12}{message}", name.replace('_', " "));
            if let Some(advice) = advice {
                println!("{:<20}-> {advice}", "");
            }
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
            Self::Skipped => "skipped",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_that_of_the_sorted_times() {
        let trip = RoundTrip::of([9, 1, 5].map(Duration::from_millis).to_vec());
        assert_eq!((trip.samples, trip.min_ms, trip.median_ms), (3, 1.0, 5.0));
    }

    #[test]
    fn what_comes_after_a_failure_is_skipped() {
        let mut report = Report::new("ws://h:1");
        report.add("reachable", Status::Fail, "no".into(), None);
        report.complete();
        let status: Vec<_> = report.checks.iter().map(|check| check.status).collect();
        assert_eq!(status[0], Status::Fail);
        assert!(status.len() == 6 && status[1..].iter().all(|status| *status == Status::Skipped));
        assert!(!report.ok);
    }
}
