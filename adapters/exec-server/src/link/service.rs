//! Moving frames between a socket and the connection.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use async_tungstenite::tungstenite::Message;
use farpipe_core::Timestamp;
use farpipe_driver::Connect;

use super::{
    pulse::{Beat, Pulse},
    silence::Silence,
    socket::{Frame, Socket},
};
use crate::{ConnectError, Fault, Options, connection::Connection, shared::Shared};

/// How many frames are read before other tasks get their turn. With 8 KiB of output in each (§3), what
/// waits for the sessions stays in the cache, and memory that is given back is taken again: with 64
/// of them the heap grew and shrank all the time, which took a sixth of the CPU time.
const FRAMES_PER_POLL: usize = 8;

/// Serves one socket until it is lost. It parses and routes, and waits for no consumer.
pub(super) struct Service<'a, R: Connect> {
    shared: &'a Shared,
    socket: &'a mut Socket,
    runtime: &'a R,
    options: &'a Options,
    pulse: Pulse,
    /// A frame that is due, ahead of any request.
    control: Option<Message>,
    silence: Silence,
    /// Since when answers can come: not while nothing is read.
    listening: Timestamp,
    timer: Option<(Timestamp, Pin<Box<R::Sleep>>)>,
}

/// Why a socket is not served any more.
#[derive(Debug)]
pub(super) enum Lost {
    /// The link is gone; the session may live on.
    Link(String),
    /// The server does not talk sense.
    Fault(Fault),
    /// Nobody needs it.
    Unused,
}

impl From<Lost> for ConnectError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Fault(Fault::Refused(error)) => Self::Refused(error),
            Lost::Fault(fault) => Self::Fault(fault),
            Lost::Link(reason) => Self::LinkLost(reason),
            Lost::Unused => Self::LinkLost("nobody needs it".into()),
        }
    }
}

impl<'a, R: Connect> Service<'a, R> {
    pub(super) fn new(
        shared: &'a Shared,
        socket: &'a mut Socket,
        runtime: &'a R,
        options: &'a Options,
    ) -> Self {
        let listening = runtime.now();
        Self {
            shared,
            socket,
            runtime,
            options,
            pulse: Pulse::new(listening, options.heartbeat),
            control: None,
            silence: Silence::new(listening),
            listening,
            timer: None,
        }
    }

    /// Ready once the session is open.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        if let Poll::Ready(lost) = self.poll(cx) {
            return Poll::Ready(Err(lost.into()));
        }
        let ready = self.shared.update(|connection| connection.is_ready());
        if ready { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Ready once the socket is lost.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Lost> {
        match self.try_poll(cx) {
            Ok(()) => Poll::Pending,
            Err(lost) => Poll::Ready(lost),
        }
    }

    fn try_poll(&mut self, cx: &mut Context<'_>) -> Result<(), Lost> {
        // Before the first look: what changes behind it wakes this task again.
        self.shared.update(|connection| connection.register_link(cx.waker()));
        if self.shared.is_unused() {
            return Err(Lost::Unused);
        }
        self.exchange(cx)?;
        self.keep_time(cx)
    }

    fn exchange(&mut self, cx: &mut Context<'_>) -> Result<(), Lost> {
        self.send(cx)?;
        let now = self.runtime.now();
        for _ in 0..FRAMES_PER_POLL {
            if self.is_paused() {
                return Ok(());
            }
            let Poll::Ready(frame) = self.socket.poll_receive(cx) else { return Ok(()) };
            self.pulse.heard();
            if let Frame::Message(message) = frame? {
                self.silence.heard();
                self.receive(now, message).map_err(Lost::Fault)?;
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Pending is all the same: the socket wakes this task when there is room.
    fn send(&mut self, cx: &mut Context<'_>) -> Result<(), Lost> {
        let now = self.runtime.now();
        let next = || {
            if let Some(control) = self.control.take() {
                return Some(control);
            }
            let frame = self.shared.update(|connection| connection.next_frame(now))?;
            self.silence.spoken();
            Some(Message::text(frame))
        };
        match self.socket.poll_send(cx, next) {
            Poll::Ready(sent) => sent,
            Poll::Pending => Ok(()),
        }
    }

    fn receive(&self, now: Timestamp, message: Message) -> Result<(), Fault> {
        match message {
            Message::Text(text) => self.shared.update(|connection| connection.received(now, &text)),
            _ => Err(Fault::Binary),
        }
    }

    /// While the session is being opened its answer has to be read, whoever is behind.
    fn is_paused(&self) -> bool {
        self.shared.update(|connection| connection.is_ready() && connection.is_paused())
    }

    fn keep_time(&mut self, cx: &mut Context<'_>) -> Result<(), Lost> {
        loop {
            let now = self.runtime.now();
            self.check_pulse(now)?;
            let due = self.check_answers(now)?;
            let silence = self.break_silence(now);
            self.send(cx)?;
            let release = self.shared.update(|connection| connection.next_release());
            let release = release.filter(|at| *at > now);
            let deadlines = [due, silence, release].into_iter().flatten();
            let deadline = deadlines.fold(self.pulse.next(), Timestamp::min);
            if self.poll_timer(deadline, cx).is_pending() {
                return Ok(());
            }
        }
    }

    fn check_pulse(&mut self, now: Timestamp) -> Result<(), Lost> {
        if self.is_paused() {
            // Whether it is silent cannot be known while it is not listened to.
            self.pulse.heard();
        }
        match self.pulse.beat(now) {
            Beat::Wait => Ok(()),
            Beat::Ping => {
                self.control = Some(Message::Ping(bytes::Bytes::new()));
                Ok(())
            }
            Beat::Lost => Err(Lost::Link(format!(
                "nothing was heard for two intervals of {:?}",
                self.options.heartbeat
            ))),
        }
    }

    /// With the smallest frame there is, or says when.
    fn break_silence(&mut self, now: Timestamp) -> Option<Timestamp> {
        let due = self.silence.due()?;
        if due > now {
            return Some(due);
        }
        self.silence.broken(now);
        self.control.get_or_insert(Message::Pong(bytes::Bytes::new()));
        None
    }

    /// When the next answer is due, if there is a limit to it.
    fn check_answers(&mut self, now: Timestamp) -> Result<Option<Timestamp>, Lost> {
        if self.is_paused() {
            self.listening = now;
            return Ok(None);
        }
        let (control, request) = (self.options.control_timeout, self.options.request_timeout);
        let due =
            self.shared.update(|connection: &mut Connection| connection.due(control, request));
        let Some(due) = due else { return Ok(None) };
        let at = due.since.max(self.listening) + due.patience;
        if at > now {
            return Ok(Some(at));
        }
        self.shared.update(|connection| connection.hold_oldest_write(now, control, request));
        Err(Lost::Link(due.to_string()))
    }

    fn poll_timer(&mut self, at: Timestamp, cx: &mut Context<'_>) -> Poll<()> {
        let timer = match &mut self.timer {
            Some((armed, timer)) if *armed == at => timer,
            _ => &mut self.timer.insert((at, Box::pin(self.runtime.sleep_until(at)))).1,
        };
        let fired = timer.as_mut().poll(cx);
        if fired.is_ready() {
            self.timer = None;
        }
        fired
    }
}
