//! The sequencer beside a set of numbers.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use farpipe_core::{
    Seq,
    sequencer::{Cost, Place, Sequencer, Shed},
};

use crate::each_op;

/// Any operations in any order: what is consumed is dense but for the holes that were given up, the
/// budget holds, and every getter tells the truth.
pub fn sequencer(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok((max_events, max_bytes)) = input.arbitrary::<(u8, u8)>() else { return };
    let mut run = Run::new(usize::from(max_events % 12), usize::from(max_bytes));
    each_op(&mut input, |op| {
        run.apply(&op);
        run.check();
    });
}

#[derive(Arbitrary, Debug)]
enum Op {
    Feed { seq: Number, cost: u8 },
    GiveUp { upto: Number },
    Drain,
    Clear,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Number {
    /// So far from the cursor.
    Near(i8),
    /// So far from the last number there is.
    Far(u8),
}

struct Event {
    seq: Seq,
    cost: usize,
}

impl Cost for Event {
    fn cost(&self) -> usize {
        self.cost
    }
}

struct Run {
    sequencer: Sequencer<Event>,
    cursor: Seq,
    held: BTreeMap<Seq, usize>,
    max_events: usize,
    max_bytes: usize,
}

impl Run {
    fn new(max_events: usize, max_bytes: usize) -> Self {
        let sequencer = Sequencer::new(max_events, max_bytes);
        Self { sequencer, cursor: 0, held: BTreeMap::new(), max_events, max_bytes }
    }

    fn apply(&mut self, op: &Op) {
        match *op {
            Op::Feed { seq, cost } => self.feed(self.resolve(seq), usize::from(cost)),
            Op::GiveUp { upto } => self.give_up(self.resolve(upto)),
            Op::Drain => self.drain(),
            Op::Clear => {
                self.sequencer.clear();
                self.held.clear();
            }
        }
    }

    fn resolve(&self, number: Number) -> Seq {
        match number {
            Number::Near(distance) => self.cursor.saturating_add_signed(i64::from(distance)),
            Number::Far(distance) => Seq::MAX - Seq::from(distance),
        }
    }

    fn feed(&mut self, seq: Seq, cost: usize) {
        let place = self.sequencer.place(seq);
        assert_eq!(place, self.place(seq));
        if place == Place::Next {
            self.sequencer.advance();
            self.cursor = seq;
            return self.drain();
        }
        let shed = self.sequencer.hold(seq, Event { seq, cost });
        let expected = if place == Place::Ahead { self.hold(seq, cost) } else { None };
        assert_eq!(shed, expected);
    }

    fn place(&self, seq: Seq) -> Place {
        if seq <= self.cursor || self.held.contains_key(&seq) {
            Place::Seen
        } else if seq - 1 == self.cursor {
            Place::Next
        } else {
            Place::Ahead
        }
    }

    fn hold(&mut self, seq: Seq, cost: usize) -> Option<Shed> {
        self.held.insert(seq, cost);
        let mut events = 0;
        let mut lowest = None;
        while self.held.len() > self.max_events || self.held_bytes() > self.max_bytes {
            lowest = self.held.pop_last();
            events += 1;
        }
        lowest.map(|(lowest, _)| Shed { events, lowest })
    }

    /// What lies behind the cursor comes out, each number once.
    fn drain(&mut self) {
        while let Some(event) = self.sequencer.pop() {
            assert_eq!(Some(event.seq), self.cursor.checked_add(1));
            assert_eq!(self.held.remove(&event.seq), Some(event.cost));
            self.cursor = event.seq;
        }
        assert!(!self.cursor.checked_add(1).is_some_and(|next| self.held.contains_key(&next)));
    }

    fn give_up(&mut self, upto: Seq) {
        let last = self.held.keys().next().map_or(upto, |first| upto.min(first - 1));
        let expected = (last > self.cursor).then(|| self.cursor + 1..=last);
        assert_eq!(self.sequencer.give_up(upto), expected);
        self.cursor = self.cursor.max(last);
        // What waits behind a hole is due now; until it is taken, `place` takes it for missing.
        self.drain();
    }

    fn held_bytes(&self) -> usize {
        self.held.values().sum()
    }

    fn check(&self) {
        let sequencer = &self.sequencer;
        assert_eq!(sequencer.cursor(), self.cursor);
        assert_eq!(sequencer.held_events(), self.held.len());
        assert_eq!(sequencer.held_bytes(), self.held_bytes());
        assert_eq!(sequencer.highest_held(), self.held.keys().next_back().copied());
        assert!(self.held.len() <= self.max_events && self.held_bytes() <= self.max_bytes);
        let gap = self.held.keys().next().map(|first| self.cursor + 1..=first - 1);
        assert_eq!(sequencer.gap(), gap.filter(|gap| !gap.is_empty()));
        let first_missing =
            self.held.keys().fold(self.cursor.saturating_add(1), |missing, &seq| {
                if seq == missing { missing.saturating_add(1) } else { missing }
            });
        assert_eq!(sequencer.first_missing(), first_missing);
        for upto in [self.cursor, self.cursor.saturating_add(20), Seq::MAX] {
            let held = self.held.range(..=upto).count() as u64;
            assert_eq!(sequencer.missing_up_to(upto), upto - self.cursor - held);
        }
    }
}
