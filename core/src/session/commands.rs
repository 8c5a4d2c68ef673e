//! What an application asks of a session.

use bytes::Bytes;

use super::Session;
#[cfg(feature = "recording")]
use crate::recording::Entry;
use crate::{Call, Decode, Id, Refused, SendError, SendId, Timestamp};

impl<D: Decode> Session<D> {
    /// Puts a message in line for the process's stdin. Its place is fixed on return.
    ///
    /// The newline is added; the message must not contain one. The outcome comes from
    /// [`poll_settled`](Self::poll_settled). A refusal gives the message back.
    ///
    /// A request, alone or in a batch, becomes a pending call: if its answer is damaged or lost, or
    /// none comes before the end, an error is delivered in the answer's place, once.
    pub fn send(&mut self, message: Bytes) -> Result<SendId, SendError> {
        let calls = Call::all_in(&message);
        self.send_calls(message, calls)
    }

    /// Like [`send`](Self::send), for a caller who knows what the message is: with `None` for
    /// anything but a request. Saves reading the message again.
    pub fn send_call(&mut self, message: Bytes, call: Option<Call>) -> Result<SendId, SendError> {
        self.send_calls(message, call)
    }

    pub(crate) fn send_calls(
        &mut self,
        message: Bytes,
        calls: impl IntoIterator<Item = Call> + Clone,
    ) -> Result<SendId, SendError> {
        #[cfg(feature = "recording")]
        self.log.note(|| Entry::Send {
            message: message.clone(),
            calls: calls.clone().into_iter().collect(),
        });
        if self.calls.len() >= self.limits.pending_calls {
            let value = self.limits.pending_calls;
            let reason = Refused::Full { limit: "pending_calls", value };
            return Err(SendError { message, reason });
        }
        let id = self.outbox.send(message, &self.limits)?;
        self.stats.sent += 1;
        for call in calls {
            self.stats.calls += 1;
            self.calls.sent(call, id);
        }
        Ok(id)
    }

    /// Takes a request off the pending calls: it was cancelled, and need not be answered any more.
    ///
    /// An answer that comes all the same is delivered.
    pub fn forget_call(&mut self, id: &Id) {
        #[cfg(feature = "recording")]
        self.log.note(|| Entry::ForgetCall { id: id.clone() });
        self.calls.forget(id);
    }

    /// Closes the process's stdin behind the last accepted message; its output stays open.
    ///
    /// Messages are refused from here on. Where the executor cannot close stdin, that is all.
    pub fn close_stdin(&mut self) {
        #[cfg(feature = "recording")]
        self.log.note(|| Entry::CloseStdin);
        self.outbox.finish();
    }

    /// Starts to end the process: close stdin, wait, ask it to stop, wait, terminate it, wait.
    ///
    /// Steps that the executor does not offer are left out. What the process still writes is
    /// delivered. It always comes to an [`Event::End`](crate::Event::End); calling it again changes nothing.
    pub fn close(&mut self, now: Timestamp) {
        #[cfg(feature = "recording")]
        self.log.note(|| Entry::Close { at: now });
        self.now = self.now.max(now);
        self.start_close();
    }

    /// Ends the process without asking it first: the last step of [`close`](Self::close) at once.
    pub fn terminate(&mut self, now: Timestamp) {
        #[cfg(feature = "recording")]
        self.log.note(|| Entry::Terminate { at: now });
        self.now = self.now.max(now);
        self.start_terminate();
    }
}
