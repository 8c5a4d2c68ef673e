//! A restore at any point of any schedule changes nothing that follows.

mod script;

use alloc::{collections::VecDeque, format, string::String, vec::Vec};
use core::time::Duration;
use std::collections::BTreeSet;

use proptest::prelude::*;

use self::script::{CALLS, FOREVER, Fate, Happens, Script, Step, scripts};
use crate::{
    Action, Capabilities, Checkpoint, Chunk, Exit, Input, JsonRpc, Page, ReplayId, Seq, Session,
    Timestamp, WriteId, WriteOutcome,
};

const LOSSY: Capabilities = Capabilities { lossless: false, ..super::FAR };

struct World<'a> {
    script: &'a Script,
    session: Session<JsonRpc>,
    restores: bool,
    now: Timestamp,
    happened: usize,
    on_its_way: VecDeque<Input>,
    stdin: Vec<u8>,
    applied: BTreeSet<WriteId>,
    sends: usize,
    sent: Vec<u8>,
    events: Vec<String>,
    settled: Vec<String>,
}

/// What an application and a process see of a run.
type Outcome = (Vec<String>, Vec<String>, String);

impl<'a> World<'a> {
    fn new(script: &'a Script, restores: bool) -> Self {
        let session = Session::new(JsonRpc, LOSSY, script.limits.clone()).unwrap();
        Self {
            script,
            session,
            restores,
            now: Timestamp::ORIGIN,
            happened: 0,
            on_its_way: VecDeque::new(),
            stdin: Vec::new(),
            applied: BTreeSet::new(),
            sends: 0,
            sent: Vec::new(),
            events: Vec::new(),
            settled: Vec::new(),
        }
    }

    fn run(mut self) -> Outcome {
        self.session.handle(self.now, link_up());
        (0..CALLS).for_each(|_| self.send());
        // The calls that a loss fails are those that were sent before, so the order must be fixed.
        let sends = self.script.holes.is_empty();
        for step in &self.script.steps {
            match *step {
                Step::Happen(_) if self.remaining() <= self.kept_for_the_end() => {}
                Step::Happen(fate) => self.happen(fate),
                Step::Arrive { newest } => self.arrive(newest),
                Step::Act(fate) => drop(self.act(fate)),
                Step::Read(count) => drop((0..count).try_for_each(|_| self.read())),
                Step::Send if sends => self.send(),
                Step::Restore if self.restores => self.restore(),
                Step::Settle => self.settle(),
                Step::Wait => self.wait(Duration::from_millis(100)),
                Step::Send | Step::Restore => {}
            }
        }
        self.finish();
        assert_eq!(self.stdin, self.sent, "stdin is exact");
        (self.events, self.settled, String::from_utf8(self.stdin).unwrap())
    }

    /// The close rejects what is not written, and an exit beside a hole cannot be placed: both come
    /// when all else is settled.
    fn kept_for_the_end(&self) -> usize {
        if self.script.holes.is_empty() { 1 } else { 2 }
    }

    fn remaining(&self) -> usize {
        self.script.process.len() - self.happened
    }

    fn finish(&mut self) {
        while self.remaining() > self.kept_for_the_end() {
            self.happen(Fate::AtOnce);
        }
        self.come_to_rest();
        while self.remaining() > 0 {
            self.happen(Fate::AtOnce);
        }
        self.come_to_rest();
        assert!(self.session.is_ended(), "the session ends: {:?}", self.session);
    }

    fn come_to_rest(&mut self) {
        self.handle(Input::Lagged { skipped: 1 });
        for _ in 0..1000 {
            while !self.on_its_way.is_empty() {
                self.arrive(false);
            }
            while self.read().is_some() || self.act(Fate::AtOnce).is_some() {}
            self.settle();
            let wait = self.session.poll_timeout().map(|timeout| timeout.at);
            match wait.map(|at| at.saturating_since(self.now)).filter(|wait| *wait < FOREVER / 2) {
                Some(wait) => self.wait(wait),
                None => return,
            }
        }
        panic!("no rest: {:?}", self.session);
    }

    fn happen(&mut self, fate: Fate) {
        let Some(event) = self.script.process.get(self.happened) else { return };
        self.happened += 1;
        let seq = self.happened as Seq;
        if self.script.holes.contains(&seq) {
            return;
        }
        let input = match event {
            Happens::Output(stream, data) => {
                Input::Output(Chunk { seq, stream: *stream, data: data.clone() })
            }
            Happens::Exited => Input::Exited { seq, exit: Exit::Code(3) },
            Happens::Closed => Input::Closed { seq },
        };
        self.deliver(input, fate);
    }

    fn deliver(&mut self, input: Input, fate: Fate) {
        match fate {
            Fate::Never => {}
            Fate::Late => self.on_its_way.push_back(input),
            Fate::AtOnce => self.handle(input),
            Fate::Twice => {
                self.handle(input.clone());
                self.on_its_way.push_back(input);
            }
        }
    }

    fn arrive(&mut self, newest: bool) {
        let way = &mut self.on_its_way;
        let input = if newest { way.pop_back() } else { way.pop_front() };
        if let Some(input) = input {
            self.handle(input);
        }
    }

    fn handle(&mut self, input: Input) {
        self.session.handle(self.now, input);
    }

    fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
        self.handle(Input::Tick);
    }

    fn act(&mut self, fate: Fate) -> Option<()> {
        match self.session.poll_action()? {
            Action::Write { id, data } => {
                if self.applied.insert(id) {
                    self.stdin.extend_from_slice(&data);
                }
                self.deliver(Input::Written { id, outcome: WriteOutcome::Accepted }, fate);
            }
            Action::Replay { request, after, max_bytes } => {
                let fate = if matches!(fate, Fate::Never) { Fate::Late } else { fate };
                let page = self.page(request, after, max_bytes);
                self.deliver(Input::Replayed(page), fate);
            }
            other => panic!("{other:?}"),
        }
        Some(())
    }

    fn page(&self, request: ReplayId, after: Seq, max_bytes: usize) -> Page {
        let mut chunks: Vec<Chunk> = Vec::new();
        let mut bytes = 0;
        for (seq, event) in (1..).zip(&self.script.process).take(self.happened) {
            let Happens::Output(stream, data) = event else { continue };
            if seq <= after || bytes >= max_bytes || self.script.holes.contains(&seq) {
                continue;
            }
            bytes += data.len();
            chunks.push(Chunk { seq, stream: *stream, data: data.clone() });
        }
        let past = &self.script.process[..self.happened];
        let next = chunks.last().map_or(self.happened as Seq, |chunk| chunk.seq) + 1;
        let exit = past.iter().any(|event| matches!(event, Happens::Exited));
        let closed = past.iter().any(|event| matches!(event, Happens::Closed));
        Page { request, chunks, next, exit: exit.then_some(Exit::Code(3)), closed, failure: None }
    }

    fn read(&mut self) -> Option<()> {
        let event = self.session.poll_event()?;
        self.events.push(format!("{event:?}"));
        if self.restores && self.script.one_event_a_life {
            self.restore();
        }
        Some(())
    }

    fn settle(&mut self) {
        let settled = core::iter::from_fn(|| self.session.poll_settled());
        self.settled.extend(settled.map(|settled| format!("{settled:?}")));
    }

    fn send(&mut self) {
        self.sends += 1;
        let id = self.sends;
        let message = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call"}}"#);
        self.sent.extend_from_slice(format!("{message}\n").as_bytes());
        self.session.send(message.into()).unwrap();
    }

    /// What is on its way to the old process does not reach the new one.
    fn restore(&mut self) {
        let json = self.session.checkpoint().to_json();
        let checkpoint = Checkpoint::from_json(json.as_bytes()).unwrap();
        let limits = self.script.limits.clone();
        self.session = Session::restore(JsonRpc, LOSSY, limits, checkpoint).unwrap();
        self.on_its_way.clear();
        self.handle(link_up());
    }
}

fn link_up() -> Input {
    Input::LinkUp { identity: "one".into() }
}

proptest! {
    /// Invariant 5 of a session.
    #[test]
    fn a_restore_at_any_point_changes_nothing(script in scripts()) {
        let undisturbed = World::new(&script, false).run();
        let restored = World::new(&script, true).run();
        prop_assert_eq!(restored, undisturbed);
    }
}
