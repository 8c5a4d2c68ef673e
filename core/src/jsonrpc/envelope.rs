//! A message: its exact bytes, and where its parts lie in them.

use core::{ops::Range, str};

use bytes::Bytes;
use serde::Deserialize;

use super::{
    Id, Kind,
    outline::{Method, Outline},
};
use crate::{BadReason, json};

/// A JSON-RPC 2.0 message.
///
/// It holds the line as it was written, byte for byte, so passing it on changes nothing. Its params,
/// result or error are read when they are asked for, straight from those bytes.
///
/// ```
/// use farpipe_core::{Envelope, Kind};
///
/// #[derive(serde::Deserialize)]
/// struct Answer<'a> {
///     text: &'a str,
/// }
///
/// let line = r#"{"jsonrpc":"2.0","id":"a","result":{"text":"hello"}}"#;
/// let message = Envelope::parse(line.into()).unwrap();
/// assert_eq!(message.kind(), Kind::Response);
/// let answer: Answer<'_> = message.decode_result().unwrap();
/// assert_eq!(answer.text, "hello");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Envelope {
    raw: Bytes,
    outline: Outline,
}

impl Envelope {
    /// Takes a message; an array of several is refused.
    pub fn parse(line: Bytes) -> Result<Self, BadReason> {
        let outline = Outline::read(json::text(&line)?)?;
        Ok(Self::new(line, outline))
    }

    /// `outline` was read from the same bytes.
    pub(super) const fn new(raw: Bytes, outline: Outline) -> Self {
        Self { raw, outline }
    }

    /// Reads the params. Absent ones are read as `null`.
    pub fn decode_params<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        decode(self.params())
    }

    /// Reads the result. Where there is none it is read as `null`.
    pub fn decode_result<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        decode(self.result())
    }

    /// Reads the error. Where there is none it is read as `null`.
    pub fn decode_error<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        decode(self.error())
    }

    /// The line as it was written, without its newline.
    pub const fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The line as it was written, without its newline.
    pub fn into_raw(self) -> Bytes {
        self.raw
    }

    /// What the message is.
    pub const fn kind(&self) -> Kind {
        self.outline.kind
    }

    /// The id of a request, or of the request that this answers.
    pub const fn id(&self) -> Option<&Id> {
        self.outline.id.as_ref()
    }

    /// The method of a request or notification.
    pub fn method(&self) -> Option<&str> {
        match self.outline.method.as_ref()? {
            Method::Plain(range) => self.text(range),
            Method::Unescaped(name) => Some(name),
        }
    }

    /// The params of a request or notification, as JSON.
    pub fn params(&self) -> Option<&str> {
        self.body(&[Kind::Request, Kind::Notification])
    }

    /// The result of a response, as JSON.
    pub fn result(&self) -> Option<&str> {
        self.body(&[Kind::Response])
    }

    /// The error of an error response, as JSON.
    pub fn error(&self) -> Option<&str> {
        self.body(&[Kind::Error])
    }

    fn body(&self, kinds: &[Kind]) -> Option<&str> {
        let body = self.outline.body.as_ref().filter(|_| kinds.contains(&self.outline.kind))?;
        self.text(body)
    }

    fn text(&self, range: &Range<usize>) -> Option<&str> {
        str::from_utf8(self.raw.get(range.clone())?).ok()
    }
}

fn decode<'a, T: Deserialize<'a>>(body: Option<&'a str>) -> serde_json::Result<T> {
    serde_json::from_str(body.unwrap_or("null"))
}
