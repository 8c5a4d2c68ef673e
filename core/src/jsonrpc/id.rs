//! The id of a request, exactly as it was written.

use alloc::{boxed::Box, string::String};
use core::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The id of a request.
///
/// Ids are compared as values only where that is exact: a number that is no `i64` keeps its text, so
/// `1`, `1.0` and `1e0` are three ids, and none of them is ever rounded. [`Display`](fmt::Display)
/// writes an id as JSON.
///
/// ```
/// use farpipe_core::Id;
///
/// assert_eq!(Id::parse("7"), Some(Id::Int(7)));
/// assert_eq!(Id::parse("\"a\""), Some(Id::from("a")));
/// let large = Id::parse("18446744073709551615").unwrap();
/// assert_eq!(large.to_string(), "18446744073709551615");
/// assert_eq!(Id::parse("true"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// `null`.
    Null,
    /// An integer that an `i64` holds.
    Int(i64),
    /// Any other number, as it was written.
    Number(Box<str>),
    /// A string.
    String(Box<str>),
}

impl Id {
    /// Reads an id from JSON; `None` if the text is anything but a string, a number or `null`.
    pub fn parse(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok().and_then(Self::from_raw)
    }

    pub(super) fn from_raw(raw: &RawValue) -> Option<Self> {
        let json = raw.get();
        match json.as_bytes().first()? {
            b'n' => Some(Self::Null),
            b'"' => serde_json::from_str::<String>(json).ok().map(|text| Self::String(text.into())),
            b'-' | b'0'..=b'9' => Some(Self::from_number(json)),
            _ => None,
        }
    }

    fn from_number(json: &str) -> Self {
        match json.parse() {
            // JSON has no leading zeros and no plus, so only the sign of zero could be lost.
            Ok(int) if json != "-0" => Self::Int(int),
            _ => Self::Number(json.into()),
        }
    }
}

impl From<i64> for Id {
    fn from(id: i64) -> Self {
        Self::Int(id)
    }
}

impl From<&str> for Id {
    fn from(id: &str) -> Self {
        Self::String(id.into())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Int(id) => write!(f, "{id}"),
            Self::Number(text) => f.write_str(text),
            Self::String(text) => {
                f.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
            }
        }
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Int(id) => serializer.serialize_i64(*id),
            Self::String(text) => serializer.serialize_str(text),
            Self::Number(text) => match serde_json::from_str::<&RawValue>(text) {
                Ok(raw) => raw.serialize(serializer),
                Err(error) => Err(serde::ser::Error::custom(error)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    /// <https://github.com/modelcontextprotocol/rust-sdk/issues/416>
    #[test]
    fn ids_of_every_type_are_preserved_exactly() {
        for json in [
            "null",
            "0",
            "-0",
            "7",
            "-7",
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775808",
            "18446744073709551615",
            "-9223372036854775809",
            "1.5",
            "1.0",
            "1e3",
            "1E+3",
            "-0.0",
            "123456789012345678901234567890",
            r#""""#,
            r#""a\"b\\""#,
            r#""7""#,
        ] {
            let id = Id::parse(json).unwrap();
            assert_eq!(id.to_string(), json);
            assert_eq!(serde_json::to_string(&id).unwrap(), json);
        }
    }

    #[test]
    fn only_what_an_i64_holds_is_an_int() {
        assert_eq!(Id::parse(" 7 "), Some(Id::from(7)));
        assert_eq!(Id::parse("-9223372036854775808"), Some(Id::Int(i64::MIN)));
        for json in ["-0", "1.0", "1e0", "9223372036854775808"] {
            assert_eq!(Id::parse(json), Some(Id::Number(json.into())));
        }
        assert_ne!(Id::parse("7"), Id::parse("\"7\""));
    }

    #[test]
    fn escapes_are_another_spelling_of_the_same_string() {
        assert_eq!(Id::parse(r#""\u0061""#), Some(Id::from("a")));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for json in
            ["", "true", "false", "{}", "[]", "[1]", "1 2", "01", "+1", "nul", r#""\ud800""#]
        {
            assert_eq!(Id::parse(json), None, "{json}");
        }
    }

    proptest! {
        #[test]
        fn display_and_parse_are_inverse(int in any::<i64>(), text in any::<String>()) {
            for id in [Id::Int(int), Id::String(text.into())] {
                prop_assert_eq!(Id::parse(&id.to_string()), Some(id));
            }
        }
    }
}
