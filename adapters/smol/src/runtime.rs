//! Clock, timers, tasks and sockets.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll},
    time::Instant,
};

use farpipe_core::Timestamp;
use farpipe_driver::{Connect, Runtime};
use smol::{Executor, Timer, net::TcpStream};

/// smol. Clones share one clock.
///
/// It works from any thread.
#[derive(Clone)]
pub struct SmolRuntime {
    tasks: Tasks,
    origin: Instant,
}

/// Where tasks run.
#[derive(Clone)]
enum Tasks {
    Global,
    // A task holds its runtime: with a strong reference, no executor would ever be dropped.
    Own(Weak<Executor<'static>>),
}

impl SmolRuntime {
    /// Runs tasks on smol's global executor, which starts with the first one and never ends.
    pub fn new() -> Self {
        Self::on(Tasks::Global)
    }

    /// Runs tasks on `executor`, wherever that is run.
    ///
    /// It does not keep the executor alive: when that is dropped, the sessions on it end.
    pub fn with_executor(executor: &Arc<Executor<'static>>) -> Self {
        Self::on(Tasks::Own(Arc::downgrade(executor)))
    }

    fn on(tasks: Tasks) -> Self {
        Self { tasks, origin: Instant::now() }
    }
}

impl Default for SmolRuntime {
    fn default() -> Self {
        Self::new()
    }
}

impl Runtime for SmolRuntime {
    type Sleep = Sleep;

    fn now(&self) -> Timestamp {
        Timestamp::from_origin(self.origin.elapsed())
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        // A moment beyond the end of time is out of reach.
        let timer = self.origin.checked_add(at.since_origin()).map_or_else(Timer::never, Timer::at);
        Sleep(timer)
    }

    fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match &self.tasks {
            Tasks::Global => smol::spawn(task).detach(),
            Tasks::Own(executor) => {
                // Without the executor the task is dropped, as all others on it were.
                if let Some(executor) = executor.upgrade() {
                    executor.spawn(task).detach();
                }
            }
        }
    }
}

impl Connect for SmolRuntime {
    type Stream = TcpStream;

    fn connect(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<TcpStream>> + Send + 'static {
        let host = host.to_owned();
        async move {
            let stream = TcpStream::connect((&*host, port)).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        }
    }
}

impl fmt::Debug for SmolRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let global = matches!(self.tasks, Tasks::Global);
        f.debug_struct("SmolRuntime").field("global", &global).finish_non_exhaustive()
    }
}

/// A timer of smol.
#[derive(Debug)]
pub struct Sleep(Timer);

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}
