//! A session put aside, to be continued by another process.

mod error;
mod mirror;
#[cfg(test)]
pub(crate) mod splitter;
#[cfg(test)]
mod tests;

use alloc::{format, string::String};
use core::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
    ser::{Error as _, SerializeStruct as _},
};
use serde_json::Value;

pub use self::error::RestoreError;
pub(crate) use self::mirror::{
    CallFailureDef, MAX_COUNT, SavedCause, SavedDelivery, SavedId, counters,
};
use crate::{Identity, session::State};

/// What tells a checkpoint from any other JSON.
const FORMAT: &str = "farpipe-checkpoint";

/// A session put aside with [`Session::checkpoint`](crate::Session::checkpoint), to be continued
/// with [`Session::restore`](crate::Session::restore), usually by another process.
///
/// It can be a field of whatever the application stores, in JSON or any other format that describes
/// itself, or a file of its own with [`to_json`](Self::to_json):
///
/// ```json
/// {"checksum":"…","format":"farpipe-checkpoint","format_version":1,"state":{…}}
/// ```
///
/// Bytes are text where they are UTF-8 and an array of numbers where they are not. What is at rest is
/// left out, so the checkpoint of an idle session has a few hundred bytes.
///
/// **Size.** It holds what the session holds, less what waits out of order: unread output (twice
/// [`inbox_bytes`](crate::Limits::inbox_bytes) and one chunk, or what a closed gap let through, at
/// most [`reorder_bytes`](crate::Limits::reorder_bytes) more), one open line of each stream
/// ([`max_line`](crate::Limits::max_line), [`stderr_line`](crate::Limits::stderr_line)), the stderr
/// tail, unsettled messages ([`outbox_bytes`](crate::Limits::outbox_bytes)), and an id and a method
/// for each of at most [`pending_calls`](crate::Limits::pending_calls), and the ids of
/// [`late_answers`](crate::Limits::late_answers). JSON may take six bytes for one of them, and for
/// text as servers write it rarely more than 1.2.
///
/// ```
/// use farpipe_core::{Capabilities, Checkpoint, Input, JsonRpc, Limits, Session, Timestamp};
///
/// let far = Capabilities { replay: true, write_deduplication: true, ..Capabilities::default() };
/// let mut session = Session::new(JsonRpc, far.clone(), Limits::default())?;
/// session.handle(Timestamp::ORIGIN, Input::LinkUp { identity: "session 7".into() });
/// session.send(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#.into())?;
/// let write = session.poll_action();
/// let stored = session.checkpoint().to_json();
///
/// // Another process.
/// let checkpoint = Checkpoint::from_json(stored.as_bytes())?;
/// let mut session = Session::restore(JsonRpc, far, Limits::default(), checkpoint)?;
/// session.handle(Timestamp::ORIGIN, Input::LinkUp { identity: "session 7".into() });
/// assert_eq!(session.poll_action(), write); // It may not have been carried out.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The checksum finds truncation and damage, not malice: whoever can write the checkpoint decides
/// what the session does. It holds the messages themselves, with whatever is secret in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    state: State,
}

impl Checkpoint {
    /// The version of the format that is written, and the newest that is read.
    pub const VERSION: u32 = 1;

    pub(crate) const fn new(state: State) -> Self {
        Self { state }
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// Tells apart what is no checkpoint, one of a newer version, and a damaged one.
    pub fn from_json(json: &[u8]) -> Result<Self, RestoreError> {
        if json.trim_ascii_start().first().is_some_and(|&first| first != b'{') {
            return Err(RestoreError::Foreign);
        }
        let mut parser = serde_json::Deserializer::from_slice(json);
        let read = parser.deserialize_map(Reader).and_then(|read| parser.end().map(|()| read));
        read.unwrap_or_else(|error| Err(RestoreError::corrupt(error)))
    }

    /// The checkpoint as one line of JSON.
    pub fn to_json(&self) -> String {
        let state = self.state_json().unwrap_or_default();
        let (checksum, version) = (checksum(&state), Self::VERSION);
        format!(
            r#"{{"checksum":"{checksum}","format":"{FORMAT}","format_version":{version},"state":{state}}}"#
        )
    }

    /// The executor to go back to, if it ever said who it is. Another one ends the session with
    /// [`Cause::SessionLost`](crate::Cause::SessionLost).
    pub const fn identity(&self) -> Option<&Identity> {
        self.state.identity()
    }

    pub(crate) fn into_state(self) -> State {
        self.state
    }

    fn state_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.state)
    }
}

/// 64 bits of FNV-1a over the state as JSON without spaces, in hexadecimal.
fn checksum(state: &str) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for &byte in state.as_bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

/// The fields in alphabetical order, so that the order survives formats that sort them: the state is
/// only read once it is known to be one that can be read.
impl Serialize for Checkpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let state = self.state_json().map_err(S::Error::custom)?;
        let mut fields = serializer.serialize_struct("Checkpoint", 4)?;
        fields.serialize_field("checksum", &checksum(&state))?;
        fields.serialize_field("format", FORMAT)?;
        fields.serialize_field("format_version", &Self::VERSION)?;
        fields.serialize_field("state", &self.state)?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Checkpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)?.map_err(D::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    Checksum,
    Format,
    FormatVersion,
    State,
    #[serde(other)]
    Other,
}

/// What stands before the state; of any type, because the text may not be a checkpoint at all.
#[derive(Default)]
struct Header {
    checksum: Value,
    format: Value,
    version: Value,
}

impl Header {
    fn check(&self) -> Result<(), RestoreError> {
        if self.format.as_str() != Some(FORMAT) {
            return Err(RestoreError::Foreign);
        }
        let version = self.version.as_u64().ok_or_else(|| RestoreError::corrupt("no version"))?;
        match u32::try_from(version).unwrap_or(u32::MAX) {
            0 => Err(RestoreError::corrupt("version 0 does not exist")),
            Checkpoint::VERSION => Ok(()),
            found => Err(RestoreError::FutureVersion { found, supported: Checkpoint::VERSION }),
        }
    }

    fn verify(&self, state: Option<State>) -> Result<Checkpoint, RestoreError> {
        self.check()?;
        let state = state.ok_or_else(|| RestoreError::corrupt("no state behind the version"))?;
        let checkpoint = Checkpoint::new(state);
        let json = checkpoint.state_json().map_err(RestoreError::corrupt)?;
        if self.checksum.as_str() != Some(&checksum(&json)) {
            return Err(RestoreError::corrupt("the checksum does not match"));
        }
        Ok(checkpoint)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Result<Checkpoint, RestoreError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a farpipe checkpoint")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut header = Header::default();
        let mut state = None;
        while let Some(key) = map.next_key::<Key>()? {
            match key {
                Key::Checksum => header.checksum = map.next_value()?,
                Key::Format => header.format = map.next_value()?,
                Key::FormatVersion => header.version = map.next_value()?,
                Key::State if header.check().is_ok() => state = Some(map.next_value()?),
                Key::State | Key::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(header.verify(state))
    }
}

/// Whether a field is at rest and can be left out.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
