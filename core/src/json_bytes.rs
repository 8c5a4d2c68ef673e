//! Bytes in JSON: text where they are UTF-8, an array of numbers where they are not.
//!
//! For `#[serde(with = "…")]`. What a process writes is text nearly always, and stays readable so.

use alloc::{string::String, vec::Vec};

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize as _, Serializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Data {
    Text(String),
    Numbers(Vec<u8>),
}

pub(crate) fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    match core::str::from_utf8(bytes) {
        Ok(text) => serializer.serialize_str(text),
        Err(_) => bytes.to_vec().serialize(serializer),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
    Ok(match Data::deserialize(deserializer)? {
        Data::Text(text) => text.into(),
        Data::Numbers(numbers) => numbers.into(),
    })
}
