//! What a framer needs to go on in another process.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{LineFramer, open::OpenLine};
use crate::{RestoreError, checkpoint::is_default, json_bytes};

/// What a framer holds. How it was cut into chunks is forgotten: it makes no difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SavedFramer {
    #[serde(skip_serializing_if = "is_default")]
    line: SavedLine,
    #[serde(skip_serializing_if = "is_default", with = "json_bytes")]
    unread: Bytes,
    #[serde(skip_serializing_if = "is_default")]
    finished: bool,
}

/// The line that is open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SavedLine {
    #[default]
    Start,
    /// Its beginning.
    Joining(#[serde(with = "json_bytes")] Bytes),
    Discarding(SavedDiscard),
    Broken(Option<SavedDiscard>),
}

/// A line above the limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SavedDiscard {
    pub(super) len: u64,
    pub(super) window: usize,
    #[serde(with = "json_bytes")]
    pub(super) head: Bytes,
    #[serde(with = "json_bytes")]
    pub(super) tail: Bytes,
}

impl LineFramer {
    pub(crate) fn save(&self) -> SavedFramer {
        SavedFramer {
            line: self.open.save(),
            unread: self.chunks.unread(),
            finished: self.finished,
        }
    }

    pub(crate) fn restore(
        saved: SavedFramer,
        max_line: usize,
        window: usize,
    ) -> Result<Self, RestoreError> {
        let mut framer = Self::new(max_line, window);
        framer.open = OpenLine::restore(saved.line, max_line, window)?;
        framer.push(saved.unread);
        framer.finished = saved.finished;
        Ok(framer)
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String};

    use proptest::prelude::*;

    use super::*;
    use crate::checkpoint::splitter::{Splitter, run, steps};

    impl Splitter for LineFramer {
        fn push(&mut self, chunk: Bytes) {
            self.push(chunk);
        }

        fn read(&mut self) -> String {
            format!("{:?}", self.next_line())
        }

        fn break_line(&mut self) {
            self.break_line();
        }

        fn finish(&mut self) {
            self.finish();
        }

        fn restored(&self) -> Self {
            let json = serde_json::to_string(&self.save()).unwrap();
            Self::restore(serde_json::from_str(&json).unwrap(), 4, 2).unwrap()
        }
    }

    proptest! {
        #[test]
        fn a_framer_goes_on_as_if_nothing_had_been(steps in steps()) {
            let new = || LineFramer::new(4, 2);
            prop_assert_eq!(run(new(), &steps, true), run(new(), &steps, false));
        }
    }
}
