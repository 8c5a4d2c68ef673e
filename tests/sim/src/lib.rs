#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod coverage;
mod executor;
pub mod exhaustive;
mod failure;
pub mod kit;
pub mod model;
mod process;
mod random;
mod run;
mod schedule;
mod shrink;
mod text;
mod violation;

pub use coverage::Coverage;
pub use executor::{Misuse, Produced, SimExecutor};
pub use failure::{Failure, check};
pub use random::schedule;
pub use run::{Outcome, run};
pub use schedule::{Ask, Fate, Line, Schedule, Setup, Step, Tight};
pub use shrink::{attempt, shrink};
pub use violation::Violation;
