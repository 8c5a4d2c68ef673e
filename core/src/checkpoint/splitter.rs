//! What the tests of the two line splitters have in common: steps, and a restore after each.

use alloc::{string::String, vec::Vec};

use bytes::Bytes;
use proptest::prelude::*;

/// A splitter of lines that can be put aside.
pub(crate) trait Splitter {
    fn push(&mut self, chunk: Bytes);
    /// What the next read yields, as text.
    fn read(&mut self) -> String;
    fn break_line(&mut self);
    fn finish(&mut self);
    /// The same splitter, put aside as JSON and taken up again.
    fn restored(&self) -> Self;
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Push(String),
    Read,
    Break,
    Finish,
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
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

/// What is read over all steps, with or without a restore after each.
pub(crate) fn run(mut splitter: impl Splitter, steps: &[Step], restores: bool) -> Vec<String> {
    let mut found = Vec::new();
    for step in steps {
        match step {
            Step::Push(text) => splitter.push(Bytes::copy_from_slice(text.as_bytes())),
            Step::Read => found.push(splitter.read()),
            Step::Break => splitter.break_line(),
            Step::Finish => splitter.finish(),
        }
        if restores {
            splitter = splitter.restored();
        }
    }
    found
}
