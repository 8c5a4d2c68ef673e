//! How a session behaves where there is a choice.

use serde::{Deserialize, Serialize};

use crate::Limits;

/// How a session behaves: its limits, and its policies where there is a choice.
///
/// [`Limits`] alone are settings with the default policies.
///
/// ```
/// use farpipe_core::{Limits, LossPolicy, Settings};
///
/// let settings = Settings { loss: LossPolicy::End, ..Settings::default() };
/// assert_eq!(Settings::from(Limits::default()), Settings::default());
/// # drop(settings);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Every budget and every waiting time.
    pub limits: Limits,
    /// What a loss of output means for the session.
    pub loss: LossPolicy,
    /// What a line on stdout that is not a message means for the session.
    pub noise: NoisePolicy,
}

impl From<Limits> for Settings {
    fn from(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }
}

/// What a loss of output means for the session. It is reported in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LossPolicy {
    /// Every call that is pending when the hole is reached is answered with an error that names the
    /// lost range, and the session goes on.
    #[default]
    FailCalls,
    /// The session ends with [`Cause::Lost`](crate::Cause::Lost).
    End,
}

/// What a line on stdout that is not a message means for the session. It is reported in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoisePolicy {
    /// The session goes on.
    #[default]
    Report,
    /// The session ends with [`Cause::Noise`](crate::Cause::Noise): for authors of servers, who
    /// want to see at once what other clients would stumble over.
    Strict,
}
