//! Exact order from an unreliable stream of numbered events.

use alloc::collections::BTreeMap;
use core::ops::RangeInclusive;

use crate::Seq;

/// What an event costs while it waits for an earlier one.
pub trait Cost {
    /// The bytes it keeps allocated, its own size included.
    fn cost(&self) -> usize;
}

/// Where a number stands in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It was consumed or is already waiting.
    Seen,
    /// It is the one that is expected next.
    Next,
    /// Something before it is missing.
    Ahead,
}

/// Events that were forgotten to stay in the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shed {
    /// How many.
    pub events: u64,
    /// The lowest of their numbers; nothing below it was shed.
    pub lowest: Seq,
}

/// Puts numbered events in order, holding back those that come early.
///
/// Invariants: `cursor` is the last number consumed; every held number is above `cursor`; held
/// events never exceed the budget in number or in bytes. An event in order costs O(1) and no
/// allocation, an early one O(log held); the distance between numbers costs nothing.
///
/// ```
/// use farpipe_core::sequencer::{Cost, Place, Sequencer};
///
/// struct Word(&'static str);
/// impl Cost for Word {
///     fn cost(&self) -> usize { self.0.len() }
/// }
///
/// let mut sequencer = Sequencer::new(16, 1024);
/// assert_eq!(sequencer.place(2), Place::Ahead);
/// assert_eq!(sequencer.hold(2, Word("world")), None); // nothing had to be shed
/// assert_eq!(sequencer.place(1), Place::Next);
/// sequencer.advance(); // the caller consumes 1 at once …
/// assert_eq!(sequencer.pop().map(|word| word.0), Some("world")); // … and what it had held back
/// assert_eq!(sequencer.cursor(), 2);
/// ```
#[derive(Debug)]
pub struct Sequencer<T> {
    cursor: Seq,
    held: BTreeMap<Seq, T>,
    held_bytes: usize,
    max_events: usize,
    max_bytes: usize,
}

impl<T: Cost> Sequencer<T> {
    /// Starts before event 1 with a budget for early events.
    pub const fn new(max_events: usize, max_bytes: usize) -> Self {
        Self { cursor: 0, held: BTreeMap::new(), held_bytes: 0, max_events, max_bytes }
    }

    /// Starts behind `cursor`, as [`new`](Self::new) does behind 0.
    pub(crate) fn resume(cursor: Seq, max_events: usize, max_bytes: usize) -> Self {
        Self { cursor, ..Self::new(max_events, max_bytes) }
    }

    /// The last number consumed; 0 before the first.
    pub const fn cursor(&self) -> Seq {
        self.cursor
    }

    /// How many events wait for an earlier one.
    pub fn held_events(&self) -> usize {
        self.held.len()
    }

    /// How many bytes wait for an earlier event.
    pub const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// The highest number that waits for an earlier one.
    pub fn highest_held(&self) -> Option<Seq> {
        self.held.last_key_value().map(|(&seq, _)| seq)
    }

    /// The missing numbers right behind the cursor, if a later event is waiting for them.
    pub fn gap(&self) -> Option<RangeInclusive<Seq>> {
        let (&first, _) = self.held.first_key_value()?;
        let missing = self.cursor.saturating_add(1)..=first.saturating_sub(1);
        (!missing.is_empty()).then_some(missing)
    }

    /// How many numbers in `(cursor, upto]` are neither consumed nor held. Linear in the held ones.
    pub fn missing_up_to(&self, upto: Seq) -> u64 {
        let distance = upto.saturating_sub(self.cursor);
        let held = self.held.range(..=upto).count();
        distance.saturating_sub(u64::try_from(held).unwrap_or(u64::MAX))
    }

    /// The lowest number above the cursor that is not held.
    pub fn first_missing(&self) -> Seq {
        let mut expected = self.cursor.saturating_add(1)..=Seq::MAX;
        let mut held = self.held.keys().copied();
        expected.find(|&seq| held.next() != Some(seq)).unwrap_or(Seq::MAX)
    }

    /// Where `seq` stands now. Take what [`pop`](Self::pop) yields first, after
    /// [`advance`](Self::advance) and [`give_up`](Self::give_up).
    pub fn place(&self, seq: Seq) -> Place {
        if seq <= self.cursor {
            return Place::Seen;
        }
        if seq == self.cursor.saturating_add(1) {
            return Place::Next;
        }
        if self.held.contains_key(&seq) { Place::Seen } else { Place::Ahead }
    }

    /// Consumes the expected number. The caller has the event in hand.
    pub const fn advance(&mut self) {
        self.cursor = self.cursor.saturating_add(1);
    }

    /// Keeps an event that came early; tells what was shed to stay in the budget.
    ///
    /// The highest numbers go first, because the lowest are the next to be consumed. A shed event
    /// is forgotten: the gap that it leaves has to be replayed.
    pub fn hold(&mut self, seq: Seq, event: T) -> Option<Shed> {
        if self.place(seq) != Place::Ahead {
            return None;
        }
        self.held_bytes = self.held_bytes.saturating_add(event.cost());
        self.held.insert(seq, event);
        self.shed_excess()
    }

    /// Takes the event behind the cursor, if it is waiting.
    pub fn pop(&mut self) -> Option<T> {
        let entry = self.held.first_entry()?;
        if *entry.key() != self.cursor.saturating_add(1) {
            return None;
        }
        let event = entry.remove();
        self.held_bytes = self.held_bytes.saturating_sub(event.cost());
        self.advance();
        Some(event)
    }

    /// Gives up the hole behind the cursor, no further than `upto`, and returns its numbers.
    ///
    /// This is the only way in which the cursor crosses a number that was never consumed.
    pub fn give_up(&mut self, upto: Seq) -> Option<RangeInclusive<Seq>> {
        let first = self.cursor.checked_add(1)?;
        let last = match self.held.first_key_value() {
            Some((&held, _)) => upto.min(held.saturating_sub(1)),
            None => upto,
        };
        if last < first {
            return None;
        }
        self.cursor = last;
        Some(first..=last)
    }

    /// Forgets what is waiting.
    pub fn clear(&mut self) {
        self.held.clear();
        self.held_bytes = 0;
    }

    fn shed_excess(&mut self) -> Option<Shed> {
        let mut shed = None;
        while self.held.len() > self.max_events || self.held_bytes > self.max_bytes {
            let Some((lowest, event)) = self.held.pop_last() else { break };
            self.held_bytes = self.held_bytes.saturating_sub(event.cost());
            let events = shed.map_or(0, |shed: Shed| shed.events) + 1;
            shed = Some(Shed { events, lowest });
        }
        shed
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    impl Cost for u64 {
        fn cost(&self) -> usize {
            10
        }
    }

    /// Feeds one event the way a session does and collects what becomes ready.
    fn feed(sequencer: &mut Sequencer<u64>, seq: Seq, out: &mut Vec<Seq>) -> u64 {
        match sequencer.place(seq) {
            Place::Seen => 0,
            Place::Ahead => sequencer.hold(seq, seq).map_or(0, |shed| shed.events),
            Place::Next => {
                sequencer.advance();
                out.push(seq);
                out.extend(core::iter::from_fn(|| sequencer.pop()));
                0
            }
        }
    }

    fn run(events: impl IntoIterator<Item = Seq>, sequencer: &mut Sequencer<u64>) -> Vec<Seq> {
        let mut out = Vec::new();
        for seq in events {
            feed(sequencer, seq, &mut out);
        }
        out
    }

    #[test]
    fn reversed_events_come_out_in_order() {
        let mut sequencer = Sequencer::new(100, 10_000);
        assert_eq!(run((1..=50).rev(), &mut sequencer), (1..=50).collect::<Vec<_>>());
        assert_eq!(sequencer.held_bytes(), 0);
    }

    #[test]
    fn duplicates_are_seen_whether_consumed_or_held() {
        let mut sequencer = Sequencer::new(10, 1000);
        run([1, 2, 5], &mut sequencer);
        assert_eq!(sequencer.place(0), Place::Seen);
        assert_eq!(sequencer.place(2), Place::Seen);
        assert_eq!(sequencer.place(5), Place::Seen);
        assert_eq!(sequencer.hold(5, 5), None);
        assert_eq!(sequencer.held_bytes(), 10);
    }

    /// <https://github.com/openai/codex/issues/31576>
    #[test]
    fn reorder_buffer_sheds_the_highest() {
        let mut sequencer = Sequencer::new(3, 1000);
        let mut out = vec![];
        let shed: u64 =
            [9, 3, 7, 5, 4].iter().map(|&seq| feed(&mut sequencer, seq, &mut out)).sum();
        assert_eq!(shed, 2);
        assert_eq!(run([2, 1], &mut sequencer), [1, 2, 3, 4], "5 had to make room for 2");
    }

    #[test]
    fn bytes_are_a_budget_of_their_own() {
        let mut sequencer = Sequencer::new(1000, 25);
        assert_eq!(sequencer.hold(5, 5), None);
        assert_eq!(sequencer.hold(4, 4), None);
        assert_eq!(sequencer.hold(3, 3), Some(Shed { events: 1, lowest: 5 }));
        assert_eq!((sequencer.held_events(), sequencer.held_bytes()), (2, 20));
    }

    /// <https://github.com/openai/codex/issues/31576>
    #[test]
    fn full_buffer_still_admits_the_next_expected_event_and_drains() {
        let mut sequencer = Sequencer::new(2, 1000);
        run([2, 3], &mut sequencer);
        assert_eq!(sequencer.held_events(), 2);
        assert_eq!(run([1], &mut sequencer), [1, 2, 3]);
        assert_eq!(sequencer.held_events(), 0);
    }

    /// <https://github.com/openai/codex/issues/31576>
    #[test]
    fn large_distance_holds_one_event_and_nothing_more() {
        let mut sequencer = Sequencer::new(10, 1000);
        run([u64::MAX], &mut sequencer);
        assert_eq!((sequencer.held_events(), sequencer.held_bytes()), (1, 10));
        assert_eq!(sequencer.gap(), Some(1..=u64::MAX - 1));
        assert_eq!(sequencer.missing_up_to(u64::MAX), u64::MAX - 1);
        assert_eq!(sequencer.give_up(u64::MAX - 1), Some(1..=u64::MAX - 1));
        assert_eq!(sequencer.pop(), Some(u64::MAX));
        assert_eq!(sequencer.place(u64::MAX), Place::Seen);
        assert_eq!(sequencer.give_up(u64::MAX), None, "there is nothing behind it");
        assert_eq!(sequencer.first_missing(), u64::MAX);
    }

    #[test]
    fn holes_are_given_up_one_by_one() {
        let mut sequencer = Sequencer::new(10, 1000);
        run([3, 6], &mut sequencer);
        assert_eq!(sequencer.missing_up_to(7), 5);
        assert_eq!(sequencer.first_missing(), 1);
        assert_eq!(sequencer.give_up(7), Some(1..=2));
        assert_eq!(sequencer.give_up(7), None, "an event is waiting");
        assert_eq!(sequencer.pop(), Some(3));
        assert_eq!(sequencer.give_up(4), Some(4..=4), "no further than asked");
        assert_eq!(sequencer.give_up(7), Some(5..=5));
        assert_eq!(sequencer.pop(), Some(6));
        assert_eq!(sequencer.give_up(7), Some(7..=7));
        assert_eq!(sequencer.give_up(7), None);
    }

    #[test]
    fn a_budget_that_is_used_to_the_last_byte_sheds_nothing() {
        let mut sequencer = Sequencer::new(16, 20);
        assert_eq!(sequencer.hold(3, 3), None);
        assert_eq!(sequencer.hold(2, 2), None);
        assert_eq!(sequencer.hold(5, 5), Some(Shed { events: 1, lowest: 5 }));
    }

    #[test]
    fn what_is_cleared_is_forgotten() {
        let mut sequencer = Sequencer::new(16, 100);
        assert_eq!(sequencer.hold(2, 2), None);
        sequencer.clear();
        assert_eq!((sequencer.held_events(), sequencer.held_bytes()), (0, 0));
        assert_eq!(sequencer.place(2), Place::Ahead);
    }

    proptest! {
        /// Any order with any repetition, within the budget, equals the sorted distinct events up
        /// to the first one that never came.
        #[test]
        fn any_schedule_yields_the_dense_prefix(events in prop::collection::vec(1u64..40, 0..120)) {
            let mut sequencer = Sequencer::new(64, 10_000);
            let out = run(events.iter().copied(), &mut sequencer);
            let dense = (1..41).take_while(|seq| events.contains(seq)).collect::<Vec<_>>();
            prop_assert_eq!(out, dense);
            prop_assert_eq!(sequencer.held_bytes(), sequencer.held_events() * 10);
        }

        /// Whatever arrives, the budget holds, and replaying everything in order completes.
        #[test]
        fn budget_holds_and_replay_completes(events in prop::collection::vec(1u64..200, 0..200)) {
            let mut sequencer = Sequencer::new(8, 50);
            let mut out = Vec::new();
            for seq in events {
                feed(&mut sequencer, seq, &mut out);
                prop_assert!(sequencer.held_events() <= 8 && sequencer.held_bytes() <= 50);
            }
            for seq in 1..200 {
                feed(&mut sequencer, seq, &mut out);
            }
            prop_assert_eq!(out, (1..200).collect::<Vec<_>>());
        }
    }
}
