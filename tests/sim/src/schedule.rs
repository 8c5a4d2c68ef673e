//! What happens in a run, apart from who does it: a list of choices that can be printed and kept.

mod setup;
mod step;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::{
    setup::{Setup, Tight},
    step::{Ask, Fate, Line, Step},
};

/// A run, told by its choices: what was promised, and what happens one after the other.
///
/// The same schedule always runs the same way. It prints as one line of JSON, which a test can keep:
///
/// ```
/// use farpipe_sim::Schedule;
///
/// let kept = r#"{"setup":{"replay":true},"steps":[{"say":{"message":8}},{"write":["stdout",20]}]}"#;
/// let schedule: Schedule = kept.parse()?;
/// assert_eq!(schedule.to_string(), kept);
/// farpipe_sim::run(&schedule).map(drop)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A step that does not apply, such as the arrival of something when nothing is on its way, does
/// nothing. So any part of a schedule is a schedule, which is what makes it easy to
/// [shrink](crate::shrink).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// What the executor promises and what the session allows.
    pub setup: Setup,
    /// What happens, in order. Behind the last step everything that is still possible happens:
    /// the link returns, what is on its way arrives, the process ends.
    pub steps: Vec<Step>,
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl std::str::FromStr for Schedule {
    type Err = serde_json::Error;

    fn from_str(json: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(json)
    }
}
