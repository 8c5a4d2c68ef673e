//! What a session asks for, and what it is answered.

use bytes::Bytes;
use farpipe_core::{Action, Input, Page, ReplayId, Seq, WriteId, WriteOutcome};

use super::{Misuse, Request, SimExecutor};
use crate::Fate;

/// # What the executor does for the session
impl SimExecutor {
    /// Takes an action. Its answer, if it has one, is then on its way, or will be.
    ///
    /// # Errors
    ///
    /// A write under an id that was used for other bytes.
    pub fn act(&mut self, action: Action, fate: Fate) -> Result<(), Misuse> {
        match action {
            Action::Replay { request, after, max_bytes } => {
                self.replay(request, after, max_bytes, fate);
                Ok(())
            }
            Action::Write { id, data } => self.take_write(id, data, fate),
            Action::CloseStdin | Action::Interrupt => {
                if !self.setup.stubborn {
                    self.close();
                }
                Ok(())
            }
            _ => {
                self.close();
                Ok(())
            }
        }
    }

    fn replay(&mut self, request: ReplayId, after: Seq, max_bytes: usize, fate: Fate) {
        let short = fate == Fate::Short;
        let asked = Request::Replay { request, after, max_bytes, short };
        match fate {
            Fate::Served | Fate::Short => self.carry_out(asked),
            Fate::Slow => self.requests.push_back(asked),
            Fate::Lost => {}
            Fate::NotYet | Fate::Refused => {
                let (message, retryable) = ("busy".to_owned(), fate == Fate::NotYet);
                self.wire.push_answer(Input::ReplayFailed { request, message, retryable });
            }
        }
    }

    fn take_write(&mut self, id: WriteId, data: Bytes, fate: Fate) -> Result<(), Misuse> {
        if let Some((known, _)) = self.writes.get(&id).filter(|(known, _)| *known != data) {
            let text = format!("{id:?} was used for {known:?} and now for {data:?}");
            return Err(Misuse(text));
        }
        let known = self.writes.contains_key(&id);
        if known && !self.setup.write_deduplication {
            return Err(Misuse(format!("{id:?} is written twice, and nothing deduplicates")));
        }
        let answered = true;
        match fate {
            Fate::Lost if self.setup.write_deduplication => {}
            Fate::Slow | Fate::Lost => {
                self.requests.push_back(Request::Write { id, data, answered });
            }
            Fate::NotYet if !known && !self.waits(id) => {
                self.wire.push_answer(Input::Written { id, outcome: WriteOutcome::Starting });
            }
            Fate::Refused if !known && !self.waits(id) => {
                let outcome = WriteOutcome::Failed("no".to_owned());
                self.writes.insert(id, (data, outcome.clone()));
                self.wire.push_answer(Input::Written { id, outcome });
            }
            _ => {
                self.requests.push_back(Request::Write { id, data, answered });
                self.serve_writes(usize::MAX);
            }
        }
        Ok(())
    }

    fn waits(&self, asked: WriteId) -> bool {
        self.requests
            .iter()
            .any(|request| matches!(request, Request::Write { id, .. } if *id == asked))
    }

    /// Carries out a request that waits. Writes keep their order.
    pub fn serve(&mut self, pick: usize) {
        let Some(pick) = pick.checked_rem(self.requests.len()) else { return };
        match self.requests[pick] {
            Request::Write { .. } => self.serve_writes(1),
            Request::Replay { .. } => {
                if let Some(request) = self.requests.remove(pick) {
                    self.carry_out(request);
                }
            }
        }
    }

    fn serve_writes(&mut self, most: usize) {
        for _ in 0..most {
            let is_write = |request: &Request| matches!(request, Request::Write { .. });
            let Some(at) = self.requests.iter().position(is_write) else { return };
            let Some(request) = self.requests.remove(at) else { return };
            self.carry_out(request);
        }
    }

    fn carry_out(&mut self, request: Request) {
        match request {
            Request::Replay { request, after, max_bytes, short } => {
                let page = self.page(request, after, max_bytes, short);
                self.wire.push_answer(Input::Replayed(page));
            }
            Request::Write { id, data, answered } => {
                let outcome = self.apply(id, data);
                if answered {
                    self.wire.push_answer(Input::Written { id, outcome });
                }
            }
        }
    }

    fn apply(&mut self, id: WriteId, data: Bytes) -> WriteOutcome {
        if let Some((_, outcome)) = self.writes.get(&id) {
            return outcome.clone();
        }
        let outcome = if self.process.is_open() {
            self.process.feed(&data);
            WriteOutcome::Accepted
        } else {
            WriteOutcome::StdinClosed
        };
        self.writes.insert(id, (data, outcome.clone()));
        outcome
    }

    fn page(&self, request: ReplayId, after: Seq, max_bytes: usize, short: bool) -> Page {
        let max_bytes = if short { 0 } else { max_bytes };
        let events = self.process.events();
        let chunks = self.retained.chunks(events, after, max_bytes);
        let next = chunks.last().map_or(events.len() as Seq, |chunk| chunk.seq) + 1;
        Page {
            request,
            chunks,
            next,
            exit: self.process.exit_seq().map(|_| crate::process::EXIT),
            closed: self.process.is_over(),
            failure: self.failure.clone(),
        }
    }
}
