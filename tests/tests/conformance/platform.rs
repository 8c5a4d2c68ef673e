//! The runtimes.

use std::{future::Future, process::Command, sync::Arc};

use farpipe_async_std::AsyncStdRuntime;
use farpipe_core::Limits;
use farpipe_driver::{
    Connect, Handle,
    process::{LocalProcess, SpawnError, Start},
};
use farpipe_smol::{SmolProcess, SmolRuntime};
use farpipe_tests::session::{Lines, message, patient, sh};
use farpipe_tokio::{TokioProcess, TokioRuntime};
use smol::Executor;
use tokio::runtime::Builder;

/// What the tests need of a runtime.
pub(crate) trait Platform {
    type Runtime: Connect;
    type Start: Start<Command: From<Command>>;

    /// Called on the runtime.
    fn runtime() -> Self::Runtime;

    /// Runs `future` on the runtime, which goes on at least as long.
    fn run<F: Future>(future: F) -> F::Output;

    /// Starts a process without a session. Called on the runtime.
    fn process(script: impl AsRef<str>) -> LocalProcess<Self::Start> {
        LocalProcess::spawn(sh(script)).unwrap()
    }

    /// Starts a session. Called on the runtime.
    fn start(limits: Limits, command: Command) -> Result<Handle<Lines>, SpawnError>;

    /// Starts a session with a script that is given time to end.
    fn spawn(script: impl AsRef<str>) -> Handle<Lines> {
        Self::start(patient(), sh(script)).unwrap()
    }

    /// Starts a session with a script that is not.
    fn spawn_with(limits: Limits, script: impl AsRef<str>) -> Handle<Lines> {
        Self::start(limits, sh(script)).unwrap()
    }
}

/// A runtime that can end before the program does.
pub(crate) trait ShutDown {
    /// Starts a session, waits for its first message and shuts the runtime down.
    fn outlive(script: String) -> Handle<Lines>;
}

pub(crate) struct Tokio;

impl Platform for Tokio {
    type Runtime = TokioRuntime;
    type Start = TokioProcess;

    fn runtime() -> TokioRuntime {
        TokioRuntime::current()
    }

    fn run<F: Future>(future: F) -> F::Output {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(future)
    }

    fn start(limits: Limits, command: Command) -> Result<Handle<Lines>, SpawnError> {
        farpipe_tokio::spawn_with(Lines, limits, command)
    }
}

impl ShutDown for Tokio {
    fn outlive(script: String) -> Handle<Lines> {
        Self::run(async {
            let handle = Self::spawn(script);
            message(&handle).await;
            handle
        })
    }
}

pub(crate) struct Smol;

impl Platform for Smol {
    type Runtime = SmolRuntime;
    type Start = SmolProcess;

    fn runtime() -> SmolRuntime {
        SmolRuntime::new()
    }

    fn run<F: Future>(future: F) -> F::Output {
        smol::block_on(future)
    }

    fn start(limits: Limits, command: Command) -> Result<Handle<Lines>, SpawnError> {
        farpipe_smol::spawn_with(Lines, limits, command)
    }
}

impl ShutDown for Smol {
    fn outlive(script: String) -> Handle<Lines> {
        let executor = Arc::new(Executor::new());
        let runtime = SmolRuntime::with_executor(&executor);
        let handle = farpipe_smol::spawn_on(&runtime, Lines, patient(), sh(script)).unwrap();
        smol::block_on(executor.run(message(&handle)));
        handle
    }
}

pub(crate) struct AsyncStd;

impl Platform for AsyncStd {
    type Runtime = AsyncStdRuntime;
    type Start = SmolProcess;

    fn runtime() -> AsyncStdRuntime {
        AsyncStdRuntime::new()
    }

    fn run<F: Future>(future: F) -> F::Output {
        async_std::task::block_on(future)
    }

    fn start(limits: Limits, command: Command) -> Result<Handle<Lines>, SpawnError> {
        farpipe_async_std::spawn_with(Lines, limits, command)
    }
}
