//! Reading what a process writes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use farpipe_core::Stream;
use futures_io::AsyncRead;

use super::buffers::{Buffers, READ_SIZE};

/// One output stream of a process.
pub(super) struct Pipe<R> {
    stream: Stream,
    // None at the end of the stream: the descriptor is given back as early as possible.
    source: Option<R>,
    // None once it was made larger, or where it stays as it is.
    widen: Option<Widen<R>>,
}

/// Makes a pipe larger.
type Widen<R> = fn(&R) -> io::Result<()>;

impl<R: AsyncRead + Unpin> Pipe<R> {
    pub(super) const fn new(stream: Stream, source: R, widen: Option<Widen<R>>) -> Self {
        Self { stream, source: Some(source), widen }
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
                Ok(len) => {
                    if len == READ_SIZE {
                        self.widen();
                    }
                    return Poll::Ready(Some(buffers.piece(len)));
                }
                Err(error) => self.fail(&error),
            }
        }
    }

    /// The process writes faster than it is read.
    fn widen(&mut self) {
        if let (Some(source), Some(widen)) = (&self.source, self.widen.take())
            && let Err(error) = widen(source)
        {
            tracing::debug!(stream = ?self.stream, %error, "the pipe stays as it is");
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_lite::future::{block_on, poll_fn};

    use super::*;

    /// What the reads are to yield, and how often the pipe was to be made larger.
    struct Source<'a>(&'a [usize], Cell<usize>);

    impl AsyncRead for Source<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            let (first, rest) = self.0.split_first().unwrap();
            self.0 = rest;
            Poll::Ready(Ok(*first))
        }
    }

    fn refuse(source: &Source<'_>) -> io::Result<()> {
        source.1.set(source.1.get() + 1);
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn widened(reads: &[usize]) -> usize {
        let source = Source(reads, Cell::new(0));
        let mut pipe = Pipe::new(Stream::Stdout, source, Some(refuse));
        let mut buffers = Buffers::default();
        for len in reads {
            let read = block_on(poll_fn(|cx| pipe.poll_read(cx, &mut buffers)));
            assert_eq!(read.unwrap().len(), *len);
        }
        pipe.source.unwrap().1.get()
    }

    #[test]
    fn a_pipe_that_was_full_is_made_larger_once() {
        assert_eq!(widened(&[1, READ_SIZE - 1]), 0);
        assert_eq!(widened(&[1, READ_SIZE, READ_SIZE, READ_SIZE]), 1);
    }
}
