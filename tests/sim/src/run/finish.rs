//! Behind the last step: everything that is still possible happens.

use farpipe_core::{Event, Input};

use super::{MOST_ACTIONS, Run};
use crate::{Fate, Violation, violation::ensure};

/// More rounds than any run needs.
const MOST_ROUNDS: usize = 2000;

impl Run {
    pub(super) fn finish(&mut self) -> Result<(), Violation> {
        self.handle(Input::Tick)?;
        self.link_up()?;
        self.executor.close();
        self.deliver()?;
        if self.setup.replay && !self.setup.lossless {
            // What was lost last leaves no gap: only the executor can tell.
            self.handle(Input::Lagged { skipped: 1 })?;
        }
        self.come_to_rest()?;
        if !self.has_ended() {
            self.end_feed()?;
        }
        self.terminate()
    }

    fn has_ended(&self) -> bool {
        matches!(self.events.last(), Some(Event::End(_)))
    }

    /// Without replay nobody can tell what was lost last.
    fn end_feed(&mut self) -> Result<(), Violation> {
        let promised = self.setup.lossless && self.facts.link_losses == 0;
        ensure!(
            !promised && !self.setup.replay,
            "everything has happened and it does not end: {:?}",
            self.session
        );
        self.facts.excuse("incomplete");
        self.handle(Input::Ended)?;
        self.drain()?;
        ensure!(self.has_ended(), "the feed is over and the session is not");
        Ok(())
    }

    fn come_to_rest(&mut self) -> Result<(), Violation> {
        for _ in 0..MOST_ROUNDS {
            self.deliver()?;
            if self.has_ended() || !self.tick()? {
                return Ok(());
            }
        }
        Err(Violation::new(format!("it does not come to rest: {:?}", self.session)))
    }

    /// Everything that is asked for is done and everything on its way arrives.
    fn deliver(&mut self) -> Result<(), Violation> {
        for _ in 0..MOST_ROUNDS {
            let acted = self.drain()?;
            while self.executor.waiting() > 0 {
                self.executor.serve(0);
            }
            let arrived = self.executor.arrive(0);
            match arrived {
                Some(input) => self.handle(input)?,
                None if acted => {}
                None => return Ok(()),
            }
        }
        Err(Violation::new("there is no end of asking".to_owned()))
    }

    /// Polls everything to its end; whether there was an action.
    fn drain(&mut self) -> Result<bool, Violation> {
        while self.read()? {}
        ensure!(self.session.wants_input(), "everything is read, and no input is wanted");
        let mut actions = 0;
        while self.act(Fate::Served)? {
            actions += 1;
            ensure!(actions <= MOST_ACTIONS, "actions without end");
        }
        while self.settle()? {}
        Ok(actions > 0)
    }

    /// Nothing moves behind the end.
    fn terminate(&mut self) -> Result<(), Violation> {
        self.session.terminate(self.now());
        self.handle(Input::Ended)?;
        self.drain()?;
        ensure!(self.session.is_over(), "the end was told, and it is not over");
        ensure!(self.session.poll_timeout().is_none(), "it is over, and there is a timeout");
        ensure!(self.session.send("late".into()).is_err(), "it is over, and takes a message");
        self.handle(Input::Output(farpipe_core::Chunk {
            seq: super::facts::cursor(&self.session) + 1,
            stream: farpipe_core::Stream::Stdout,
            data: "{}\n".into(),
        }))?;
        self.drain()?;
        ensure!(
            self.settled.len() == self.sent.len(),
            "{} of {} sends are settled",
            self.settled.len(),
            self.sent.len()
        );
        Ok(())
    }
}
