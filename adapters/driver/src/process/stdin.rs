//! Writing what a process reads.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use farpipe_core::{Input, WriteId, WriteOutcome};
use futures_io::AsyncWrite;

/// The standard input of a process, with one write in flight at most.
pub(super) struct Stdin<W> {
    pipe: Option<W>,
    write: Option<Write>,
    close_after_write: bool,
}

struct Write {
    id: WriteId,
    rest: Bytes,
}

impl<W: AsyncWrite + Unpin> Stdin<W> {
    pub(super) const fn new(pipe: W) -> Self {
        Self { pipe: Some(pipe), write: None, close_after_write: false }
    }

    /// Begins a write; the answer comes from [`poll_written`](Self::poll_written).
    ///
    /// A session never asks for a second one before the first is answered.
    pub(super) fn write(&mut self, id: WriteId, data: Bytes) {
        debug_assert!(self.write.is_none(), "two writes in flight");
        self.write = Some(Write { id, rest: data });
    }

    /// Closes the pipe, once a write that is in flight is done.
    pub(super) fn close(&mut self) {
        self.close_after_write = self.write.is_some();
        if !self.close_after_write {
            self.pipe = None;
        }
    }

    /// Goes on with the write in flight. Pending as well when there is none.
    pub(super) fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Input> {
        let Some(write) = &mut self.write else {
            return Poll::Pending;
        };
        let id = write.id;
        let outcome = match &mut self.pipe {
            Some(pipe) => outcome_of(&ready!(poll_write_all(pipe, cx, &mut write.rest))),
            None => WriteOutcome::StdinClosed,
        };
        self.write = None;
        if self.close_after_write || outcome == WriteOutcome::StdinClosed {
            self.pipe = None;
        }
        Poll::Ready(Input::Written { id, outcome })
    }
}

fn poll_write_all<W: AsyncWrite + Unpin>(
    pipe: &mut W,
    cx: &mut Context<'_>,
    rest: &mut Bytes,
) -> Poll<io::Result<()>> {
    while rest.has_remaining() {
        match ready!(Pin::new(&mut *pipe).poll_write(cx, rest)) {
            Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            Ok(len) => rest.advance(len),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
    Pin::new(pipe).poll_flush(cx)
}

fn outcome_of(result: &io::Result<()>) -> WriteOutcome {
    match result {
        Ok(()) => WriteOutcome::Accepted,
        Err(error) if is_closed(error.kind()) => WriteOutcome::StdinClosed,
        Err(error) => WriteOutcome::Failed(error.to_string()),
    }
}

const fn is_closed(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, NotConnected, WriteZero};
    matches!(kind, BrokenPipe | ConnectionReset | NotConnected | WriteZero)
}
