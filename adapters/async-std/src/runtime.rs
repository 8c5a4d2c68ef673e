//! async-std's tasks beside smol's clock, timers and sockets.

use std::{future::Future, io};

use farpipe_core::Timestamp;
use farpipe_driver::{Connect, Runtime};
use farpipe_smol::{Sleep, SmolRuntime};

/// async-std. Clones share one clock.
///
/// It works from any thread. Tasks run on async-std's global executor, which never ends.
#[derive(Clone, Debug, Default)]
pub struct AsyncStdRuntime {
    // Only its tasks would need an executor.
    smol: SmolRuntime,
}

impl AsyncStdRuntime {
    /// async-std, with a clock that starts now.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Runtime for AsyncStdRuntime {
    type Sleep = Sleep;

    fn now(&self) -> Timestamp {
        self.smol.now()
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        self.smol.sleep_until(at)
    }

    fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        async_std::task::spawn(task);
    }
}

impl Connect for AsyncStdRuntime {
    type Stream = <SmolRuntime as Connect>::Stream;

    fn connect(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send + 'static {
        self.smol.connect(host, port)
    }
}
