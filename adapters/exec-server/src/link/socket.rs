//! A WebSocket over any byte stream.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use async_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message, error::ProtocolError},
};
use futures_lite::{AsyncRead, AsyncWrite, Stream as _};
use futures_util::Sink as _;

use super::service::Lost;
use crate::Fault;

/// A byte stream, with or without TLS.
pub(crate) trait Carrier: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Carrier for T {}

/// A WebSocket whose handshake is done.
pub(crate) struct Socket {
    stream: WebSocketStream<Box<dyn Carrier>>,
    unflushed: bool,
}

/// A frame that arrived.
pub(super) enum Frame {
    Message(Message),
    /// A ping, a pong or a piece of a message.
    Life,
}

impl Socket {
    pub(super) const fn new(stream: WebSocketStream<Box<dyn Carrier>>) -> Self {
        Self { stream, unflushed: false }
    }

    /// Sends what `next` yields until there is no more, or no room for it.
    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        mut next: impl FnMut() -> Option<Message>,
    ) -> Poll<Result<(), Lost>> {
        let mut stream = Pin::new(&mut self.stream);
        loop {
            ready!(stream.as_mut().poll_ready(cx)).map_err(lost)?;
            let Some(frame) = next() else { break };
            stream.as_mut().start_send(frame).map_err(lost)?;
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(stream.poll_flush(cx)).map_err(lost)?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, Lost>> {
        Poll::Ready(match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                Ok(Frame::Message(message))
            }
            Some(Ok(Message::Close(_))) | None => {
                Err(Lost::Link("the exec-server closed the connection".into()))
            }
            Some(Ok(_)) => Ok(Frame::Life),
            Some(Err(error)) => Err(lost(error)),
        })
    }
}

/// A server ends a connection without a closing handshake, so that is as good as any end (§2).
fn lost(error: Error) -> Lost {
    match error {
        Error::Capacity(error) => Lost::Fault(Fault::TooLong(error.to_string())),
        Error::Utf8(error) => Lost::Fault(Fault::NotJson(error)),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            Lost::Link("the exec-server dropped the connection".into())
        }
        Error::Protocol(error) => Lost::Fault(Fault::NotWebSocket(error.to_string())),
        other => Lost::Link(other.to_string()),
    }
}
