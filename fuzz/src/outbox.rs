//! A process's stdin, written through an executor that loses answers and links.

use std::{collections::BTreeMap, time::Duration};

use arbitrary::{Arbitrary, Unstructured};
use bytes::Bytes;
use farpipe_core::{
    Action, Capabilities, Delivery, Input, Limits, SendId, Settled, WriteId, WriteOutcome,
};

use crate::{each_op, watched::Watched};

/// The process reads exactly the accepted messages, in order, once; a rejected one never; one with
/// an unknown fate once or not at all; and nothing is read as the rest of half a message.
pub fn outbox(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(setup) = input.arbitrary::<Setup>() else { return };
    let Some(mut run) = Run::new(&setup) else { return };
    each_op(&mut input, |op| run.apply(&op));
    run.finish();
}

#[derive(Arbitrary, Debug)]
struct Setup {
    deduplicates: bool,
    max_write: u8,
    outbox_messages: u8,
    outbox_bytes: u16,
}

#[derive(Arbitrary, Debug)]
enum Op {
    /// Of this length, about.
    Send(u8),
    /// The executor carries the write out and answers, sooner or later.
    Write {
        outcome: Outcome,
    },
    /// The oldest answer arrives, or is lost.
    Answer {
        lost: bool,
    },
    LinkDown,
    LinkUp,
    Tick,
    Wait {
        millis: u16,
    },
    CloseStdin,
    Close,
    PollSettled(u8),
}

#[derive(Arbitrary, Debug)]
enum Outcome {
    Accepted,
    /// The request is lost on the way there.
    Nothing,
    Starting,
    StdinClosed,
    Failed,
}

struct Run {
    watched: Watched,
    deduplicates: bool,
    messages: u32,
    linked: bool,
    /// What became of each write; one that comes again has the same fate.
    fates: BTreeMap<WriteId, WriteOutcome>,
    answers: Vec<(WriteId, WriteOutcome)>,
    stdin: Vec<u8>,
    sent: Vec<(SendId, Bytes)>,
    settled: BTreeMap<SendId, Delivery>,
}

impl Run {
    fn new(setup: &Setup) -> Option<Self> {
        let limits = Limits {
            max_write: usize::from(setup.max_write),
            max_message: 300,
            outbox_bytes: 301 + usize::from(setup.outbox_bytes),
            outbox_messages: usize::from(setup.outbox_messages),
            ..Limits::default()
        };
        let capabilities =
            Capabilities { write_deduplication: setup.deduplicates, ..Capabilities::local() };
        Some(Self {
            watched: Watched::new(capabilities, limits)?,
            deduplicates: setup.deduplicates,
            messages: 0,
            linked: true,
            fates: BTreeMap::new(),
            answers: Vec::new(),
            stdin: Vec::new(),
            sent: Vec::new(),
            settled: BTreeMap::new(),
        })
    }

    fn apply(&mut self, op: &Op) {
        match op {
            Op::Send(len) => self.send(usize::from(*len)),
            Op::Write { outcome } => self.write(outcome),
            Op::Answer { lost } => self.answer(*lost),
            Op::LinkDown => self.link_down(),
            Op::LinkUp => {
                self.linked = true;
                self.watched.handle(Input::LinkUp { identity: "executor".into() });
            }
            Op::Tick => drop(self.watched.tick()),
            Op::Wait { millis } => self.watched.wait(Duration::from_millis((*millis).into())),
            Op::CloseStdin => self.watched.close_stdin(),
            Op::Close => self.watched.close(),
            Op::PollSettled(count) => (0..*count).for_each(|_| self.settle()),
        }
    }

    fn send(&mut self, len: usize) {
        let message = Bytes::from(format!("{}{}", self.messages, ".".repeat(len)));
        self.messages += 1;
        if let Ok(id) = self.watched.send(&message) {
            self.sent.push((id, message));
        }
    }

    fn write(&mut self, outcome: &Outcome) {
        let Some(Action::Write { id, data }) = self.watched.poll_action() else { return };
        assert!(self.linked, "a write while the link is down");
        let known = self.fates.get(&id);
        assert!(self.deduplicates || known.is_none(), "{id:?} is written twice");
        let outcome = match (known, outcome) {
            (_, Outcome::Nothing) => return,
            (Some(known), _) => known.clone(),
            (None, Outcome::Accepted) => WriteOutcome::Accepted,
            (None, Outcome::Starting) => return self.answers.push((id, WriteOutcome::Starting)),
            (None, Outcome::StdinClosed) => WriteOutcome::StdinClosed,
            (None, Outcome::Failed) => WriteOutcome::Failed("why".to_owned()),
        };
        let first = self.fates.insert(id, outcome.clone()).is_none();
        if first && outcome == WriteOutcome::Accepted {
            self.stdin.extend_from_slice(&data);
        }
        self.answers.push((id, outcome));
    }

    fn answer(&mut self, lost: bool) {
        if self.answers.is_empty() {
            return;
        }
        let (id, outcome) = self.answers.remove(0);
        if !lost {
            self.watched.handle(Input::Written { id, outcome });
        }
    }

    fn link_down(&mut self) {
        self.linked = false;
        self.answers.clear();
        self.watched.handle(Input::LinkDown { reason: "why".to_owned() });
    }

    fn settle(&mut self) {
        if let Some(Settled { id, delivery }) = self.watched.poll_settled() {
            assert!(self.settled.insert(id, delivery).is_none());
        }
    }

    fn finish(mut self) {
        self.watched.handle(Input::Ended);
        while self.watched.poll_event().is_some() {}
        assert!(self.watched.end().is_some());
        (0..self.sent.len()).for_each(|_| self.settle());
        self.check_stdin();
        self.watched.finish();
    }

    fn check_stdin(&self) {
        let mut rest = &self.stdin[..];
        let mut read = None;
        for (id, message) in &self.sent {
            let delivery = self.settled.get(id).unwrap_or_else(|| panic!("{id:?} never settles"));
            let line = [message, &b"\n"[..]].concat();
            let arrived = rest.strip_prefix(&line[..]);
            match delivery {
                Delivery::Accepted => rest = arrived.expect("an accepted message arrives"),
                Delivery::Rejected(_) => assert!(arrived.is_none(), "{id:?} was rejected"),
                _ => rest = arrived.unwrap_or(rest),
            }
            if arrived.is_none() && !rest.is_empty() && line.starts_with(rest) {
                read = Some(rest.len());
            }
        }
        assert!(rest.is_empty() || read == Some(rest.len()), "nothing follows half a message");
    }
}
