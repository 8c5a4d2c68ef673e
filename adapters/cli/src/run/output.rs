//! Our stdout.

use std::{
    future::pending,
    io::{self, Write},
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Sender, channel},
    },
    thread,
};

use bytes::Bytes;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// How much may wait to be written before nothing more is taken from the session.
const ROOM: usize = 256 * 1024;

/// What the client reads: at most one piece that is being written, and one that waits.
pub(super) struct Output {
    unwritten: Unwritten,
    pieces: Sender<Bytes>,
    results: UnboundedReceiver<io::Result<()>>,
    gone: bool,
}

/// What is not with the client yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Unwritten(Arc<Mutex<Pieces>>);

#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub(super) in_flight: Bytes,
    pub(super) waiting: Vec<u8>,
}

impl Unwritten {
    pub(super) fn lock(&self) -> MutexGuard<'_, Pieces> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Output {
    /// Writes in a thread of its own: who does not read must not keep us from ending.
    pub(super) fn new(mut to: impl Write + Send + 'static) -> Self {
        let (pieces, to_write) = channel::<Bytes>();
        let (done, results) = unbounded_channel();
        thread::spawn(move || {
            for piece in to_write {
                let result = to.write_all(&piece).and_then(|()| to.flush());
                if done.send(result).is_err() {
                    return;
                }
            }
        });
        Self { unwritten: Unwritten::default(), pieces, results, gone: false }
    }

    pub(super) fn unwritten(&self) -> Unwritten {
        self.unwritten.clone()
    }

    /// Adds a line. The newline is added.
    pub(super) fn push(&mut self, line: &[u8]) {
        if self.gone {
            return;
        }
        let mut pieces = self.unwritten.lock();
        pieces.waiting.extend_from_slice(line);
        pieces.waiting.push(b'\n');
    }

    /// How many bytes may be added without waiting.
    pub(super) fn room(&self) -> usize {
        ROOM.saturating_sub(self.unwritten.lock().waiting.len())
    }

    pub(super) fn is_idle(&self) -> bool {
        let pieces = self.unwritten.lock();
        pieces.in_flight.is_empty() && pieces.waiting.is_empty()
    }

    /// Begins to write what waits, unless something is being written.
    pub(super) fn start(&mut self) {
        let mut pieces = self.unwritten.lock();
        if pieces.in_flight.is_empty() && !pieces.waiting.is_empty() {
            pieces.in_flight = mem::take(&mut pieces.waiting).into();
            // A thread that is gone has said so.
            let _ = self.pieces.send(pieces.in_flight.clone());
        }
    }

    /// Waits until what is being written is; for ever if there is nothing. Cancel safe.
    ///
    /// After an error nothing is written any more.
    pub(super) async fn written(&mut self) -> io::Result<()> {
        if self.unwritten.lock().in_flight.is_empty() {
            return pending().await;
        }
        let thread_gone = || Err(io::Error::other("it cannot be written"));
        let result = self.results.recv().await.unwrap_or_else(thread_gone);
        let mut pieces = self.unwritten.lock();
        pieces.in_flight = Bytes::new();
        if result.is_err() {
            self.gone = true;
            pieces.waiting = Vec::new();
        }
        result
    }
}
