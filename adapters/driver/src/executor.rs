//! What an executor supplies: it does what a session asks for and tells it what happened.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use farpipe_core::{Action, Capabilities, Input};

/// Whether the session has room for more output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flow {
    /// Output is welcome.
    Open,
    /// The application is behind: leave output where it is.
    ///
    /// Answers to actions and news of the exit and of the link are welcome all the same.
    Paused,
}

/// Runs one process, here or far away, for one session.
///
/// Everything that happens, answers to actions included, comes back through one function,
/// [`poll_input`](Self::poll_input); a fault of the link is an [`Input`] too, never an error.
///
/// Dropping an executor gives the process up, as its [`terminator`](Self::terminator) does.
pub trait Executor: Send + 'static {
    /// What it promises. Asked once, before anything else.
    fn capabilities(&self) -> Capabilities;

    /// Begins to do what the session asks for. Must not block.
    ///
    /// The answer, where `action` has one, comes from [`poll_input`](Self::poll_input), which is
    /// polled again afterwards: there is no waker to call.
    fn start(&mut self, action: Action);

    /// The next thing that happened.
    ///
    /// Must do its work in small steps: at most one [`Input`] a call. When it is pending, it has
    /// arranged for a wake-up by whatever `flow` lets through. It is not called again after
    /// [`Input::Ended`].
    ///
    /// Cancel safe: what it has read and not returned stays in the executor.
    #[must_use = "what happened is lost if it is not handed to the session"]
    fn poll_input(&mut self, cx: &mut Context<'_>, flow: Flow) -> Poll<Input>;

    /// A way to end the process at once, for the case that nobody polls this executor any more.
    fn terminator(&self) -> Terminator;
}

/// So that one program can choose among executors when it runs.
impl<E: Executor + ?Sized> Executor for Box<E> {
    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn start(&mut self, action: Action) {
        (**self).start(action);
    }

    fn poll_input(&mut self, cx: &mut Context<'_>, flow: Flow) -> Poll<Input> {
        (**self).poll_input(cx, flow)
    }

    fn terminator(&self) -> Terminator {
        (**self).terminator()
    }
}

/// Ends a process and its descendants at once.
///
/// It works from any thread, with or without a runtime there, does not block, and does nothing
/// the second time. The handles of a session call it when the last of them is dropped.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicBool, Ordering}};
/// use farpipe_driver::Terminator;
///
/// let told = Arc::new(AtomicBool::new(false));
/// let flag = Arc::clone(&told);
/// let terminator = Terminator::new(move || flag.store(true, Ordering::Release));
/// std::thread::spawn(move || terminator.terminate()).join().unwrap();
/// assert!(told.load(Ordering::Acquire));
/// ```
#[derive(Clone)]
pub struct Terminator(Arc<dyn Fn() + Send + Sync>);

impl Terminator {
    /// Wraps what ends the process. It must keep the promises of the type, and not panic.
    pub fn new(terminate: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(terminate))
    }

    /// Ends the process.
    pub fn terminate(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Terminator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminator").finish_non_exhaustive()
    }
}
