//! An honest executor's stream, delivered as badly as a network and a full buffer can.

mod executor;
mod expected;
mod process;

use std::{ops::RangeInclusive, time::Duration};

use arbitrary::{Arbitrary, Unstructured};
use farpipe_core::{
    Action, Capabilities, Cause, Event, Input, Limits, Page, ReplayId, Retention, Seq,
};

use self::{executor::Executor, expected::Seen, process::Text};
use crate::{each_op, watched::Watched};

/// However the events of a process are delayed, swapped, repeated, dropped, evicted and replayed,
/// the application sees exactly what it wrote, with a report where something is lost; nothing is
/// lost that the executor retains.
pub fn stream(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(setup) = input.arbitrary::<Setup>() else { return };
    let Some(mut run) = Run::new(&setup) else { return };
    each_op(&mut input, |op| run.apply(&op));
    run.finish();
}

#[derive(Arbitrary, Debug)]
struct Setup {
    lossless: bool,
    replay: bool,
    /// How many pieces of output precede the session, if any may.
    before: Option<u8>,
    retention: Option<(u8, u8)>,
    max_line: u8,
    reorder: (u8, u16),
    inbox_bytes: u16,
    replay_page: u8,
    replay_grace_events: u8,
    text: Text,
}

impl Setup {
    fn capabilities(&self) -> Capabilities {
        let retention = self.retention.map(|(bytes, events)| Retention {
            bytes: usize::from(bytes),
            events: usize::from(events),
        });
        Capabilities {
            lossless: self.lossless,
            from_start: self.before.is_none(),
            replay: self.replay,
            retention,
            ..Capabilities::local()
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            max_line: usize::from(self.max_line),
            line_window: 8,
            reorder_events: usize::from(self.reorder.0),
            reorder_bytes: usize::from(self.reorder.1),
            inbox_bytes: usize::from(self.inbox_bytes),
            replay_page: usize::from(self.replay_page),
            replay_grace_events: usize::from(self.replay_grace_events),
            ..Limits::default()
        }
    }
}

#[derive(Arbitrary, Debug)]
enum Op {
    /// The process writes so many bytes.
    Write {
        stderr: bool,
        bytes: u8,
    },
    Exit,
    /// The executor forgets its oldest output up to so far from the newest.
    Evict {
        keep: u8,
    },
    /// An event that is on its way arrives.
    Deliver {
        index: u8,
    },
    /// An event that was produced arrives, perhaps again.
    Repeat {
        seq: u8,
    },
    /// An event that is on its way is lost.
    Lose {
        index: u8,
    },
    /// Everything that is on its way is lost, and the executor knows.
    Lag,
    LinkDown,
    LinkUp,
    PollAction,
    /// The page that answers the last request arrives, as it was then or is now.
    Answer {
        fresh: bool,
    },
    FailReplay,
    Wait {
        millis: u8,
    },
    Tick,
    PollEvents(u8),
}

struct Request {
    id: ReplayId,
    after: Seq,
    max_bytes: usize,
    page: Page,
}

struct Run {
    watched: Watched,
    executor: Executor,
    lossless: bool,
    replay: bool,
    max_line: usize,
    request: Option<Request>,
    seen: Vec<Seen>,
    lost: Vec<RangeInclusive<Seq>>,
    exit_arrived: bool,
}

impl Run {
    fn new(setup: &Setup) -> Option<Self> {
        let mut executor = Executor::new(&setup.text);
        for _ in 0..setup.before.unwrap_or(0) {
            executor.write(false, 10);
        }
        executor.lose_all();
        Some(Self {
            watched: Watched::new(setup.capabilities(), setup.limits())?,
            executor,
            lossless: setup.lossless,
            replay: setup.replay,
            max_line: usize::from(setup.max_line),
            request: None,
            seen: Vec::new(),
            lost: Vec::new(),
            exit_arrived: false,
        })
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Write { stderr, bytes } => self.executor.write(stderr, usize::from(bytes)),
            Op::Exit => self.executor.exit(),
            Op::Evict { keep } => self.executor.evict(Seq::from(keep)),
            Op::Deliver { index } => self.deliver(index),
            Op::Repeat { seq } => self.repeat(Seq::from(seq)),
            Op::Lose { index } => self.lose(index),
            Op::Lag => self.lag(),
            Op::LinkDown => self.link_down(),
            Op::LinkUp => self.link_up(),
            Op::PollAction => drop(self.poll_action()),
            Op::Answer { fresh } => self.answer(fresh),
            Op::FailReplay => self.fail_replay(),
            Op::Wait { millis } => self.watched.wait(Duration::from_millis(millis.into())),
            Op::Tick => drop(self.watched.tick()),
            Op::PollEvents(count) => {
                for _ in 0..count {
                    self.poll_event();
                }
            }
        }
    }

    fn deliver(&mut self, index: u8) {
        if let Some(seq) = self.executor.take(index) {
            self.arrive(seq);
        }
    }

    fn repeat(&mut self, seq: Seq) {
        if self.executor.is_linked() && (1..=self.executor.produced()).contains(&seq) {
            self.arrive(seq);
        }
    }

    fn arrive(&mut self, seq: Seq) {
        self.exit_arrived |= self.executor.exit_seq() == Some(seq);
        self.watched.handle(self.executor.event(seq));
    }

    fn lose(&mut self, index: u8) {
        if !self.lossless {
            self.executor.take(index);
        }
    }

    fn lag(&mut self) {
        if !self.lossless && self.executor.is_linked() {
            let skipped = self.executor.lose_all();
            self.watched.handle(Input::Lagged { skipped });
        }
    }

    fn link_down(&mut self) {
        self.executor.link(false);
        self.watched.handle(Input::LinkDown { reason: "why".to_owned() });
    }

    fn link_up(&mut self) {
        self.executor.link(true);
        self.watched.handle(Input::LinkUp { identity: "executor".into() });
    }

    fn poll_action(&mut self) -> Option<Action> {
        let action = self.watched.poll_action()?;
        if let Action::Replay { request: id, after, max_bytes } = action {
            let page = self.executor.page(id, after, max_bytes);
            self.request = Some(Request { id, after, max_bytes, page });
        }
        Some(action)
    }

    fn answer(&mut self, fresh: bool) {
        let Some(Request { id, after, max_bytes, page }) = self.request.take() else { return };
        let page = if fresh { self.executor.page(id, after, max_bytes) } else { page };
        self.watched.handle(Input::Replayed(page));
    }

    fn fail_replay(&mut self) {
        let Some(Request { id: request, .. }) = self.request.take() else { return };
        let message = "why".to_owned();
        self.watched.handle(Input::ReplayFailed { request, message, retryable: true });
    }

    fn poll_event(&mut self) -> bool {
        let Some(event) = self.watched.poll_event() else { return false };
        if let Event::Lost(lost) = &event {
            assert!(self.lost.last().is_none_or(|last| last.end() < lost.missing.start()));
            self.lost.push(lost.missing.clone());
        }
        self.seen.push(Seen::from(event));
        true
    }

    /// Everything that is still possible happens, and then the books must balance.
    fn finish(mut self) {
        self.watched.handle(Input::Tick);
        let was_running = self.watched.session().end().is_none();
        self.settle();
        if self.watched.end().is_none() {
            self.watched.handle(Input::Ended);
            while self.poll_event() {}
        }
        let cause = self.watched.end().expect("it has ended").cause.clone();
        if was_running && self.replay {
            assert_eq!(cause, Cause::Closed, "the executor retains the end");
        }
        self.check(&cause);
        self.watched.finish();
    }

    fn settle(&mut self) {
        if !self.executor.is_linked() {
            self.link_up();
        }
        self.executor.close();
        while let Some(seq) = self.executor.take(0) {
            self.arrive(seq);
            while self.poll_event() {}
        }
        if self.replay {
            self.watched.handle(Input::Lagged { skipped: 1 });
        }
        for _ in 0..20 * self.executor.produced() + 100 {
            self.answer(true);
            while self.poll_event() {}
            if self.poll_action().is_none() && self.request.is_none() && !self.watched.tick() {
                return;
            }
        }
        panic!("it does not settle: {:?}", self.watched.session());
    }

    fn check(&self, cause: &Cause) {
        let stats = self.watched.session().stats();
        let lost = self.lost.iter().map(|range| range.end() - range.start() + 1).sum::<u64>();
        assert_eq!(stats.lost, lost, "every loss is told once");
        let taken = stats.events + stats.lost;
        assert!(*cause != Cause::Closed || taken == self.executor.produced());
        let expected = expected::expected(&self.executor, self.max_line, taken, &self.lost);
        assert_eq!(self.seen, expected);
        if self.replay {
            self.check_losses();
        }
    }

    /// Only what was forgotten is lost, and with it the exit, which a page cannot tell apart. When
    /// something was shed, the last page may not tell whether the exit is what is missing.
    fn check_losses(&self) {
        let lost = self.lost.iter().cloned().flatten();
        let (evicted, others): (Vec<Seq>, Vec<Seq>) =
            lost.partition(|&seq| self.executor.is_evicted(seq));
        let is_exit = |&seq: &Seq| self.executor.exit_seq() == Some(seq);
        assert!(others.iter().all(is_exit), "{others:?} are retained and yet lost");
        let shed = self.watched.session().stats().shed > 0;
        let excused = !evicted.is_empty() || shed && !self.exit_arrived;
        assert!(others.is_empty() || excused, "the exit is known");
    }
}
