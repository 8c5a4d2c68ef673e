//! Who has to be woken, collected under the lock and woken outside it.

use std::{collections::VecDeque, mem, task::Waker};

use farpipe_core::Delivery;
use futures_channel::oneshot;

/// How many tasks can wait for the same thing. With more, the one that has waited longest is woken
/// for nothing and waits again: what a task left behind when it was dropped goes away like this.
const MAX_WAITING: usize = 256;

/// The tasks that wait for one thing, the longest waiting first.
#[derive(Debug, Default)]
pub(crate) struct Wakers(VecDeque<Waker>);

impl Wakers {
    /// Adds a task once, however often it asks.
    pub(crate) fn register(&mut self, waker: &Waker, wakeups: &mut Wakeups) {
        if self.0.iter().any(|known| known.will_wake(waker)) {
            return;
        }
        if self.0.len() == MAX_WAITING {
            wakeups.tasks.extend(self.0.pop_front());
        }
        self.0.push_back(waker.clone());
    }

    /// Has all of them woken, once.
    pub(crate) fn wake(&mut self, wakeups: &mut Wakeups) {
        wakeups.tasks.append(&mut self.0);
    }
}

/// What to do once the lock is free: wakers are foreign code and may well want the lock.
#[derive(Debug, Default)]
pub(crate) struct Wakeups {
    tasks: VecDeque<Waker>,
    settled: Vec<(oneshot::Sender<Delivery>, Delivery)>,
}

impl Wakeups {
    pub(crate) fn task(&mut self, waker: &mut Option<Waker>) {
        self.tasks.extend(mem::take(waker));
    }

    pub(crate) fn settled(&mut self, sender: oneshot::Sender<Delivery>, delivery: Delivery) {
        self.settled.push((sender, delivery));
    }

    pub(crate) fn fire(self) {
        for (sender, delivery) in self.settled {
            // Nobody may want to know any more.
            let _ = sender.send(delivery);
        }
        for task in self.tasks {
            task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Wake,
    };

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn task() -> (Arc<Count>, Waker) {
        let count = Arc::<Count>::default();
        (Arc::clone(&count), count.into())
    }

    #[test]
    fn a_task_that_asks_twice_is_woken_once() {
        let (count, waker) = task();
        let (mut wakers, mut wakeups) = (Wakers::default(), Wakeups::default());
        wakers.register(&waker, &mut wakeups);
        wakers.register(&waker.clone(), &mut wakeups);
        wakers.wake(&mut wakeups);
        wakers.wake(&mut wakeups);
        wakeups.fire();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn tasks_that_are_gone_do_not_pile_up() {
        let (first, waker) = task();
        let (mut wakers, mut wakeups) = (Wakers::default(), Wakeups::default());
        wakers.register(&waker, &mut wakeups);
        for _ in 0..10 * MAX_WAITING {
            wakers.register(&task().1, &mut wakeups);
        }
        assert_eq!(wakers.0.len(), MAX_WAITING);
        wakeups.fire();
        assert_eq!(first.0.load(Ordering::Relaxed), 1, "a live task has to ask again");
    }
}
