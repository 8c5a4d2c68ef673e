//! The books at the end: what was seen against what was true.

mod answers;
mod stdin;

use std::ops::RangeInclusive;

use farpipe_core::{Delivery, End, Envelope, Event, Seq, Settled};

use self::answers::Answers;
use super::{Outcome, Run, facts};
use crate::{Violation, model, model::Expected, model::Seen, process::EXIT, violation::ensure};

/// What was in hand comes first, in the same order. Where several reasons apply why a call has no
/// answer, another one may come first, and with it another order of these answers.
pub(super) fn compare_unread(
    old: &[Event<Envelope>],
    new: &[Event<Envelope>],
) -> Result<(), Violation> {
    let strict = matches!(old.last(), Some(Event::End(end)) if end.cause.name() == "noise");
    let of_process = |event: &&Event<Envelope>| !strict || answers::cause(event).is_none();
    let mut rest = new.iter().filter(of_process);
    for event in old.iter().filter(of_process) {
        let next = rest.next();
        let same = next.is_some_and(|next| match (event, next) {
            (Event::End(one), Event::End(other)) => {
                one.cause == other.cause && one.lost == other.lost
            }
            _ => event == next,
        });
        ensure!(same, "a restore turns {event:?} into {next:?}");
    }
    Ok(())
}

/// A rejection may have another reason when another process takes over.
pub(super) fn is_same_outcome(old: &Settled, new: &Settled) -> bool {
    let rejected = |settled: &Settled| matches!(settled.delivery, Delivery::Rejected(_));
    old.id == new.id && (old.delivery == new.delivery || rejected(old) && rejected(new))
}

impl Run {
    pub(super) fn verdict(mut self) -> Result<Outcome, Violation> {
        let expected = self.expected();
        self.compare(&expected)?;
        let end = self.end()?;
        self.check_end(end, &expected)?;
        stdin::check(&self)?;
        let cause = end.cause.name();
        self.coverage.count(self.session.stats(), &self.settled, cause);
        Ok(Outcome { cause, coverage: self.coverage })
    }

    fn lost(&self) -> Vec<RangeInclusive<Seq>> {
        let lost = self.events.iter().filter_map(|event| match event {
            Event::Lost(lost) => Some(lost.missing.clone()),
            _ => None,
        });
        lost.collect()
    }

    fn expected(&self) -> Expected {
        let taken = facts::cursor(&self.session);
        model::read(self.executor.produced(), taken, &self.lost(), &self.settings)
    }

    fn end(&self) -> Result<&End, Violation> {
        match self.events.last() {
            Some(Event::End(end)) => Ok(end),
            other => Err(Violation::new(format!("the last event is {other:?}"))),
        }
    }

    /// Leaving out the answers that were given in the process's place, and the true ones that came
    /// too late, both lists are the same.
    fn compare(&self, expected: &Expected) -> Result<(), Violation> {
        let mut answers = Answers::new(&self.sent, self.settings.limits.late_answers);
        let mut expected = expected.seen.iter().peekable();
        let mut last: Option<&(Seen, Vec<u8>)> = None;
        for (at, event) in self.events.iter().enumerate() {
            if answers::cause(event).is_some() {
                answers.in_place(event, last, &self.events[at + 1..])?;
                continue;
            }
            answers.check_told(last)?;
            let seen = Seen::from(event);
            while expected.next_if(|(next, _)| answers.is_late(next, Some(&seen))).is_some() {}
            let next = expected.next();
            ensure!(
                next.is_some_and(|(next, _)| *next == seen),
                "event {at} is {seen:?} instead of {:?}",
                next.map(|(next, _)| next)
            );
            answers.true_one(&seen)?;
            last = next;
        }
        while expected.next_if(|(next, _)| answers.is_late(next, None)).is_some() {}
        ensure!(expected.peek().is_none(), "not told: {:?}", expected.peek());
        answers.check_all(&self.settled)
    }

    fn check_end(&self, end: &End, expected: &Expected) -> Result<(), Violation> {
        self.check_cause(end)?;
        let lost = self.lost().iter().map(|range| range.end() - range.start() + 1).sum::<u64>();
        // Holes behind the line that ended the session are not read any more.
        let all_told = end.lost == lost || self.setup.ends_on_noise && end.lost > lost;
        ensure!(all_told, "{} events are lost, and {lost} were told", end.lost);
        ensure!(
            end.lost > lost || end.stderr_tail == expected.stderr_tail,
            "the tail of stderr is {:?} instead of {:?}",
            end.stderr_tail,
            String::from_utf8_lossy(&expected.stderr_tail)
        );
        let failed =
            self.events.iter().filter(|event| answers::cause(event).as_deref() == Some("ended"));
        let failed = failed.count();
        ensure!(
            end.pending_failed == failed,
            "{} calls pending, {failed} told",
            end.pending_failed
        );
        ensure!(!end.to_string().is_empty(), "an end without words");
        Ok(())
    }

    fn check_cause(&self, end: &End) -> Result<(), Violation> {
        let (cause, requested) = (end.cause.name(), self.facts.is_requested());
        match cause {
            "closed" => ensure!(!requested, "closed, although it was requested"),
            "requested" => ensure!(requested, "requested, although nobody did"),
            "lost" => ensure!(self.setup.ends_on_loss && end.lost > 0, "{end}"),
            "noise" => ensure!(self.setup.ends_on_noise, "{end}"),
            "overflow" => ensure!(!self.setup.replay, "{end}"),
            _ => ensure!(self.facts.excuses().contains(cause), "nothing excuses {cause}: {end}"),
        }
        if matches!(cause, "closed" | "requested") {
            let (taken, produced) = (facts::cursor(&self.session), self.executor.produced().len());
            ensure!(taken == produced as Seq, "{cause} after {taken} of {produced} events");
            let exit_lost = |seq: Seq| self.lost().iter().any(|range| range.contains(&seq));
            let known = self.setup.replay || !self.executor.exit_seq().is_some_and(exit_lost);
            ensure!(!known || end.exit == Some(EXIT), "the exit is {:?}", end.exit);
        }
        ensure!(end.exit.is_none_or(|exit| exit == EXIT), "the exit is {:?}", end.exit);
        Ok(())
    }
}
