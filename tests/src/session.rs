//! Sessions with shell scripts, for tests on any runtime.

use std::{future::Future, pin::pin, process::Command, task::Poll, time::Duration};

use bytes::Bytes;
use farpipe_core::{BadReason, Calls, Decode, Decoded, End, Event, Limits, Line};
use farpipe_driver::Handle;
use smol::{Timer, future};

/// How long anything may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Every line is a message.
#[derive(Debug)]
pub struct Lines;

impl Decode for Lines {
    type Message = Bytes;

    fn decode(&mut self, line: &mut Line<'_>, _: &Calls) -> Result<Decoded<Bytes>, BadReason> {
        Ok(Decoded::Message(line.to_bytes()))
    }
}

/// Runs `script` in a shell.
pub fn sh(script: impl AsRef<str>) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script.as_ref()]);
    command
}

/// However busy the machine is, a process that does as it is told is given the time for it.
pub fn patient() -> Limits {
    Limits { close_stdin_wait: PATIENCE, ..Limits::default() }
}

/// Every step of the close plan, as short as can be: the tests show the steps, not the waiting.
pub fn impatient() -> Limits {
    let short = Duration::from_millis(30);
    Limits { close_stdin_wait: short, close_interrupt_wait: short, ..Limits::default() }
}

/// Waits for `future`, on any runtime, with [`PATIENCE`].
///
/// # Panics
///
/// If it hangs.
pub async fn within<F: Future>(future: F) -> F::Output {
    let watchdog = async {
        Timer::after(PATIENCE).await;
        panic!("it hangs");
    };
    // The watchdog first: what is only ready when the watchdog wakes it was hanging.
    future::or(watchdog, future).await
}

/// The next message; everything else is passed over.
///
/// # Panics
///
/// If the session ends instead.
pub async fn message(handle: &Handle<Lines>) -> Bytes {
    loop {
        match within(handle.next_event()).await {
            Some(Event::Message(message)) => return message,
            Some(Event::End(end)) => panic!("{end}"),
            Some(_) => {}
            None => panic!("after the end"),
        }
    }
}

/// All that is left, up to the end.
///
/// # Panics
///
/// If the end does not come.
pub async fn rest(handle: &Handle<Lines>) -> (Vec<Event<Bytes>>, End) {
    let mut events = Vec::new();
    loop {
        match within(handle.next_event()).await.expect("an end") {
            Event::End(end) => return (events, end),
            event => events.push(event),
        }
    }
}

/// Polls at most `polls` times, then drops the future.
pub async fn at_most<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polled = 0;
    std::future::poll_fn(|cx| {
        if polled == polls {
            return Poll::Ready(None);
        }
        polled += 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polled == polls => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
