//! Reading what a process writes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use farpipe_core::Stream;
use futures_io::AsyncRead;

use super::buffers::Buffers;

/// One output stream of a process.
pub(super) struct Pipe<R> {
    stream: Stream,
    // None at the end of the stream: the descriptor is given back as early as possible.
    source: Option<R>,
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    pub(super) const fn new(stream: Stream, source: R) -> Self {
        Self { stream, source: Some(source) }
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.source.is_none()
    }

    /// The next piece of output, or `None` at the end of the stream.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffers: &mut Buffers,
    ) -> Poll<Option<Bytes>> {
        loop {
            let Some(source) = &mut self.source else {
                return Poll::Ready(None);
            };
            match ready!(Pin::new(source).poll_read(cx, buffers.room())) {
                Ok(0) => self.source = None,
                Ok(len) => return Poll::Ready(Some(buffers.piece(len))),
                Err(error) => self.fail(&error),
            }
        }
    }

    fn fail(&mut self, error: &io::Error) {
        if error.kind() == io::ErrorKind::Interrupted {
            return;
        }
        tracing::warn!(stream = ?self.stream, %error, "reading the process failed; taken as its end");
        self.source = None;
    }
}
