//! The story of a session: what was late, what was fetched again, what was lost, who waited for what
//! and why it ended.

use std::{collections::HashMap, time::Duration};

use farpipe_core::{
    Action, Calls, Envelope, Event, Id, Input, Kind, Seq, Session, Stats, Timestamp,
    recording::{Entry, Step},
};

use super::show::{describe, time, title};
use crate::raw::{Raw, RawMessage};

/// Calls that waited longer than this are worth a sentence.
const SLOW: Duration = Duration::from_secs(1);

/// Collects the story while a recording is played.
#[derive(Debug, Default)]
pub(super) struct Story {
    started: Option<Timestamp>,
    now: Timestamp,
    /// The highest number seen, to tell what came early.
    highest: Seq,
    /// The request, method and time of every call that waits.
    waiting: HashMap<Id, (String, Timestamp)>,
    answered: usize,
    /// The end has been told; what its driver did afterwards is no part of the story.
    ended: bool,
    slowest: Option<(Duration, String)>,
}

impl Story {
    /// What this step adds to the story, if it is worth a sentence.
    pub(super) fn tell(&mut self, step: &Step<RawMessage>) -> Option<String> {
        if self.ended {
            return None;
        }
        let told = match step {
            Step::In { at, entry } => {
                self.pass(*at);
                self.entry(entry)
            }
            Step::Event { event, .. } => self.event(event),
            Step::Action { action, .. } => action_told(action),
            _ => None,
        };
        told.map(|told| format!("{} {told}", time(self.now)))
    }

    fn pass(&mut self, at: Timestamp) {
        self.started.get_or_insert(at);
        self.now = self.now.max(at);
    }

    fn entry(&mut self, entry: &Entry) -> Option<String> {
        match entry {
            Entry::Send { calls, .. } => {
                for call in calls {
                    let waiting = (call.method.to_string(), self.now);
                    self.waiting.insert(call.id.clone(), waiting);
                }
                None
            }
            Entry::Handle { input, .. } => self.input(input),
            Entry::CloseStdin => Some("the client closes stdin".into()),
            Entry::Close { .. } => Some("the client closes the session".into()),
            Entry::Terminate { .. } => Some("the client terminates the process".into()),
            _ => None,
        }
    }

    fn input(&mut self, input: &Input) -> Option<String> {
        match input {
            Input::Output(chunk) => self.gap(chunk.seq),
            Input::Exited { seq, exit } => {
                self.gap(*seq);
                Some(format!("the process ends with {exit} (event {seq})"))
            }
            Input::Closed { seq } => {
                self.gap(*seq);
                Some(format!("its output is complete (event {seq})"))
            }
            Input::Failed { message } => {
                Some(format!("the executor gives the process up: {message}"))
            }
            Input::Lagged { skipped } => {
                Some(format!("the executor dropped {skipped} events on the way"))
            }
            Input::Replayed(page) => {
                let first = page.chunks.first().map_or(page.next, |chunk| chunk.seq);
                let chunks = page.chunks.len();
                Some(format!(
                    "a replay brings {chunks} chunks from event {first}; next is {}",
                    page.next
                ))
            }
            Input::ReplayFailed { message, .. } => Some(format!("a replay fails: {message}")),
            Input::LinkDown { reason } => Some(format!("the link goes down: {reason}")),
            Input::LinkUp { .. } => Some("the link is up".into()),
            Input::SessionLost { reason } => Some(format!("the session is lost: {reason}")),
            Input::Ended => Some("the executor has nothing more to say".into()),
            _ => None,
        }
    }

    /// An event that comes early leaves a gap behind it.
    fn gap(&mut self, seq: Seq) -> Option<String> {
        let expected = self.highest.saturating_add(1);
        self.highest = self.highest.max(seq);
        (seq > expected).then(|| match seq - expected {
            1 => format!("event {seq} comes before event {expected}: a gap"),
            _ => format!("event {seq} comes before events {expected} to {}: a gap", seq - 1),
        })
    }

    fn event(&mut self, event: &Event<RawMessage>) -> Option<String> {
        match event {
            Event::Message(message) => {
                let told: Vec<_> =
                    message.parts().iter().filter_map(|part| self.message(part)).collect();
                (!told.is_empty()).then(|| told.join("; "))
            }
            Event::Stderr(_) | Event::Exited(_) => None,
            Event::End(_) => {
                self.ended = true;
                None
            }
            other => Some(describe(other)),
        }
    }

    fn message(&mut self, message: &Envelope) -> Option<String> {
        let (Kind::Response | Kind::Error) = message.kind() else { return None };
        let (method, since) = self.waiting.remove(message.id()?)?;
        let waited = self.now.saturating_since(since);
        self.answered += 1;
        if self.slowest.as_ref().is_none_or(|(slowest, _)| waited > *slowest) {
            self.slowest = Some((waited, method.clone()));
        }
        let slow = if waited > SLOW { format!(" after {waited:.1?}") } else { String::new() };
        match message.kind() {
            Kind::Error => {
                let error = message.error().unwrap_or_default();
                Some(format!("`{method}` gets an error{slow}: {error}"))
            }
            _ if waited > SLOW => {
                Some(format!("`{method}` is answered{slow} ({})", title(message)))
            }
            _ => None,
        }
    }

    /// The sums, and why it ended.
    pub(super) fn conclude(self, session: &Session<Raw>) -> Vec<String> {
        let mut lines = vec![String::new()];
        lines.push(self.calls_told(session.calls()));
        lines.extend(losses_told(session.stats()));
        lines.push(match session.end() {
            Some(end) => format!("It ended because {end}."),
            None => "The recording stops before the end of the session.".into(),
        });
        lines
    }

    fn calls_told(&self, calls: &Calls) -> String {
        let slowest = self
            .slowest
            .as_ref()
            .map(|(waited, method)| format!(", the slowest was `{method}` with {waited:.1?}"));
        let left = match calls.len() {
            0 => "none was left waiting".into(),
            left => format!("{left} were left waiting"),
        };
        format!("{} calls were answered{}; {left}.", self.answered, slowest.unwrap_or_default())
    }
}

fn action_told(action: &Action) -> Option<String> {
    match action {
        Action::Replay { after, .. } => {
            Some(format!("what follows event {after} is asked for again"))
        }
        Action::Interrupt => Some("the process is asked to stop".into()),
        Action::Terminate => Some("the process is terminated".into()),
        _ => None,
    }
}

/// One sentence for everything that did not go as it should.
fn losses_told(stats: &Stats) -> Option<String> {
    let counts = [
        (stats.reordered, "events came early"),
        (stats.duplicates, "came twice"),
        (stats.shed, "were dropped over a budget and fetched again"),
        (stats.lost, "are lost"),
        (stats.noise, "lines were noise"),
        (stats.malformed, "messages were damaged"),
        (stats.oversized, "lines were too long"),
        (stats.failed_calls, "calls were answered in the server's place"),
        (stats.late_answers, "answers came too late"),
        (stats.repeated_writes, "writes were repeated"),
    ];
    let told: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    (!told.is_empty()).then(|| format!("{}.", told.join(", ")))
}
