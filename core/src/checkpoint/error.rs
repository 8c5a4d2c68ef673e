//! Why a checkpoint cannot be continued.

use alloc::string::{String, ToString};
use core::fmt;

use crate::InvalidLimits;

/// Why a checkpoint cannot be continued. Nothing of it has been applied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// It is no checkpoint at all.
    Foreign,
    /// A newer release wrote it.
    FutureVersion {
        /// Its version.
        found: u32,
        /// The newest version that this release reads.
        supported: u32,
    },
    /// It is cut short or damaged, or contradicts itself.
    Corrupt {
        /// What is wrong with it.
        what: String,
    },
    /// The session was made under larger limits: what it has begun does not fit.
    ExceedsLimit {
        /// The limit.
        limit: &'static str,
        /// Its value.
        value: usize,
        /// What the checkpoint needs.
        found: usize,
    },
    /// The limits to restore with are off.
    InvalidLimits(InvalidLimits),
}

impl RestoreError {
    #[allow(clippy::needless_pass_by_value)] // Errors and texts alike, as `map_err` hands them over.
    pub(crate) fn corrupt(what: impl ToString) -> Self {
        Self::Corrupt { what: what.to_string() }
    }

    /// Refuses what is above a limit.
    pub(crate) const fn check_limit(
        limit: &'static str,
        value: usize,
        found: usize,
    ) -> Result<(), Self> {
        if found > value { Err(Self::ExceedsLimit { limit, value, found }) } else { Ok(()) }
    }
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => {
                f.write_str("this is not a farpipe checkpoint; check which file or field was read")
            }
            Self::FutureVersion { found, supported } => write!(
                f,
                "the checkpoint has version {found} and this release reads up to {supported}; restore it with the release that wrote it or a newer one"
            ),
            Self::Corrupt { what } => write!(
                f,
                "the checkpoint is damaged ({what}); go back to an earlier one or start a new session"
            ),
            Self::ExceedsLimit { limit, value, found } => write!(
                f,
                "the checkpoint needs {found} bytes and `{limit}` is {value}; restore it with the limits that the session was made with"
            ),
            Self::InvalidLimits(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for RestoreError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::InvalidLimits(error) => Some(error),
            _ => None,
        }
    }
}
