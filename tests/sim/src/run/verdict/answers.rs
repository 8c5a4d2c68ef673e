//! Every call is answered exactly once, by the process or in its place.

use std::collections::BTreeMap;

use farpipe_core::{Delivery, Envelope, Event, Kind, Settled};
use serde_json::Value;

use super::super::Sent;
use crate::{Violation, model::Seen, violation::ensure};

/// Who has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
enum By {
    Process,
    Place(String),
}

pub(super) struct Answers<'a> {
    sent: &'a [Sent],
    answered: BTreeMap<String, By>,
    /// How many were answered in the process's place, and how many of them are remembered.
    in_place: usize,
    remembered: usize,
    /// The answers in the process's place since the last other event.
    told: Vec<String>,
    ending: bool,
}

/// Why a call was answered in the process's place; `None` for anything else. The simulated process
/// never writes such an error itself.
pub(super) fn cause(event: &Event<Envelope>) -> Option<String> {
    let Event::Message(message) = event else { return None };
    if message.kind() != Kind::Error {
        return None;
    }
    let error: Value = message.decode_error().ok()?;
    error["data"]["cause"].as_str().map(str::to_owned)
}

impl<'a> Answers<'a> {
    pub(super) fn new(sent: &'a [Sent], remembered: usize) -> Self {
        Self {
            sent,
            answered: BTreeMap::new(),
            in_place: 0,
            remembered,
            told: Vec::new(),
            ending: false,
        }
    }

    /// Takes an answer in the process's place, which must have its reason.
    pub(super) fn in_place(
        &mut self,
        event: &Event<Envelope>,
        last: Option<&(Seen, Vec<u8>)>,
        following: &[Event<Envelope>],
    ) -> Result<(), Violation> {
        let (Some(why), Event::Message(message)) = (cause(event), event) else { return Ok(()) };
        let id = message.id().map(ToString::to_string).unwrap_or_default();
        ensure!(self.is_sent(&id), "{id} is answered and was never asked");
        let next = following.iter().find(|event| cause(event).is_none());
        let line_names_it = |line: &[u8]| names(line, &id);
        let justified = match why.as_str() {
            "lost" => matches!(last, Some((Seen::Lost(_), _))),
            "ended" => matches!(next, Some(Event::End(_))),
            "oversized" => {
                matches!(last, Some((Seen::Oversized { .. }, line)) if line_names_it(line))
            }
            "malformed" => matches!(last, Some((Seen::Bad { .. }, line)) if line_names_it(line)),
            _ => true, // Checked against the sends at the end.
        };
        ensure!(justified, "{id} is answered with {why} between {last:?} and {next:?}");
        ensure!(!self.ending || why == "ended", "{id} is answered with {why} at the end");
        self.ending |= why == "ended";
        self.told.push(id.clone());
        self.in_place += 1;
        self.answer(&id, &By::Place(why))
    }

    /// Behind an answer that could be recognised as one and not be read, its call is answered.
    pub(super) fn check_told(&mut self, last: Option<&(Seen, Vec<u8>)>) -> Result<(), Violation> {
        let told = std::mem::take(&mut self.told);
        let Some((seen, line)) = last else { return Ok(()) };
        let whole = match seen {
            Seen::Oversized { unterminated, .. } => !unterminated,
            Seen::Bad { malformed, unterminated, .. } => *malformed && !unterminated,
            _ => false,
        };
        let Some(call) = self.damaged_answer(line).filter(|_| whole) else { return Ok(()) };
        let known = told.contains(&call) || self.answered.contains_key(&call);
        ensure!(known, "the answer to {call} cannot be read, and the call was not told");
        Ok(())
    }

    /// The call that a line answers, where that is plain to see.
    fn damaged_answer(&self, line: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(line).ok()?;
        let first =
            text.strip_prefix(r#"{"jsonrpc":"2.0","id":"#).and_then(|rest| rest.split(',').next());
        let last = text
            .strip_prefix(r#"{"result":""#)
            .filter(|rest| !rest.contains('{'))
            .and_then(|rest| rest.rsplit_once(r#""id":"#)?.1.strip_suffix('}'));
        let id = first.or(last)?.to_owned();
        (self.is_sent(&id) && !text.contains("method")).then_some(id)
    }

    /// Whether this answers a call that was answered in the process's place before, and is left out:
    /// what was seen instead is something else, or the call is remembered.
    pub(super) fn is_late(&self, next: &Seen, seen: Option<&Seen>) -> bool {
        let id = answered_id(next);
        let in_place = id.and_then(|id| self.answered.get(&id));
        let forgotten = self.in_place > self.remembered && seen == Some(next);
        matches!(in_place, Some(By::Place(_))) && !forgotten
    }

    pub(super) fn true_one(&mut self, seen: &Seen) -> Result<(), Violation> {
        let Some(id) = answered_id(seen) else { return Ok(()) };
        // A call that is no longer remembered.
        if matches!(self.answered.get(&id), Some(By::Place(_))) {
            return Ok(());
        }
        self.answer(&id, &By::Process)
    }

    fn answer(&mut self, id: &str, by: &By) -> Result<(), Violation> {
        let before = self.answered.insert(id.to_owned(), by.clone());
        ensure!(before.is_none(), "{id} is answered by {before:?} and by {by:?}");
        Ok(())
    }

    fn is_sent(&self, id: &str) -> bool {
        self.sent.iter().any(|sent| sent.calls.iter().any(|call| call == id))
    }

    /// At the end no call is open, and those that were not delivered were told so.
    pub(super) fn check_all(&self, settled: &[Settled]) -> Result<(), Violation> {
        for (sent, settled) in self.sent.iter().zip(settled) {
            for call in &sent.calls {
                let by = self.answered.get(call);
                ensure!(by.is_some(), "{call} is never answered");
                let undelivered = match by {
                    Some(By::Place(cause)) if cause == "undelivered" => {
                        matches!(settled.delivery, Delivery::Rejected(_))
                    }
                    Some(By::Place(cause)) if cause == "unknown" => {
                        settled.delivery == Delivery::Unknown
                    }
                    _ => true,
                };
                ensure!(undelivered, "{call} is answered by {by:?}, and the send is {settled:?}");
            }
        }
        Ok(())
    }
}

fn names(line: &[u8], id: &str) -> bool {
    String::from_utf8_lossy(line).contains(&format!("\"id\":{id}"))
}

fn answered_id(seen: &Seen) -> Option<String> {
    let Seen::Message(raw) = seen else { return None };
    let message = Envelope::parse(raw.clone()).ok()?;
    let answers = matches!(message.kind(), Kind::Response | Kind::Error);
    message.id().filter(|_| answers).map(ToString::to_string)
}
