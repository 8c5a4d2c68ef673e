//! What nobody read, and when it is given away.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use farpipe_core::{Action, Capabilities, Input};
use farpipe_driver::{Executor, Flow, Handle, Monitor, Options, Terminator, connect};

use crate::support::{Fake, Lines, Task, World, now_or_never};

/// Gives the last handle up when it is dropped itself.
struct Parting(Fake, Arc<Mutex<Option<Handle<Lines>>>>);

impl Executor for Parting {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn start(&mut self, action: Action) {
        self.0.start(action);
    }

    fn poll_input(&mut self, cx: &mut Context<'_>, flow: Flow) -> Poll<Input> {
        self.0.poll_input(cx, flow)
    }

    fn terminator(&self) -> Terminator {
        self.0.terminator()
    }
}

impl Drop for Parting {
    fn drop(&mut self) {
        drop(self.1.lock().unwrap().take());
    }
}

/// Counts what was left by the time that it can hear of the end.
struct Heard {
    monitor: Monitor<Lines>,
    left: Arc<AtomicUsize>,
    before: AtomicUsize,
}

impl Wake for Heard {
    fn wake(self: Arc<Self>) {
        if now_or_never(self.monitor.ended()).is_some() {
            self.before.fetch_min(self.left.load(Ordering::SeqCst), Ordering::SeqCst);
        }
    }
}

/// As when a client gives up in one thread while the pump ends in another.
#[test]
fn what_nobody_read_is_left_before_the_end_is_known() {
    let world = World::default();
    let left = Arc::<AtomicUsize>::default();
    let seen = Arc::clone(&left);
    let options = Options::new().leftover(move |_| {
        seen.fetch_add(1, Ordering::SeqCst);
    });
    let last = Arc::<Mutex<Option<Handle<Lines>>>>::default();
    let executor = Parting(world.executor(), Arc::clone(&last));
    let (handle, pump) = connect(Lines, options, executor, world.clock()).unwrap();
    let monitor = handle.monitor();
    last.lock().unwrap().replace(handle);
    world.output(1, "unread\n");
    world.exit(2);
    let before = AtomicUsize::new(usize::MAX);
    let heard = Arc::new(Heard { monitor: monitor.clone(), left, before });
    let waker = Waker::from(Arc::clone(&heard));
    let mut ended = pin!(monitor.ended());
    assert!(ended.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    assert!(Task::new(pump).run().is_ready());
    assert_eq!(heard.before.load(Ordering::SeqCst), 2, "the message and the exit");
}

#[test]
fn a_leftover_that_panics_keeps_nobody_waiting() {
    let world = World::default();
    let last = Arc::<Mutex<Option<Handle<Lines>>>>::default();
    let executor = Parting(world.executor(), Arc::clone(&last));
    let options = Options::new().leftover(|_| panic!("as the test asked for"));
    let (handle, pump) = connect(Lines, options, executor, world.clock()).unwrap();
    let monitor = handle.monitor();
    last.lock().unwrap().replace(handle);
    world.output(1, "unread\n");
    world.exit(2);
    let mut pump = Task::new(pump);
    assert!(catch_unwind(AssertUnwindSafe(|| pump.run())).is_err());
    assert!(now_or_never(monitor.ended()).is_some());
}
