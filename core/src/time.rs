//! Time as an argument.

use core::{ops::Add, time::Duration};

/// A moment, told as the time since an origin that the caller picks once per session.
///
/// The core owns no clock: `std::time::Instant` cannot even be created on some targets, and a
/// recorded session has to replay with the times it was recorded with. Any monotonic clock will do;
/// a timestamp that goes backwards is read as the latest one seen.
///
/// ```
/// use core::time::Duration;
/// use farpipe_core::Timestamp;
///
/// let start = Timestamp::ORIGIN;
/// let later = start + Duration::from_millis(20);
/// assert_eq!(later.saturating_since(start), Duration::from_millis(20));
/// assert_eq!(start.saturating_since(later), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(Duration);

impl Timestamp {
    /// The origin itself.
    pub const ORIGIN: Self = Self(Duration::ZERO);

    /// The moment that lies `elapsed` after the origin.
    pub const fn from_origin(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// The time since the origin.
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// The time since `earlier`, or zero if `earlier` is later than `self`.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// Adds, staying at the far end of time instead of overflowing.
    fn add(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }
}
