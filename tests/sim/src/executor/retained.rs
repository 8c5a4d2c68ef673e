//! What the executor keeps for replays.

use farpipe_core::{Chunk, Seq};

use super::Produced;

/// The ring: the oldest output goes first. Ends are never part of it.
#[derive(Debug)]
pub(super) struct Retained {
    limits: Option<(u16, u16)>,
    evicted: Seq,
}

impl Retained {
    pub(super) const fn new(limits: Option<(u16, u16)>) -> Self {
        Self { limits, evicted: 0 }
    }

    pub(super) const fn evicted(&self) -> Seq {
        self.evicted
    }

    pub(super) fn evict(&mut self, upto: Seq) {
        self.evicted = self.evicted.max(upto);
    }

    /// Makes room after an event was produced.
    pub(super) fn note(&mut self, events: &[Produced]) {
        let Some((max_bytes, max_events)) = self.limits else { return };
        let (mut bytes, mut outputs) = (0, 0);
        for (seq, event) in (1..=events.len() as Seq).rev().zip(events.iter().rev()) {
            let Produced::Output(_, data) = event else { continue };
            bytes += data.len();
            outputs += 1;
            if bytes > usize::from(max_bytes) || outputs > usize::from(max_events) {
                return self.evict(seq);
            }
            if seq <= self.evicted {
                return;
            }
        }
    }

    /// The output behind `after`: about `max_bytes`, and one chunk at least.
    pub(super) fn chunks(&self, events: &[Produced], after: Seq, max_bytes: usize) -> Vec<Chunk> {
        let mut bytes = 0;
        let from = usize::try_from(after.max(self.evicted)).unwrap_or(usize::MAX);
        let behind = (from as Seq + 1..).zip(events.iter().skip(from));
        let chunks = behind.filter_map(|(seq, event)| match event {
            Produced::Output(stream, data) => {
                Some(Chunk { seq, stream: *stream, data: data.clone() })
            }
            _ => None,
        });
        let fits = |chunk: &Chunk| {
            let first = bytes == 0;
            bytes += chunk.data.len();
            first || bytes <= max_bytes
        };
        chunks.take_while(fits).collect()
    }
}
