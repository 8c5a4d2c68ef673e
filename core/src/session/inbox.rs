//! What has been taken in order and waits for the application.

use alloc::{collections::VecDeque, vec::Vec};
use core::ops::RangeInclusive;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{CallFailure, Exit, SendId, Seq, Stream, checkpoint::CallFailureDef};

/// What a queued item costs beside its bytes.
const ITEM_COST: usize = size_of::<Item>();

/// A queue longer than this gives its memory back once it is empty.
const KEPT_CAPACITY: usize = 2;

/// One thing in the order of the process's own events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Item {
    Output(Stream, #[serde(with = "crate::json_bytes")] Bytes),
    Exited(Exit),
    Hole(RangeInclusive<Seq>),
    /// The calls of this send will not be answered.
    Undelivered(SendId, #[serde(with = "CallFailureDef")] CallFailure),
    End,
}

impl Item {
    fn cost(&self) -> usize {
        match self {
            Self::Output(_, data) => data.len() + ITEM_COST,
            _ => ITEM_COST,
        }
    }
}

/// The ordered items, with their budget. Nothing is taken behind the end.
#[derive(Debug)]
pub(super) struct Inbox {
    items: VecDeque<Item>,
    bytes: usize,
    max_bytes: usize,
    end_pushed: bool,
    ended: bool,
}

impl Inbox {
    pub(super) const fn new(max_bytes: usize) -> Self {
        Self { items: VecDeque::new(), bytes: 0, max_bytes, end_pushed: false, ended: false }
    }

    pub(super) fn restore(
        items: Vec<Item>,
        max_bytes: usize,
        end_pushed: bool,
        ended: bool,
    ) -> Self {
        let bytes = items.iter().map(Item::cost).fold(0, usize::saturating_add);
        Self { items: items.into(), bytes, max_bytes, end_pushed, ended }
    }

    pub(super) fn save(&self) -> Vec<Item> {
        self.items.iter().cloned().collect()
    }

    pub(super) fn push(&mut self, item: Item) {
        if self.end_pushed {
            return;
        }
        self.bytes = self.bytes.saturating_add(item.cost());
        if self.items.capacity() == 0 {
            // One item at a time is what most sessions ever see, and many of them are idle at once.
            self.items.reserve_exact(1);
        }
        self.items.push_back(item);
    }

    pub(super) fn push_end(&mut self) {
        self.push(Item::End);
        self.end_pushed = true;
    }

    /// Drops what is unread, an end with another cause included.
    pub(super) fn cut(&mut self) {
        self.items.clear();
        self.bytes = 0;
        self.end_pushed = false;
    }

    pub(super) fn pop(&mut self) -> Option<Item> {
        let item = self.items.pop_front()?;
        self.bytes = self.bytes.saturating_sub(item.cost());
        if self.items.is_empty() && self.items.capacity() > KEPT_CAPACITY {
            self.items = VecDeque::new();
        }
        Some(item)
    }

    #[cfg(feature = "recording")]
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether reading should pause.
    pub(super) const fn is_full(&self) -> bool {
        self.bytes >= self.max_bytes
    }

    /// Whether there is no room even for an executor that cannot pause.
    pub(super) const fn is_overfull(&self) -> bool {
        self.bytes >= self.max_bytes.saturating_mul(2)
    }

    pub(super) const fn mark_ended(&mut self) {
        self.ended = true;
    }

    pub(super) const fn is_ended(&self) -> bool {
        self.ended
    }
}
