//! Several messages in one line.

use bytes::{Buf, Bytes};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{BadReason, json};

/// A JSON array, read one element at a time.
///
/// The elements share the line's memory, so a line of many short ones costs no more than itself.
///
/// ```
/// use farpipe_core::Batch;
///
/// let mut batch = Batch::parse(r#" [ {"id": 1} , 2 ]"#.into()).unwrap();
/// assert_eq!(batch.next_element().unwrap(), r#"{"id": 1}"#);
/// assert_eq!(batch.next_element().unwrap(), "2");
/// assert_eq!(batch.next_element(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// A valid array from the next element on: at least `]`, or nothing.
    rest: Bytes,
}

impl Batch {
    /// Takes a JSON array with at least one element; all of it is validated first.
    pub fn parse(line: Bytes) -> Result<Self, BadReason> {
        let text = json::text(&line)?;
        if !text.trim_ascii_start().starts_with('[') {
            return Err(json::other(text));
        }
        json::validate(text)?;
        let mut rest = line;
        skip_blank(&mut rest);
        rest.advance(1);
        skip_blank(&mut rest);
        if rest.starts_with(b"]") { Err(BadReason::NotJsonRpc) } else { Ok(Self { rest }) }
    }

    /// Goes on with what was left of a batch.
    pub(crate) const fn resume(rest: Bytes) -> Self {
        Self { rest }
    }

    /// What has not been taken.
    pub(crate) const fn rest(&self) -> &Bytes {
        &self.rest
    }

    /// Takes the next element: its exact text, without the whitespace around it.
    pub fn next_element(&mut self) -> Option<Bytes> {
        let len = {
            let mut parser = serde_json::Deserializer::from_slice(&self.rest);
            <&RawValue>::deserialize(&mut parser).ok()?.get().len()
        };
        let element = self.rest.split_to(len.min(self.rest.len()));
        skip_blank(&mut self.rest);
        if self.rest.first() == Some(&b',') {
            self.rest.advance(1);
        }
        skip_blank(&mut self.rest);
        Some(element)
    }
}

fn skip_blank(bytes: &mut Bytes) {
    bytes.advance(bytes.len() - bytes.trim_ascii_start().len());
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    fn elements(line: &str) -> Vec<Bytes> {
        let mut batch = Batch::parse(Bytes::copy_from_slice(line.as_bytes())).unwrap();
        core::iter::from_fn(|| batch.next_element()).collect()
    }

    #[test]
    fn elements_keep_their_exact_text() {
        let texts =
            [r#"{"a" : [1, "],"]}"#, "1.50", "-0", "null", r#""\u0041""#, "[ ]", "true", "12"];
        assert_eq!(elements(&format!("[{}]", texts.join(","))), texts);
        assert_eq!(elements(&format!("\t[ {}\r ] ", texts.join(" , "))), texts);
    }

    #[test]
    fn what_is_no_array_of_messages_is_refused() {
        let refused =
            |line: &str| Batch::parse(Bytes::copy_from_slice(line.as_bytes())).unwrap_err();
        for line in ["[]", " [ ] ", "{}", "1"] {
            assert_eq!(refused(line), BadReason::NotJsonRpc, "{line}");
        }
        for line in ["", "[", "[1", "[1,]", "[1 2]", "[1]]", "[1] x", "{} x", "[,]"] {
            assert_eq!(refused(line), BadReason::NotJson, "{line}");
        }
        let invalid = Batch::parse(Bytes::from_static(b"[\"\xFF\"]"));
        assert_eq!(invalid.unwrap_err(), BadReason::InvalidUtf8);
    }

    #[test]
    fn elements_share_the_line() {
        let line = Bytes::from_static(b"[{},{}]");
        let mut batch = Batch::parse(line.clone()).unwrap();
        assert_eq!(batch.next_element().unwrap().as_ptr(), line[1..].as_ptr());
        assert_eq!(batch.next_element().unwrap().as_ptr(), line[4..].as_ptr());
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        assert_eq!(elements(&deep), [&deep[1..deep.len() - 1]]);
    }

    proptest! {
        #[test]
        fn any_elements_come_back(
            texts in prop::collection::vec("(\\{\"k\":[1-9]{1,3}\\}|\"[a-z,\\[\\]]{0,5}\"|[1-9][0-9]?|null)", 1..20),
            blank in "[ \t\r]{0,3}",
        ) {
            let separator = [",", &blank].concat();
            let line = format!("{blank}[{blank}{}{blank}]{blank}", texts.join(&separator));
            prop_assert_eq!(elements(&line), texts);
        }

        #[test]
        fn any_bytes_are_survived(line in prop::collection::vec(prop::sample::select(b"[]{},:\"1 ".to_vec()), 0..12)) {
            if let Ok(mut batch) = Batch::parse(Bytes::from(line.clone())) {
                let texts = core::iter::from_fn(|| batch.next_element()).collect::<Vec<_>>();
                let joined = texts.iter().map(|text| String::from_utf8_lossy(text)).collect::<Vec<_>>();
                prop_assert_eq!(elements(&format!("[{}]", joined.join(","))), texts);
            }
        }
    }
}
