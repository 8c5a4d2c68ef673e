//! Putting a session, its executor and its runtime together.

use std::sync::Arc;

use farpipe_core::{Checkpoint, Decode, InvalidLimits, RestoreError, Session};

use crate::{Executor, Handle, Options, Pump, Runtime, shared::Shared};

/// The application's end of a session, and what has to be run for it.
pub type Connected<D, E, R> = (Handle<D>, Pump<D, E, R>);

/// Makes a session with a process: a handle for the application, and the [`Pump`] that has to be
/// run as a task. Nothing happens before the pump is polled.
///
/// `options` may be just [`Limits`](farpipe_core::Limits) or [`Settings`](farpipe_core::Settings). If
/// the limits are refused, the executor is dropped, and the process given up with it.
pub fn connect<D, E, R>(
    decode: D,
    options: impl Into<Options<D>>,
    executor: E,
    runtime: R,
) -> Result<Connected<D, E, R>, InvalidLimits>
where
    D: Decode,
    E: Executor,
    R: Runtime,
{
    let options = options.into();
    let session = Session::new(decode, executor.capabilities(), options.settings.clone())?;
    Ok(join(session, options, executor, runtime))
}

/// Goes on with a session that was put aside, see [`Session::restore`]. Otherwise like [`connect`].
///
/// `executor` is to be attached to the same process. A session that is restored cannot be recorded:
/// a recording begins with an empty one.
pub fn restore<D, E, R>(
    decode: D,
    options: impl Into<Options<D>>,
    checkpoint: Checkpoint,
    executor: E,
    runtime: R,
) -> Result<Connected<D, E, R>, RestoreError>
where
    D: Decode,
    E: Executor,
    R: Runtime,
{
    let mut options = options.into();
    if options.recording.take().is_some() {
        tracing::warn!("a restored session cannot be recorded");
    }
    let (capabilities, settings) = (executor.capabilities(), options.settings.clone());
    let session = Session::restore(decode, capabilities, settings, checkpoint)?;
    Ok(join(session, options, executor, runtime))
}

fn join<D, E, R>(
    session: Session<D>,
    options: Options<D>,
    executor: E,
    runtime: R,
) -> Connected<D, E, R>
where
    D: Decode,
    E: Executor,
    R: Runtime,
{
    let (clock, terminator) = (runtime.clone(), executor.terminator());
    let shared = Arc::new(Shared::new(session, options, terminator, move || clock.now()));
    let pump = Pump::new(Arc::clone(&shared), executor, runtime);
    (Handle::new(shared), pump)
}

/// Makes a session with a process and runs its [`Pump`] on the runtime. Otherwise like [`connect`].
pub fn spawn<D, E, R>(
    decode: D,
    options: impl Into<Options<D>>,
    executor: E,
    runtime: &R,
) -> Result<Handle<D>, InvalidLimits>
where
    D: Decode + Send + 'static,
    D::Message: Send,
    E: Executor,
    R: Runtime,
{
    let (handle, pump) = connect(decode, options, executor, runtime.clone())?;
    runtime.spawn(pump);
    Ok(handle)
}
