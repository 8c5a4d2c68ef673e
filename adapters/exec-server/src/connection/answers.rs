//! What answers mean, by what was asked.

use std::{fmt, time::Duration};

use farpipe_core::{Input, ReplayId, Timestamp, WriteId, WriteOutcome};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{Connection, Name, Phase, Session, requests::Sent};
use crate::{
    Fault, PingError, ServerError, StartError,
    wire::{
        self,
        incoming::{Retained, Welcome, Written},
        outgoing::Ask,
    },
};

/// The server answers with this id what it could not read (§2).
const UNREADABLE: i64 = -1;

type Answer<'a> = Result<&'a str, ServerError>;

impl Connection {
    pub(super) fn answered(
        &mut self,
        now: Timestamp,
        id: &Value,
        result: Option<&RawValue>,
        error: Option<ServerError>,
    ) -> Result<(), Fault> {
        let answer = match (error, result) {
            (Some(error), _) => Err(error),
            (None, Some(result)) => Ok(result.get()),
            (None, None) => return Err(Fault::Shapeless),
        };
        let number = id.as_i64();
        if let (Some(UNREADABLE), Err(error)) = (number, &answer) {
            return Err(Fault::NotUnderstood(error.clone()));
        }
        if let Phase::Handshaking { id } = self.phase
            && number == Some(id)
        {
            return self.welcomed(answer);
        }
        let request = number.and_then(|number| self.requests.answered(number));
        let Sent { request, at } = request.ok_or_else(|| Fault::UnknownId(id.to_string()))?;
        self.settle(&request.process, &request.ask, answer, now.saturating_since(at));
        Ok(())
    }

    fn welcomed(&mut self, answer: Answer<'_>) -> Result<(), Fault> {
        let welcome: Welcome = parse("initialize", answer.map_err(Fault::Refused)?)?;
        self.link_up(Session { id: welcome.session_id, environment: welcome.environment_info })
    }

    fn settle(&mut self, name: &Name, ask: &Ask, answer: Answer<'_>, waited: Duration) {
        match *ask {
            Ask::Start { .. } => self.start_answered(name, answer),
            Ask::Write { id, .. } => self.write_answered(name, id, answer),
            Ask::Read { request, .. } => self.read_answered(name, request, answer),
            Ask::Status { ping } => {
                self.pinged(ping, answer.map(|_| waited).map_err(PingError::Refused));
            }
            Ask::Interrupt => tell(name, "process/signal", answer),
            Ask::Terminate => {
                tell(name, "process/terminate", answer);
                self.forget(name);
            }
        }
    }

    fn start_answered(&mut self, name: &Name, answer: Answer<'_>) {
        let identity = self.session_id().unwrap_or_default().into();
        let Some(process) = self.processes.get_mut(name) else { return };
        match answer {
            Ok(_) => process.running(Input::LinkUp { identity }, &mut self.woken),
            Err(error) => process.not_started(StartError::from_answer(error), &mut self.woken),
        }
        if process.is_doomed() {
            self.terminate(name);
        }
        self.forget_unstarted(name);
    }

    fn write_answered(&mut self, name: &Name, id: WriteId, answer: Answer<'_>) {
        self.requests.release(name);
        let outcome = match answer.map(serde_json::from_str::<Written<'_>>) {
            Ok(Ok(written)) => written.outcome(),
            Ok(Err(error)) => return self.tell_process(name, unreadable("process/write", error)),
            Err(error) => WriteOutcome::Failed(format!("process/write: {error}")),
        };
        self.tell_process(name, Input::Written { id, outcome });
    }

    fn read_answered(&mut self, name: &Name, request: ReplayId, answer: Answer<'_>) {
        let input = match answer.map(serde_json::from_str::<Retained<'_>>) {
            Ok(Ok(retained)) => match retained.page(request) {
                Ok(page) => Input::Replayed(page),
                Err(error) => unreadable("process/read", error),
            },
            Ok(Err(error)) => unreadable("process/read", error),
            Err(error) => Input::ReplayFailed {
                request,
                // Whatever is not known now will not be known later.
                retryable: error.code == wire::INTERNAL,
                message: format!("process/read: {error}"),
            },
        };
        self.tell_process(name, input);
    }

    pub(super) fn tell_process(&mut self, name: &str, input: Input) {
        if let Some(process) = self.processes.get_mut(name) {
            process.push(input, usize::MAX, &mut self.woken);
        }
    }
}

/// What cannot be read of one process's answer is the end of that process only.
fn unreadable(what: &str, error: impl fmt::Display) -> Input {
    Input::Failed { message: format!("{what}: {error}") }
}

/// Nobody waits for these answers.
fn tell(name: &str, method: &str, answer: Answer<'_>) {
    if let Err(error) = answer {
        tracing::warn!(process = name, %error, "{method} failed");
    }
}

fn parse<'a, T: Deserialize<'a>>(what: &str, result: &'a str) -> Result<T, Fault> {
    serde_json::from_str(result).map_err(|error| Fault::Malformed { what: what.to_owned(), error })
}
