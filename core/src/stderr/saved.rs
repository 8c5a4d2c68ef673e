//! What the lines of stderr need to go on in another process.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::StderrLines;
use crate::{RestoreError, StderrLine, checkpoint::is_default, chunks::fits, json_bytes};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SavedStderr {
    #[serde(skip_serializing_if = "is_default", with = "json_bytes")]
    unread: Bytes,
    #[serde(skip_serializing_if = "is_default", with = "json_bytes")]
    joined: Bytes,
    #[serde(skip_serializing_if = "is_default")]
    dropping: bool,
    #[serde(skip_serializing_if = "is_default")]
    torn: bool,
    #[serde(skip_serializing_if = "is_default")]
    broken: Option<SavedLine>,
    #[serde(skip_serializing_if = "is_default")]
    finished: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SavedLine {
    #[serde(with = "json_bytes")]
    bytes: Bytes,
    truncated: bool,
}

impl StderrLines {
    pub(crate) fn save(&self) -> SavedStderr {
        let broken = self.broken.as_ref();
        SavedStderr {
            unread: self.chunks.unread(),
            joined: Bytes::copy_from_slice(&self.joined),
            dropping: self.dropping,
            torn: self.torn,
            broken: broken
                .map(|line| SavedLine { bytes: line.bytes.clone(), truncated: line.truncated }),
            finished: self.finished,
        }
    }

    pub(crate) fn restore(saved: SavedStderr, max_line: usize) -> Result<Self, RestoreError> {
        let joined = saved.joined;
        if !fits(joined.len(), joined.last(), max_line) {
            RestoreError::check_limit("stderr_line", max_line, joined.len())?;
        }
        let mut lines = Self::new(max_line);
        lines.push(saved.unread);
        lines.joined = joined.to_vec();
        lines.dropping = saved.dropping;
        lines.torn = saved.torn;
        lines.broken =
            saved.broken.map(|line| StderrLine { bytes: line.bytes, truncated: line.truncated });
        lines.finished = saved.finished;
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String};

    use proptest::prelude::*;

    use super::*;
    use crate::checkpoint::splitter::{Splitter, run, steps};

    impl Splitter for StderrLines {
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
            Self::restore(serde_json::from_str(&json).unwrap(), 4).unwrap()
        }
    }

    proptest! {
        #[test]
        fn the_lines_go_on_as_if_nothing_had_been(steps in steps()) {
            let new = || StderrLines::new(4);
            prop_assert_eq!(run(new(), &steps, true), run(new(), &steps, false));
        }
    }
}
