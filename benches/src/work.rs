//! What is measured: the same work, done by several.

use bytes::Bytes;

/// One thing to do, and who does it.
pub struct Work {
    /// What is done, as a table tells it.
    pub name: String,
    /// How many bytes one run takes in.
    pub bytes: usize,
    /// How many messages, lines or events one run yields.
    pub messages: usize,
    /// What time counts.
    pub clock: Clock,
    /// Who does it.
    pub subjects: Vec<Subject>,
    /// Those of the subjects that ours are compared with.
    pub peers: &'static [&'static str],
}

/// What time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The time that the calling thread computes: neighbours on the machine do not count.
    Thread,
    /// The time that passes, and besides it the time that all threads of this process compute.
    Wall,
}

/// One who does the work.
pub struct Subject {
    /// Its name; ours begin with "farpipe".
    pub name: &'static str,
    /// Does the work once and tells how many messages it has seen.
    pub run: Box<dyn Fn() -> usize>,
}

impl Subject {
    /// A subject that does its work with `run`.
    pub fn new(name: &'static str, run: impl Fn() -> usize + 'static) -> Self {
        Self { name, run: Box::new(run) }
    }

    /// A subject that looks at chunks.
    pub fn on(name: &'static str, chunks: &[Bytes], run: fn(&[Bytes]) -> usize) -> Self {
        let chunks = chunks.to_vec();
        Self::new(name, move || run(&chunks))
    }

    /// Does the work once.
    ///
    /// # Panics
    ///
    /// When it has not yielded every message: then there is nothing to compare.
    pub fn run(&self, work: &Work) {
        let messages = (self.run)();
        assert_eq!(messages, work.messages, "{} with {} yields all", work.name, self.name);
    }

    /// Whether it is one of ours.
    pub fn is_own(&self) -> bool {
        self.name.starts_with("farpipe")
    }
}

/// How much is done in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Just enough to see that it works.
    Smoke,
    /// A few tenths of a second.
    Quick,
    /// For figures that are written down.
    Full,
}

impl Scale {
    /// The bytes of one run.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Smoke => 1 << 20,
            Self::Quick => 4 << 20,
            Self::Full => 32 << 20,
        }
    }
}

/// Builds a work when it is its turn: inputs are large.
pub type Lazy = Box<dyn Fn(Scale) -> Work>;
