//! What a failed check says.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Outcome, Schedule, attempt, schedule, shrink};

/// A seed whose run went wrong.
///
/// Its text tells what must not be, and a test to keep:
///
/// ```text
/// seed 17: 3 is lost, but it was retained
///
///     #[test]
///     fn seed_17() {
///         let schedule = r#"{"setup":{"replay":true},"steps":[…]}"#;
///         farpipe_sim::run(&schedule.parse().unwrap()).unwrap();
///     }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What the smallest schedule does wrong.
    pub what: String,
    /// The smallest schedule that was found to fail.
    pub schedule: Schedule,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, what, schedule } = self;
        writeln!(f, "seed {seed}: {what}\n\n    #[test]\n    fn seed_{seed}() {{")?;
        writeln!(f, "        let schedule = r#\"{schedule}\"#;")?;
        write!(f, "        farpipe_sim::run(&schedule.parse().unwrap()).unwrap();\n    }}")
    }
}

impl std::error::Error for Failure {}

/// Runs the [schedule] of a seed; if that goes wrong, finds the smallest one that does.
///
/// ```
/// let outcome = farpipe_sim::check(17)?;
/// assert_ne!(outcome.cause, "violation");
/// # Ok::<(), Box<farpipe_sim::Failure>>(())
/// ```
///
/// # Errors
///
/// The smallest schedule, and what is wrong with it.
pub fn check(seed: u64) -> Result<Outcome, Box<Failure>> {
    let schedule = schedule(seed);
    attempt(&schedule).map_err(|violation| {
        let schedule = shrink(&schedule, |candidate| attempt(candidate).is_err());
        let what = attempt(&schedule).err().unwrap_or(violation).to_string();
        Box::new(Failure { seed, what, schedule })
    })
}
