//! Where the parts of a message lie in its line.

use alloc::{borrow::Cow, boxed::Box};
use core::{fmt, ops::Range};

use serde::{
    Deserialize,
    de::{Deserializer, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{Id, Kind};
use crate::{BadReason, json};

/// A message, taken apart no further than its kind requires.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Outline {
    pub(super) kind: Kind,
    pub(super) id: Option<Id>,
    pub(super) method: Option<Method>,
    /// The params, result or error: which one follows from the kind.
    pub(super) body: Option<Range<usize>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Method {
    /// Stands in the line as it is.
    Plain(Range<usize>),
    /// Is written with escapes.
    Unescaped(Box<str>),
}

impl Outline {
    pub(super) fn read(text: &str) -> Result<Self, BadReason> {
        if !text.trim_ascii_start().starts_with('{') {
            return Err(json::other(text));
        }
        json::parse::<Members<'_>>(text)?.outline(text).ok_or(BadReason::NotJsonRpc)
    }
}

/// The members of a message that mean something, each as it is written.
///
/// Not derived: a key that comes twice is no error here, the last one counts.
#[derive(Default)]
struct Members<'a> {
    jsonrpc: Option<&'a RawValue>,
    id: Option<&'a RawValue>,
    method: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
    result: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
}

impl<'a> Members<'a> {
    fn outline(&self, text: &str) -> Option<Outline> {
        if string(self.jsonrpc?)? != "2.0" {
            return None;
        }
        let id = self.id.map(Id::from_raw);
        let (kind, body) = match (self.method, self.result, self.error, &id) {
            (Some(_), None, None, Some(_)) => (Kind::Request, self.params),
            (Some(_), None, None, None) => (Kind::Notification, self.params),
            (None, Some(_), None, Some(_)) => (Kind::Response, self.result),
            (None, None, Some(_), _) => (Kind::Error, self.error),
            _ => return None,
        };
        Some(Outline {
            kind,
            // An id of a wrong type makes the message void.
            id: id.map_or(Some(None), |id| id.map(Some))?,
            method: self
                .method
                .map_or(Some(None), |method| Method::read(method, text).map(Some))?,
            body: body.map(|body| range_of(body.get(), text)),
        })
    }

    fn member(&mut self, key: &Key) -> Option<&mut Option<&'a RawValue>> {
        Some(match key {
            Key::Jsonrpc => &mut self.jsonrpc,
            Key::Id => &mut self.id,
            Key::Method => &mut self.method,
            Key::Params => &mut self.params,
            Key::Result => &mut self.result,
            Key::Error => &mut self.error,
            Key::Other => return None,
        })
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Jsonrpc,
    Id,
    Method,
    Params,
    Result,
    Error,
    #[serde(other)]
    Other,
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::default();
        while let Some(key) = map.next_key::<Key>()? {
            match members.member(&key) {
                Some(member) => *member = Some(map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(members)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

impl Method {
    fn read(raw: &RawValue, text: &str) -> Option<Self> {
        Some(match string(raw)? {
            Cow::Borrowed(name) => Self::Plain(range_of(name, text)),
            Cow::Owned(name) => Self::Unescaped(name.into()),
        })
    }
}

/// A JSON string, borrowed if it has no escapes.
fn string(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

    serde_json::from_str::<Text<'_>>(raw.get()).ok().map(|text| text.0)
}

/// Where `part`, which was borrowed from `text`, lies in it.
fn range_of(part: &str, text: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}
