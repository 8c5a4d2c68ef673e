//! The handshake of an MCP client, to be repeated for a command that is started again.

use bytes::Bytes;
use farpipe_core::{Call, Envelope, Id};

use crate::raw::RawMessage;

/// What the client has said first.
#[derive(Debug, Default)]
pub(super) struct Greeting {
    initialize: Option<(Bytes, Id)>,
    initialized: Option<Bytes>,
    answered: bool,
}

impl Greeting {
    pub(super) fn note_sent(&mut self, message: &Envelope) {
        match (message.method(), message.id()) {
            (Some("initialize"), Some(id)) => {
                *self = Self {
                    initialize: Some((message.raw().clone(), id.clone())),
                    ..Self::default()
                };
            }
            (Some("notifications/initialized"), None) => {
                self.initialized = Some(message.raw().clone());
            }
            _ => {}
        }
    }

    pub(super) fn note_received(&mut self, message: &RawMessage) {
        self.answered |= self.is_answered_by(message);
    }

    pub(super) fn is_answered_by(&self, message: &RawMessage) -> bool {
        let id = self.initialize.as_ref().map(|(_, id)| id);
        id.is_some() && message.answers() == id
    }

    /// The request to repeat, if the handshake was under way far enough to be repeated.
    pub(super) fn request(&self) -> Option<(Bytes, Call)> {
        let (message, id) = self.initialize.as_ref().filter(|_| self.answered)?;
        Some((message.clone(), Call { id: id.clone(), method: "initialize".into() }))
    }

    /// What follows the answer.
    pub(super) fn initialized(&self) -> Option<Bytes> {
        self.initialized.clone()
    }
}
