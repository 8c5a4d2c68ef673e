//! What the outbox needs to go on in another process.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::{Flight, InFlight, Outbox, Queued, Stdin};
use crate::{
    RestoreError, SendId, Settled, WriteId,
    checkpoint::{MAX_COUNT, SavedDelivery, is_default},
    json_bytes,
};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SavedOutbox {
    #[serde(skip_serializing_if = "is_default")]
    queue: Vec<SavedSend>,
    #[serde(skip_serializing_if = "is_default")]
    in_flight: Option<SavedWrite>,
    #[serde(skip_serializing_if = "is_default")]
    settled: Vec<(u64, SavedDelivery)>,
    next_send: u64,
    next_write: u64,
    state: Stdin,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedSend {
    id: u64,
    #[serde(with = "json_bytes")]
    message: Bytes,
    #[serde(default, skip_serializing_if = "is_default")]
    written: usize,
}

/// The write in flight. Its bytes are those of the messages that it covers, and are not kept twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedWrite {
    id: WriteId,
    completes: usize,
    partial: usize,
    attempts: u32,
    /// It was handed out and has not been answered.
    sent: bool,
}

impl Outbox {
    pub(crate) fn save(&self) -> SavedOutbox {
        let send = |queued: &Queued| SavedSend {
            id: queued.id.0,
            message: queued.message.clone(),
            written: queued.written,
        };
        let settled = |settled: &Settled| (settled.id.0, SavedDelivery(settled.delivery.clone()));
        SavedOutbox {
            queue: self.queue.iter().map(send).collect(),
            in_flight: self.in_flight.as_deref().map(SavedWrite::of),
            settled: self.settled.iter().map(settled).collect(),
            next_send: self.next_send,
            next_write: self.next_write,
            state: self.state,
        }
    }

    pub(crate) fn restore(saved: SavedOutbox, deduplicates: bool) -> Result<Self, RestoreError> {
        saved.check()?;
        let mut outbox = Self::new(deduplicates);
        outbox.queue = saved.queue.into_iter().map(SavedSend::into_queued).collect();
        outbox.queued_bytes = outbox.queue.iter().map(Queued::line_len).sum();
        outbox.in_flight = saved.in_flight.map(|write| Box::new(write.into_flight(&outbox.queue)));
        outbox.settled = saved.settled.into_iter().map(into_settled).collect();
        outbox.next_send = saved.next_send;
        outbox.next_write = saved.next_write;
        outbox.state = saved.state;
        Ok(outbox)
    }

    /// Whether the close of stdin was carried out is not known: it is asked for again.
    pub(crate) fn reopen_close(&mut self) {
        if self.state == Stdin::Closed {
            self.state = Stdin::Finishing;
        }
    }
}

impl SavedOutbox {
    fn check(&self) -> Result<(), RestoreError> {
        let sends = self.queue.iter().all(|send| {
            send.id < self.next_send
                && send.written <= send.message.len()
                && !send.message.is_empty()
        });
        let settled = self.settled.iter().all(|(id, _)| *id < self.next_send);
        let write = self
            .in_flight
            .as_ref()
            .is_none_or(|write| write.id.0 < self.next_write && write.is_within(&self.queue));
        let room = self.next_send.max(self.next_write) <= MAX_COUNT;
        if sends && settled && write && room {
            return Ok(());
        }
        Err(RestoreError::corrupt("the outbox contradicts itself"))
    }
}

impl SavedSend {
    fn into_queued(self) -> Queued {
        Queued { id: SendId(self.id), message: self.message, written: self.written }
    }
}

impl SavedWrite {
    fn of(write: &InFlight) -> Self {
        Self {
            id: write.id,
            completes: write.completes,
            partial: write.partial,
            attempts: write.attempts,
            sent: matches!(write.state, Flight::Sent { .. }),
        }
    }

    fn is_within(&self, queue: &[SavedSend]) -> bool {
        let next = queue.get(self.completes);
        let partial =
            next.is_some_and(|next| (next.written..=next.message.len()).contains(&self.partial));
        self.completes <= queue.len() && (self.partial == 0 || partial)
    }

    fn into_flight(self, queue: &VecDeque<Queued>) -> InFlight {
        let state = if self.sent { Flight::Sent { deadline: None } } else { Flight::Ready };
        InFlight {
            id: self.id,
            data: self.data(queue),
            completes: self.completes,
            partial: self.partial,
            attempts: self.attempts,
            state,
        }
    }

    fn data(&self, queue: &VecDeque<Queued>) -> Bytes {
        let mut data = BytesMut::new();
        for queued in queue.iter().take(self.completes) {
            data.put_slice(queued.message.get(queued.written..).unwrap_or_default());
            data.put_u8(b'\n');
        }
        if let Some(cut) = queue.get(self.completes) {
            data.put_slice(cut.message.get(cut.written..self.partial).unwrap_or_default());
        }
        data.freeze()
    }
}

fn into_settled((id, delivery): (u64, SavedDelivery)) -> Settled {
    Settled { id: SendId(id), delivery: delivery.0 }
}
