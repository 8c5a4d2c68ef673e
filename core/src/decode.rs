//! From a line to a message.

use crate::{BadReason, Batch, Calls, FailedCall, Id, Line};

/// Turns lines into messages.
///
/// The core ships [`JsonRpc`](crate::JsonRpc); an application with message types of its own decodes
/// straight into those.
///
/// ```
/// use farpipe_core::{BadReason, Calls, Decode, Decoded, Line};
///
/// /// Takes every line that is text.
/// struct Text;
///
/// impl Decode for Text {
///     type Message = String;
///
///     fn decode(&mut self, line: &mut Line<'_>, _: &Calls) -> Result<Decoded<String>, BadReason> {
///         let text = std::str::from_utf8(line).map_err(|_| BadReason::InvalidUtf8)?;
///         Ok(if text.starts_with('#') { Decoded::Ignored } else { Decoded::Message(text.into()) })
///     }
/// }
///
/// let mut line = Line::from(bytes::Bytes::from("hello"));
/// let decoded = Text.decode(&mut line, &Calls::default()).unwrap();
/// assert!(matches!(decoded, Decoded::Message(text) if text == "hello"));
/// ```
pub trait Decode {
    /// What a line becomes.
    type Message;

    /// Decodes one line, without its newline.
    ///
    /// `calls` tells which method an answer belongs to, and so which type to expect. An error
    /// concerns this line only; the ones after it are decoded as if it had not been there.
    fn decode(
        &mut self,
        line: &mut Line<'_>,
        calls: &Calls,
    ) -> Result<Decoded<Self::Message>, BadReason>;

    /// The id of the request that a message answers; `None` if it is no answer.
    ///
    /// A decoder that always says `None` has no calls answered in the process's place.
    fn answers(&self, message: &Self::Message) -> Option<Id> {
        let _ = message;
        None
    }

    /// The ids of further requests that a message answers, where it stands for several in one line.
    fn answers_also<'a>(&self, message: &'a Self::Message) -> &'a [Id] {
        let _ = message;
        &[]
    }

    /// A message that answers a call in the process's place; `None` to leave the call alone.
    fn answer_failed(&self, call: &FailedCall) -> Option<Self::Message> {
        let _ = call;
        None
    }
}

/// What became of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decoded<M> {
    /// One message.
    Message(M),
    /// Several messages in one line: each element is to be decoded as if it were a line.
    Batch(Batch),
    /// A message that was understood and is left out on purpose.
    Ignored,
}
