//! How a session is driven.

use std::{fmt, io::Write};

use farpipe_core::{Decode, Event, Limits, Settings};

/// Gets the events that nobody reads.
pub(crate) type Leftover<D> = Box<dyn Fn(Event<<D as Decode>::Message>) + Send + Sync>;

/// How a session is driven: its settings, and who else sees what happens.
///
/// [`Settings`] and [`Limits`] alone are options, too.
pub struct Options<D: Decode> {
    pub(crate) settings: Settings,
    pub(crate) leftover: Option<Leftover<D>>,
    pub(crate) recording: Option<Box<dyn Write + Send>>,
}

impl<D: Decode> Options<D> {
    /// The default settings.
    pub fn new() -> Self {
        Self { settings: Settings::default(), leftover: None, recording: None }
    }

    /// How the session behaves.
    #[must_use]
    pub fn settings(mut self, settings: impl Into<Settings>) -> Self {
        self.settings = settings.into();
        self
    }

    /// Gives the events that nobody reads any more to `leftover`: those that come while a
    /// [`Close`](crate::Close) is awaited, and those after the last handle was dropped.
    ///
    /// It is called by whoever drives the session, so it must not block.
    #[must_use]
    pub fn leftover(
        mut self,
        leftover: impl Fn(Event<D::Message>) + Send + Sync + 'static,
    ) -> Self {
        self.leftover = Some(Box::new(leftover));
        self
    }

    /// Records the session, see [`farpipe_core::recording`]. The recording holds every message, with
    /// whatever is secret in it.
    ///
    /// It is written, with a buffer, by whoever drives the session: give it a file, not a link. An
    /// error is logged and ends the recording, not the session.
    #[must_use]
    pub fn record(mut self, out: impl Write + Send + 'static) -> Self {
        self.recording = Some(Box::new(out));
        self
    }
}

impl<D: Decode> Default for Options<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: Decode> From<Settings> for Options<D> {
    fn from(settings: Settings) -> Self {
        Self::new().settings(settings)
    }
}

impl<D: Decode> From<Limits> for Options<D> {
    fn from(limits: Limits) -> Self {
        Self::new().settings(limits)
    }
}

impl<D: Decode> fmt::Debug for Options<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("settings", &self.settings).finish_non_exhaustive()
    }
}
