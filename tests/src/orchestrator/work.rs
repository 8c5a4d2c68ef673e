//! The part of an orchestrator that knows nothing of how the executor is reached.

use std::{mem, path::PathBuf, time::Instant};

use farpipe_core::{Action, Capabilities, Event, Input, JsonRpc, Session, Timestamp};
use farpipe_exec_server::Ticket;

use super::{Progress, REQUESTS, Stored, limits};

/// A session, what was made of it, and the file that holds both.
#[derive(Debug)]
pub struct Work {
    /// The session.
    pub session: Session<JsonRpc>,
    /// What was made of its events.
    pub progress: Progress,
    ticket: Option<Ticket>,
    file: PathBuf,
    start: Instant,
}

impl Work {
    /// Goes on with what is stored, or begins.
    pub fn resume(
        stored: Option<Stored>,
        ticket: Option<Ticket>,
        capabilities: Capabilities,
        file: PathBuf,
    ) -> anyhow::Result<Self> {
        let (session, mut progress) = match stored {
            Some(Stored { checkpoint, progress, .. }) => {
                (Session::restore(JsonRpc, capabilities, limits(), checkpoint)?, progress)
            }
            None => (Session::new(JsonRpc, capabilities, limits())?, Progress::default()),
        };
        progress.lives += 1;
        Ok(Self { session, progress, ticket, file, start: Instant::now() })
    }

    /// Takes what the executor told.
    pub fn handle(&mut self, input: Input) {
        self.session.handle(self.now(), input);
    }

    /// Sends and reads what can be, stores that, and yields what is to be done now.
    pub fn step(&mut self) -> anyhow::Result<Vec<Action>> {
        self.send_requests();
        self.read_events();
        let actions = std::iter::from_fn(|| self.session.poll_action()).collect();
        // Only what is stored may be done: the next process has to know of it.
        self.commit()?;
        Ok(actions)
    }

    fn send_requests(&mut self) {
        // A few at a time, so that how they are joined into writes is never twice the same.
        let some = 1 + u64::from(self.start.elapsed().subsec_nanos() % 4);
        let upto = self.progress.requests + some;
        while self.progress.requests < upto.min(REQUESTS) {
            let id = self.progress.requests + 1;
            let request = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call"}}"#);
            if self.session.send(request.into()).is_err() {
                return;
            }
            self.progress.requests = id;
        }
        if self.progress.requests == REQUESTS {
            self.session.close_stdin();
        }
    }

    fn read_events(&mut self) {
        let progress = &mut self.progress;
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Message(message) => {
                    progress.messages.push(String::from_utf8_lossy(message.raw()).into_owned());
                }
                Event::Stderr(line) => progress.stderr.push(line.text()),
                Event::End(end) => progress.end = Some(end.to_string()),
                other => progress.other.push(format!("{other:?}")),
            }
        }
        while let Some(settled) = self.session.poll_settled() {
            progress.settled.push(settled.id.0);
        }
    }

    fn commit(&mut self) -> anyhow::Result<()> {
        let checkpoint = self.session.checkpoint();
        let size = checkpoint.to_json().len();
        self.progress.largest_checkpoint = self.progress.largest_checkpoint.max(size);
        let (ticket, progress) = (self.ticket.clone(), mem::take(&mut self.progress));
        let stored = Stored { checkpoint, progress, ticket };
        stored.commit(&self.file)?;
        self.progress = stored.progress;
        Ok(())
    }

    /// The time of this process.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_origin(self.start.elapsed())
    }
}
