//! Recording a session, and playing it again.
//!
//! A recording holds everything that was put into a session, with its time, and how far its outputs
//! had been read in between: that is all a session depends on, so playing it yields the identical
//! events. It is a text of JSON Lines: a header with the version and the settings, one [`Entry`] a
//! line, and a last line that says how many there were.
//!
//! A recording holds the messages themselves, with whatever is secret in them.
//!
//! ```
//! use farpipe_core::recording::{Player, Recording};
//! use farpipe_core::*;
//!
//! let mut session = Session::new(JsonRpc, Capabilities::local(), Limits::default())?;
//! let mut text = session.start_recording().to_line();
//! let data = "{\"jsonrpc\":\"2.0\",\"method\":\"hello\"}\n".into();
//! let chunk = Chunk { seq: 1, stream: Stream::Stdout, data };
//! session.handle(Timestamp::ORIGIN, Input::Output(chunk));
//! let event = session.poll_event();
//!
//! let mut entries = 0;
//! while let Some(entry) = session.poll_entry() {
//!     text += &entry.to_line();
//!     entries += 1;
//! }
//! text += &Recording::footer(entries);
//!
//! let recording = Recording::parse(text.as_bytes())?;
//! let events: Vec<_> = Player::new(JsonRpc, recording)?.filter_map(|step| step.event()).collect();
//! assert_eq!(events, [event.unwrap()]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod log;
mod player;
mod wire;

use alloc::{format, string::String, vec::Vec};
use core::{fmt, str};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub(crate) use self::log::Log;
pub use self::player::{Player, Step};
use crate::{Call, Capabilities, Id, Input, Settings, Timestamp};

/// The newest version of the format, and the only one that is read.
const VERSION: u32 = 1;

/// What tells a recording from any other JSON Lines.
const FORMAT: &str = "farpipe-recording";

/// The first line: what the session was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    format: String,
    version: u32,
    /// What the executor promised.
    pub capabilities: Capabilities,
    /// How the session was to behave.
    pub settings: Settings,
}

/// One thing that was done with a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Entry {
    /// [`Session::handle`](crate::Session::handle).
    Handle {
        /// Its time.
        #[serde(with = "wire::time")]
        at: Timestamp,
        /// What was handled.
        input: Input,
    },
    /// [`Session::send`](crate::Session::send) or [`send_call`](crate::Session::send_call).
    Send {
        /// The message.
        #[serde(with = "crate::json_bytes")]
        message: Bytes,
        /// The requests in it.
        #[serde(with = "wire::calls")]
        calls: Vec<Call>,
    },
    /// [`Session::forget_call`](crate::Session::forget_call).
    ForgetCall {
        /// The id of the request.
        #[serde(with = "wire::id")]
        id: Id,
    },
    /// [`Session::close_stdin`](crate::Session::close_stdin).
    CloseStdin,
    /// [`Session::close`](crate::Session::close).
    Close {
        /// Its time.
        #[serde(with = "wire::time")]
        at: Timestamp,
    },
    /// [`Session::terminate`](crate::Session::terminate).
    Terminate {
        /// Its time.
        #[serde(with = "wire::time")]
        at: Timestamp,
    },
    /// Events were polled so many times, one after the other. Polls that changed nothing do not count.
    Events(u64),
    /// So many actions were taken, one after the other.
    Actions(u64),
    /// So many outcomes of sends were taken, one after the other.
    Settled(u64),
}

impl Header {
    pub(crate) fn new(capabilities: Capabilities, settings: Settings) -> Self {
        Self { format: FORMAT.into(), version: VERSION, capabilities, settings }
    }

    /// The header as one line.
    pub fn to_line(&self) -> String {
        line(self)
    }
}

impl Entry {
    /// The entry as one line.
    pub fn to_line(&self) -> String {
        line(self)
    }
}

fn line(value: &impl Serialize) -> String {
    // What is written here has string keys only, and nothing in it can fail.
    let mut line = serde_json::to_string(value).unwrap_or_default();
    line.push('\n');
    line
}

/// A recording that has been read and found whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// What the session was made with.
    pub header: Header,
    /// What was done with it, in order.
    pub entries: Vec<Entry>,
}

/// Why a text is not a recording that can be played.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordingError {
    /// It is something else.
    Foreign,
    /// A newer farpipe has written it.
    FutureVersion {
        /// Its version.
        found: u32,
        /// The newest version that is understood here.
        supported: u32,
    },
    /// It stops before its end: the program that wrote it was killed, or the file was cut.
    Truncated {
        /// How many lines are whole.
        lines: usize,
    },
    /// A line cannot be read.
    Corrupt {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// Its settings are refused.
    InvalidLimits(crate::InvalidLimits),
}

impl Recording {
    /// Reads a whole recording. On an error nothing of it is to be used.
    pub fn parse(text: &[u8]) -> Result<Self, RecordingError> {
        let (recording, damage) = Self::parse_prefix(text)?;
        damage.map_or(Ok(recording), Err)
    }

    /// Reads a recording as far as it is whole, and says what stopped it. Fails only if there is no
    /// header.
    pub fn parse_prefix(text: &[u8]) -> Result<(Self, Option<RecordingError>), RecordingError> {
        let mut lines = text.split_inclusive(|&byte| byte == b'\n').enumerate();
        let header = parse_header(lines.next().map(|(_, line)| line).unwrap_or_default())?;
        let mut entries = Vec::new();
        let mut damage = Some(RecordingError::Truncated { lines: 1 });
        for (index, line) in lines {
            match parse_line(line, index + 1) {
                Ok(Line::Entry(entry)) => entries.push(entry),
                Ok(Line::End(count)) => {
                    let whole = count == entries.len();
                    damage = (!whole).then_some(RecordingError::Truncated { lines: index });
                    break;
                }
                Err(error) => {
                    damage = Some(error);
                    break;
                }
            }
            damage = Some(RecordingError::Truncated { lines: index + 1 });
        }
        Ok((Self { header, entries }, damage))
    }

    /// The last line of a recording with so many entries.
    pub fn footer(entries: usize) -> String {
        format!("{{\"end\":{entries}}}\n")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Footer {
    End(usize),
}

enum Line {
    Entry(Entry),
    End(usize),
}

fn parse_header(line: &[u8]) -> Result<Header, RecordingError> {
    #[derive(Deserialize)]
    struct Mark {
        format: String,
        version: u32,
    }
    let mark: Mark = serde_json::from_slice(line).map_err(|_| RecordingError::Foreign)?;
    if mark.format != FORMAT {
        return Err(RecordingError::Foreign);
    }
    if mark.version != VERSION {
        return Err(RecordingError::FutureVersion { found: mark.version, supported: VERSION });
    }
    let header: Header = serde_json::from_slice(line)
        .map_err(|error| RecordingError::Corrupt { line: 1, message: format!("{error}") })?;
    header.settings.limits.validate().map_err(RecordingError::InvalidLimits)?;
    Ok(header)
}

fn parse_line(line: &[u8], number: usize) -> Result<Line, RecordingError> {
    let Some(line) = line.strip_suffix(b"\n") else {
        return Err(RecordingError::Truncated { lines: number - 1 });
    };
    if let Ok(Footer::End(count)) = serde_json::from_slice(line) {
        return Ok(Line::End(count));
    }
    serde_json::from_slice(line)
        .map(Line::Entry)
        .map_err(|error| RecordingError::Corrupt { line: number, message: format!("{error}") })
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("this is not a recording of farpipe"),
            Self::FutureVersion { found, supported } => write!(
                f,
                "the recording has version {found} and this farpipe reads version {supported}; use the farpipe that recorded it"
            ),
            Self::Truncated { lines } => {
                write!(f, "the recording is cut off behind line {lines}")
            }
            Self::Corrupt { line, message } => {
                write!(f, "line {line} of the recording cannot be read: {message}")
            }
            Self::InvalidLimits(error) => write!(f, "the recording cannot be played: {error}"),
        }
    }
}

impl core::error::Error for RecordingError {}

#[cfg(test)]
mod tests;
