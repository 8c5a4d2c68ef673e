//! How the parts of an entry are written that have no obvious form in JSON.

/// Nanoseconds since the origin.
pub(super) mod time {
    use core::time::Duration;

    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::Timestamp;

    pub(crate) fn serialize<S: Serializer>(
        at: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let nanos = u64::try_from(at.since_origin().as_nanos()).unwrap_or(u64::MAX);
        serializer.serialize_u64(nanos)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        let nanos = u64::deserialize(deserializer)?;
        Ok(Timestamp::from_origin(Duration::from_nanos(nanos)))
    }
}

/// An id as JSON in a string: a number must not lose its spelling.
pub(super) mod id {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::{Id, checkpoint::SavedId};

    pub(crate) fn serialize<S: Serializer>(id: &Id, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(id)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
        SavedId::deserialize(deserializer).map(|id| id.0)
    }
}

/// Calls, each id like a single one.
pub(super) mod calls {
    use alloc::{boxed::Box, vec::Vec};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::{Call, checkpoint::SavedId};

    #[derive(Serialize, Deserialize)]
    struct WireCall {
        id: SavedId,
        method: Box<str>,
    }

    pub(crate) fn serialize<S: Serializer>(
        calls: &[Call],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let wire =
            |call: &Call| WireCall { id: SavedId(call.id.clone()), method: call.method.clone() };
        calls.iter().map(wire).collect::<Vec<_>>().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Call>, D::Error> {
        let calls = Vec::<WireCall>::deserialize(deserializer)?;
        Ok(calls.into_iter().map(|call| Call { id: call.id.0, method: call.method }).collect())
    }
}
