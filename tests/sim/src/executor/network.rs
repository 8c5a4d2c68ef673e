//! The way between the process and the session.

use farpipe_core::{Identity, Input};

use super::{Request, SimExecutor};

/// # What the network does
impl SimExecutor {
    /// Something that is on its way arrives: the oldest (0), the one after it (1), and so on.
    pub fn arrive(&mut self, pick: usize) -> Option<Input> {
        self.wire.take(pick)
    }

    /// The oldest answer that is on its way arrives.
    pub fn arrive_answer(&mut self) -> Option<Input> {
        self.wire.take_answer()
    }

    /// Something arrives, and it will arrive again; an answer to a write only where writes are deduplicated.
    pub fn double(&mut self, pick: usize) -> Option<Input> {
        let once = |input: &Input| {
            matches!(input, Input::Written { .. }) && !self.setup.write_deduplication
        };
        match self.wire.copy(pick) {
            Some(input) if once(&input) => self.wire.take(pick),
            copy => copy,
        }
    }

    /// Something that is on its way is lost; false if that may not happen: events of a
    /// [lossless](crate::Setup::lossless) executor, and answers that would never be asked for again.
    pub fn lose(&mut self, pick: usize) -> bool {
        let (lossless, repeated) = (self.setup.lossless, self.setup.write_deduplication);
        self.wire.lose(pick, |is_event, input| match input {
            _ if is_event => !lossless,
            Input::Written { .. } => repeated,
            _ => true,
        })
    }

    /// The feed drops every event that is on its way, and says so; `None` where it never would.
    pub fn lag(&mut self) -> Option<Input> {
        if self.setup.lossless || !self.linked {
            return None;
        }
        Some(Input::Lagged { skipped: self.wire.drop_events() })
    }

    /// The link breaks; `None` if it is broken. What is on its way, in both directions, is lost, or
    /// only late.
    pub fn link_down(&mut self, late: bool) -> Option<Input> {
        if !std::mem::replace(&mut self.linked, false) {
            return None;
        }
        if !late {
            self.wire.clear();
            self.requests.clear();
        }
        // The answers have nowhere to go.
        self.requests.retain(|request| matches!(request, Request::Write { .. }));
        for request in &mut self.requests {
            if let Request::Write { answered, .. } = request {
                *answered = false;
            }
        }
        Some(Input::LinkDown { reason: "the network is gone".to_owned() })
    }

    /// The link works again; `None` if it does. What is only late from a
    /// [lossless](crate::Setup::lossless) executor has come before.
    pub fn link_up(&mut self) -> Option<Input> {
        if std::mem::replace(&mut self.linked, true) {
            return None;
        }
        if self.setup.lossless {
            self.wire.drop_events();
        }
        Some(Input::LinkUp { identity: self.identity() })
    }

    /// The executor starts anew and has forgotten the process; the link is down then.
    pub fn crash(&mut self) -> Option<Input> {
        self.life += 1;
        let input = self.link_down(false);
        self.requests.clear();
        input
    }

    /// Whoever was attached is gone, and with it what was on its way there. The link is down then.
    pub fn detach(&mut self) {
        self.linked = true;
        drop(self.link_down(true));
        self.wire.clear();
    }

    /// Who it is. After a [`crash`](Self::crash) it is another one.
    pub fn identity(&self) -> Identity {
        format!("life {}", self.life).into()
    }

    /// How much is on its way to the session.
    pub fn on_its_way(&self) -> usize {
        self.wire.len()
    }

    /// How many requests wait to be carried out.
    pub fn waiting(&self) -> usize {
        self.requests.len()
    }
}
