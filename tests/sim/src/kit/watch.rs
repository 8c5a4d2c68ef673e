//! Watches what an executor says, and refuses what it must not say.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use bytes::Bytes;
use farpipe_core::{Action, Exit, Input, Page, ReplayId, Seq, Stream, WriteId, WriteOutcome};
use farpipe_driver::{Executor, Flow};

use crate::{Violation, violation::ensure};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Output(Stream, Bytes),
    Exited(Exit),
    Closed,
}

/// An executor, and what it has said so far.
#[derive(Debug)]
pub(super) struct Watch<E> {
    pub(super) executor: E,
    pub(super) events: BTreeMap<Seq, Told>,
    pub(super) written: Vec<(WriteId, WriteOutcome)>,
    pub(super) pages: Vec<Page>,
    pub(super) failed_replays: Vec<ReplayId>,
    pub(super) ended: bool,
}

impl<E: Executor> Watch<E> {
    pub(super) const fn new(executor: E) -> Self {
        Self {
            executor,
            events: BTreeMap::new(),
            written: Vec::new(),
            pages: Vec::new(),
            failed_replays: Vec::new(),
            ended: false,
        }
    }

    pub(super) fn write(&mut self, id: u64, data: impl Into<Bytes>) {
        self.executor.start(Action::Write { id: WriteId(id), data: data.into() });
    }

    /// Takes in what the executor says until `done`; under [`Flow::Paused`] it must not say more than
    /// it may.
    pub(super) async fn until(
        &mut self,
        flow: Flow,
        what: &str,
        done: impl Fn(&Self) -> bool,
    ) -> Result<(), Violation> {
        let patience = Patience::begin();
        while !done(self) {
            ensure!(!self.ended, "it ended before {what}");
            let next = poll_fn(|cx| match self.executor.poll_input(cx, flow) {
                Poll::Ready(input) => Poll::Ready(Some(input)),
                Poll::Pending => patience.poll(cx).map(|()| None),
            });
            let Some(input) = next.await else {
                return Err(Violation::new(format!("no {what} within {PATIENCE:?}")));
            };
            self.take(input, flow)?;
        }
        Ok(())
    }

    /// Takes in what there is to say now and soon.
    pub(super) async fn look_around(&mut self, flow: Flow, polls: usize) -> Result<(), Violation> {
        for _ in 0..polls {
            let next = poll_fn(|cx| {
                let next = self.executor.poll_input(cx, flow);
                Poll::Ready(if let Poll::Ready(input) = next { Some(input) } else { None })
            });
            if let Some(input) = next.await {
                self.take(input, flow)?;
            } else {
                thread::yield_now();
                yield_now().await;
            }
        }
        Ok(())
    }

    /// Until the output is closed and every event up to it has come.
    pub(super) async fn until_closed(&mut self) -> Result<(), Violation> {
        let lossless = self.executor.capabilities().lossless;
        let closed = |watch: &Self| match watch.closed() {
            Some(seq) => !lossless || watch.events.len() as Seq == seq,
            None => false,
        };
        self.until(Flow::Open, "close behind a dense row of events", closed).await
    }

    pub(super) fn closed(&self) -> Option<Seq> {
        self.events.iter().find_map(|(&seq, told)| (*told == Told::Closed).then_some(seq))
    }

    pub(super) fn exit(&self) -> Option<Exit> {
        self.events.values().find_map(|told| match told {
            Told::Exited(exit) => Some(*exit),
            _ => None,
        })
    }

    /// The output of a stream, in the order of the numbers.
    pub(super) fn output(&self, wanted: Stream) -> Vec<u8> {
        let chunks = self.events.values().filter_map(|told| match told {
            Told::Output(stream, data) if *stream == wanted => Some(data),
            _ => None,
        });
        chunks.flatten().copied().collect()
    }

    fn take(&mut self, input: Input, flow: Flow) -> Result<(), Violation> {
        let paused = flow == Flow::Paused && matches!(input, Input::Output(_));
        ensure!(!paused, "it delivers output while it is paused");
        match input {
            Input::Output(chunk) => {
                return self.event(chunk.seq, &Told::Output(chunk.stream, chunk.data));
            }
            Input::Exited { seq, exit } => return self.event(seq, &Told::Exited(exit)),
            Input::Closed { seq } => return self.event(seq, &Told::Closed),
            Input::Written { id, outcome } => self.written.push((id, outcome)),
            Input::Replayed(page) => self.pages.push(page),
            Input::ReplayFailed { request, .. } => self.failed_replays.push(request),
            Input::Ended => self.ended = true,
            Input::LinkUp { .. } | Input::Lagged { .. } => {}
            other => return Err(Violation::new(format!("nothing led to {other:?}"))),
        }
        Ok(())
    }

    fn event(&mut self, seq: Seq, told: &Told) -> Result<(), Violation> {
        ensure!(seq > 0, "numbers begin with 1, and {told:?} has 0");
        let before = self.events.insert(seq, told.clone());
        let same = before.as_ref().is_none_or(|before| before == told);
        ensure!(same, "number {seq} is {before:?} and then {told:?}");
        let ends = |kind: fn(&Told) -> bool| self.events.values().filter(|told| kind(told)).count();
        ensure!(ends(|told| matches!(told, Told::Exited(_))) < 2, "it exits twice");
        ensure!(ends(|told| *told == Told::Closed) < 2, "it closes twice");
        let last = self.events.last_key_value().map_or(0, |(&seq, _)| seq);
        ensure!(self.closed().is_none_or(|closed| closed == last), "{last} lies behind the close");
        Ok(())
    }
}

/// Lets others run, the driver of the runtime among them.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Wakes a task once the time is up.
struct Patience {
    over: Arc<AtomicBool>,
    waker: Arc<Mutex<Option<Waker>>>,
    /// Dropped to stop waiting.
    _stop: Sender<()>,
}

impl Patience {
    fn begin() -> Self {
        let (stop, stopped) = mpsc::channel();
        let (over, waker) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(None)));
        let patience = Self { over: Arc::clone(&over), waker: Arc::clone(&waker), _stop: stop };
        thread::spawn(move || {
            if stopped.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                over.store(true, Ordering::Release);
                let waker = waker.lock().ok().and_then(|mut waker| waker.take());
                waker.iter().for_each(Waker::wake_by_ref);
            }
        });
        patience
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        if let Ok(mut waker) = self.waker.lock() {
            *waker = Some(cx.waker().clone());
        }
        if self.over.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
    }
}
