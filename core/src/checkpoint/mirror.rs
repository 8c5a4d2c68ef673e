//! How public types stand in a checkpoint that have no serialized form of their own.
//!
//! The definitions mirror the types, and do not compile once they differ.

use alloc::string::String;
use core::{ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{BadReason, CallFailure, Cause, Delivery, Id, Rejected, Seq, Violation};

/// Names of limits and of causes that a checkpoint may hold.
const NAMES: [&str; 17] = [
    "max_line",
    "inbox_bytes",
    "reorder_bytes",
    "exit_idle",
    "exit_linger",
    "closed",
    "requested",
    "close_timed_out",
    "output_held_open",
    "incomplete",
    "failed",
    "session_lost",
    "replay_failed",
    "lost",
    "noise",
    "overflow",
    "violation",
];

/// Above this a counter or an id would run over one day.
pub(crate) const MAX_COUNT: u64 = u64::MAX / 2;

/// Named, because serde takes a literal `&'static str` for text to borrow from its input.
type Name = &'static str;

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Name, D::Error> {
    let text = String::deserialize(deserializer)?;
    let known = NAMES.iter().find(|name| **name == text);
    known.copied().ok_or_else(|| D::Error::custom("an unknown name of a limit or cause"))
}

/// An id as JSON in a string, because a number must not lose its spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedId(pub(crate) Id);

impl Serialize for SavedId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SavedId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Id::parse(&text).map(Self).ok_or_else(|| D::Error::custom("not the id of a request"))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedCause(#[serde(with = "CauseDef")] pub(crate) Cause);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedDelivery(#[serde(with = "DeliveryDef")] pub(crate) Delivery);

#[derive(Serialize, Deserialize)]
#[serde(remote = "Cause", rename_all = "snake_case")]
enum CauseDef {
    Closed,
    Requested,
    CloseTimedOut {
        waited: Duration,
    },
    OutputHeldOpen {
        waited: Duration,
        #[serde(deserialize_with = "name")]
        limit: Name,
    },
    Incomplete,
    Failed {
        message: String,
    },
    SessionLost {
        reason: String,
    },
    ReplayFailed {
        attempts: u32,
        message: String,
    },
    Lost {
        first: Seq,
        last: Seq,
    },
    Noise {
        #[serde(with = "BadReasonDef")]
        reason: BadReason,
    },
    Overflow {
        #[serde(deserialize_with = "name")]
        limit: Name,
        value: usize,
    },
    Violation(#[serde(with = "ViolationDef")] Violation),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Violation", rename_all = "snake_case")]
enum ViolationDef {
    ConflictingClose { first: Seq, second: Seq },
    ConflictingExit { first: Seq, second: Seq },
    EventAfterClose { closed: Seq, event: Seq },
    PageBehind { after: Seq, next: Seq },
    PageBeyondNext { chunk: Seq, next: Seq },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "BadReason", rename_all = "snake_case")]
enum BadReasonDef {
    InvalidUtf8,
    NotJson,
    NotJsonRpc,
    Unsupported,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CallFailure", rename_all = "snake_case")]
pub(crate) enum CallFailureDef {
    Oversized {
        len: u64,
        #[serde(deserialize_with = "name")]
        limit: Name,
        value: usize,
    },
    Malformed {
        #[serde(with = "BadReasonDef")]
        reason: BadReason,
        len: usize,
    },
    Lost {
        missing: RangeInclusive<Seq>,
    },
    Undelivered,
    Unknown,
    Ended {
        #[serde(deserialize_with = "name")]
        end: Name,
        message: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Delivery", rename_all = "snake_case")]
enum DeliveryDef {
    Accepted,
    Rejected(#[serde(with = "RejectedDef")] Rejected),
    Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Rejected", rename_all = "snake_case")]
enum RejectedDef {
    StdinClosed,
    Refused { message: String },
    SessionEnded,
}

/// The counters that are not zero, in an order that depends on no feature of serde's.
pub(crate) mod counters {
    use alloc::{collections::BTreeMap, string::String};

    use serde::{
        Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _, ser::Error as _,
    };

    use super::MAX_COUNT;
    use crate::Stats;

    pub(crate) fn serialize<S: Serializer>(
        stats: &Stats,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        nonzero(stats).map_err(S::Error::custom)?.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Stats, D::Error> {
        let stats = Stats::deserialize(deserializer)?;
        let counters = nonzero(&stats).map_err(D::Error::custom)?;
        if counters.values().any(|&value| value > MAX_COUNT) {
            return Err(D::Error::custom("a counter is out of range"));
        }
        Ok(stats)
    }

    fn nonzero(stats: &Stats) -> serde_json::Result<BTreeMap<String, u64>> {
        let all: BTreeMap<_, _> = serde_json::from_value(serde_json::to_value(stats)?)?;
        Ok(all.into_iter().filter(|(_, value)| *value > 0).collect())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn causes() -> Vec<Cause> {
        let text = || String::from("text");
        let waited = Duration::from_millis(1500);
        let violations = [
            Violation::ConflictingClose { first: 1, second: 2 },
            Violation::ConflictingExit { first: 1, second: 2 },
            Violation::EventAfterClose { closed: 1, event: 2 },
            Violation::PageBehind { after: 2, next: 1 },
            Violation::PageBeyondNext { chunk: 2, next: u64::MAX },
        ];
        let mut causes = Vec::from([
            Cause::Closed,
            Cause::Requested,
            Cause::CloseTimedOut { waited },
            Cause::OutputHeldOpen { waited, limit: "exit_idle" },
            Cause::OutputHeldOpen { waited, limit: "exit_linger" },
            Cause::Incomplete,
            Cause::Failed { message: text() },
            Cause::SessionLost { reason: text() },
            Cause::ReplayFailed { attempts: 3, message: text() },
            Cause::Lost { first: 1, last: 2 },
            Cause::Noise { reason: BadReason::InvalidUtf8 },
            Cause::Overflow { limit: "inbox_bytes", value: 7 },
            Cause::Overflow { limit: "reorder_bytes", value: 7 },
        ]);
        causes.extend(violations.map(Cause::Violation));
        causes
    }

    #[test]
    fn every_cause_and_its_name_come_back() {
        for cause in causes() {
            let json = serde_json::to_string(&SavedCause(cause.clone())).unwrap();
            assert_eq!(serde_json::from_str::<SavedCause>(&json).unwrap().0, cause, "{json}");
            assert!(NAMES.contains(&cause.name()));
        }
    }

    #[test]
    fn every_call_failure_comes_back() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Saved(#[serde(with = "CallFailureDef")] CallFailure);

        let reasons = [
            BadReason::InvalidUtf8,
            BadReason::NotJson,
            BadReason::NotJsonRpc,
            BadReason::Unsupported,
        ];
        let mut failures = Vec::from([
            CallFailure::Oversized { len: 9, limit: "max_line", value: 7 },
            CallFailure::Lost { missing: 1..=2 },
            CallFailure::Undelivered,
            CallFailure::Unknown,
            CallFailure::Ended { end: "closed", message: "text".into() },
        ]);
        failures.extend(reasons.map(|reason| CallFailure::Malformed { reason, len: 4 }));
        for failure in failures {
            let saved = Saved(failure);
            let json = serde_json::to_string(&saved).unwrap();
            assert_eq!(serde_json::from_str::<Saved>(&json).unwrap(), saved);
        }
    }

    #[test]
    fn a_name_that_is_not_known_is_refused() {
        let json = r#"{"overflow":{"limit":"else","value":7}}"#;
        assert!(serde_json::from_str::<SavedCause>(json).is_err());
    }

    #[test]
    fn ids_keep_their_spelling() {
        for id in ["null", "-7", "1.0", "18446744073709551615", r#""a\"b""#] {
            let saved = SavedId(Id::parse(id).unwrap());
            let json = serde_json::to_string(&saved).unwrap();
            assert_eq!(serde_json::from_str::<SavedId>(&json).unwrap(), saved);
        }
        assert!(serde_json::from_str::<SavedId>(r#""true""#).is_err());
    }
}
