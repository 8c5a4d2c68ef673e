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

/// Calls, each id as JSON in a string: a number must not lose its spelling.
pub(super) mod calls {
    use alloc::{
        string::{String, ToString as _},
        vec::Vec,
    };

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    use crate::{Call, Id};

    #[derive(Serialize, Deserialize)]
    struct WireCall {
        id: String,
        method: String,
    }

    pub(crate) fn serialize<S: Serializer>(
        calls: &[Call],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let wire =
            |call: &Call| WireCall { id: call.id.to_string(), method: call.method.to_string() };
        calls.iter().map(wire).collect::<Vec<_>>().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Call>, D::Error> {
        let call = |call: WireCall| {
            let id = Id::parse(&call.id).ok_or_else(|| D::Error::custom("not a request's id"))?;
            Ok(Call { id, method: call.method.into() })
        };
        Vec::<WireCall>::deserialize(deserializer)?.into_iter().map(call).collect()
    }
}
