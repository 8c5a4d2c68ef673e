//! JSON-RPC 2.0, without an opinion on what the messages mean.

mod envelope;
mod id;
mod outline;
#[cfg(test)]
mod tests;

pub use self::{envelope::Envelope, id::Id};
use crate::{BadReason, Batch, Calls, Decode, Decoded, FailedCall, Line, json};

/// Decodes JSON-RPC 2.0 messages of any kind into [`Envelope`]s.
///
/// The whole line is validated in one pass, and nothing but a message's id and outline is taken
/// apart. A key that comes twice counts as it stands the last time; unknown keys are ignored.
///
/// ```
/// use farpipe_core::{Calls, Decode, Decoded, JsonRpc, Kind, Line};
///
/// let line = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo"}}"#;
/// let mut line = Line::from(bytes::Bytes::from(line));
/// let decoded = JsonRpc.decode(&mut line, &Calls::default()).unwrap();
/// let Decoded::Message(message) = decoded else { unreachable!() };
/// assert_eq!(message.kind(), Kind::Request);
/// assert_eq!(message.method(), Some("tools/call"));
/// assert_eq!(message.id().unwrap().to_string(), "7");
/// assert_eq!(message.params(), Some(r#"{"name":"echo"}"#));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonRpc;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// It has a method and an id.
    Request,
    /// It has a method and no id.
    Notification,
    /// It has a result and the id of its request.
    Response,
    /// It has an error, and the id of its request where that could be read.
    Error,
}

impl Decode for JsonRpc {
    type Message = Envelope;

    fn decode(&mut self, line: &mut Line<'_>, _: &Calls) -> Result<Decoded<Envelope>, BadReason> {
        if line.trim_ascii_start().starts_with(b"[") {
            return Batch::parse(line.to_bytes()).map(Decoded::Batch);
        }
        let outline = outline::Outline::read(json::text(line)?)?;
        Ok(Decoded::Message(Envelope::new(line.to_bytes(), outline)))
    }

    fn answers(&self, message: &Envelope) -> Option<Id> {
        match message.kind() {
            Kind::Response | Kind::Error => message.id().cloned(),
            Kind::Request | Kind::Notification => None,
        }
    }

    fn answer_failed(&self, call: &FailedCall) -> Option<Envelope> {
        Envelope::parse(call.to_json().into()).ok()
    }
}
