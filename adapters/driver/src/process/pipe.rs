//! Reading what a process writes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use farpipe_core::Stream;
use futures_io::AsyncRead;

/// The most that is read at once: what a pipe holds on Linux.
pub(super) const READ_SIZE: usize = 64 * 1024;

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
    ///
    /// The piece gets an allocation of exactly its own size, so a short one never pins the
    /// buffer, and the buffer is never cleared again. The copy costs less than a fresh buffer.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Option<Bytes>> {
        loop {
            let Some(source) = &mut self.source else {
                return Poll::Ready(None);
            };
            match std::task::ready!(Pin::new(source).poll_read(cx, buffer)) {
                Ok(0) => self.source = None,
                Ok(len) => return Poll::Ready(Some(Bytes::copy_from_slice(&buffer[..len]))),
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
