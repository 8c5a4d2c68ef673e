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
    use alloc::{format, string::String, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(String),
        Read,
        Break,
        Finish,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            5 => "[ab\\r\\n]{0,8}".prop_map(Step::Push),
            3 => Just(Step::Read),
            1 => Just(Step::Break),
        ];
        prop::collection::vec(step, 0..30).prop_map(|mut steps| {
            steps.extend([Step::Finish, Step::Read, Step::Read, Step::Read]);
            steps
        })
    }

    fn run(steps: &[Step], restores: bool) -> Vec<String> {
        let mut lines = StderrLines::new(4);
        let mut found = Vec::new();
        for step in steps {
            match step {
                Step::Push(text) => lines.push(Bytes::copy_from_slice(text.as_bytes())),
                Step::Read => found.push(format!("{:?}", lines.next_line())),
                Step::Break => lines.break_line(),
                Step::Finish => lines.finish(),
            }
            if restores {
                let json = serde_json::to_string(&lines.save()).unwrap();
                let saved = serde_json::from_str(&json).unwrap();
                lines = StderrLines::restore(saved, 4).unwrap();
            }
        }
        found
    }

    proptest! {
        #[test]
        fn the_lines_go_on_as_if_nothing_had_been(steps in steps()) {
            prop_assert_eq!(run(&steps, true), run(&steps, false));
        }
    }
}
