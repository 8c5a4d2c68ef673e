//! What holds for a whole run.

use farpipe_core::{Capabilities, Limits, LossPolicy, NoisePolicy, Retention, Settings};
use serde::{Deserialize, Serialize};

/// What the executor promises, how the process behaves, and how tight the session's limits are.
///
/// The default is an executor that promises nothing, a process that obeys, and the default limits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools)] // Independent promises, each read by its own name.
pub struct Setup {
    /// See [`Capabilities::lossless`].
    #[serde(skip_serializing_if = "is_default")]
    pub lossless: bool,
    /// See [`Capabilities::replay`].
    #[serde(skip_serializing_if = "is_default")]
    pub replay: bool,
    /// See [`Capabilities::close_stdin`].
    #[serde(skip_serializing_if = "is_default")]
    pub close_stdin: bool,
    /// See [`Capabilities::interrupt`].
    #[serde(skip_serializing_if = "is_default")]
    pub interrupt: bool,
    /// See [`Capabilities::write_deduplication`].
    #[serde(skip_serializing_if = "is_default")]
    pub write_deduplication: bool,
    /// How much the executor retains, in bytes and in events; everything if `None`.
    #[serde(skip_serializing_if = "is_default")]
    pub retention: Option<(u16, u16)>,
    /// The session attaches late: so many messages were written before. Without replay they are
    /// lost. See [`Capabilities::from_start`].
    #[serde(skip_serializing_if = "is_default")]
    pub written_before: Option<u8>,

    /// Nobody says who the executor is before the link comes back for the first time.
    #[serde(skip_serializing_if = "is_default")]
    pub unannounced: bool,

    /// The process ignores the close of its stdin and a request to stop.
    #[serde(skip_serializing_if = "is_default")]
    pub stubborn: bool,
    /// A descendant of the process keeps the output open for ever.
    #[serde(skip_serializing_if = "is_default")]
    pub clings: bool,

    /// [`LossPolicy::End`] is in force.
    #[serde(skip_serializing_if = "is_default")]
    pub ends_on_loss: bool,
    /// [`NoisePolicy::Strict`] is in force.
    #[serde(skip_serializing_if = "is_default")]
    pub ends_on_noise: bool,

    /// The limits that are not the default ones, by the names they have in [`Limits`].
    #[serde(skip_serializing_if = "is_default")]
    pub limits: Tight,
}

/// Limits that a short run can reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)] // Each is the limit of its name.
pub struct Tight {
    #[serde(skip_serializing_if = "is_default")]
    pub max_line: Option<u16>,
    #[serde(skip_serializing_if = "is_default")]
    pub stderr_line: Option<u16>,
    #[serde(skip_serializing_if = "is_default")]
    pub stderr_tail: Option<u16>,
    #[serde(skip_serializing_if = "is_default")]
    pub reorder_events: Option<u16>,
    #[serde(skip_serializing_if = "is_default")]
    pub reorder_bytes: Option<u16>,
    #[serde(skip_serializing_if = "is_default")]
    pub inbox_bytes: Option<u16>,
    #[serde(skip_serializing_if = "is_default")]
    pub replay_page: Option<u16>,
    #[serde(skip_serializing_if = "is_default")]
    pub replay_grace_events: Option<u16>,
    #[serde(skip_serializing_if = "is_default")]
    pub replay_retries: Option<u16>,
    #[serde(skip_serializing_if = "is_default")]
    pub max_write: Option<u16>,
    #[serde(skip_serializing_if = "is_default")]
    pub outbox_messages: Option<u16>,
    #[serde(skip_serializing_if = "is_default")]
    pub pending_calls: Option<u16>,
    #[serde(skip_serializing_if = "is_default")]
    pub late_answers: Option<u16>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Setup {
    /// What the executor promises.
    pub fn capabilities(&self) -> Capabilities {
        let retention = self.retention.map(|(bytes, events)| Retention {
            bytes: usize::from(bytes),
            events: usize::from(events),
        });
        Capabilities {
            lossless: self.lossless,
            from_start: self.written_before.is_none(),
            replay: self.replay,
            retention,
            close_stdin: self.close_stdin,
            interrupt: self.interrupt,
            write_deduplication: self.write_deduplication,
        }
    }

    /// How the session behaves.
    pub fn settings(&self) -> Settings {
        Settings {
            limits: self.limits.limits(),
            loss: if self.ends_on_loss { LossPolicy::End } else { LossPolicy::FailCalls },
            noise: if self.ends_on_noise { NoisePolicy::Strict } else { NoisePolicy::Report },
        }
    }
}

impl Tight {
    fn limits(&self) -> Limits {
        let usual = Limits::default();
        let or = |tight: Option<u16>, usual: usize| tight.map_or(usual, usize::from);
        Limits {
            max_line: or(self.max_line, usual.max_line),
            stderr_line: or(self.stderr_line, usual.stderr_line),
            stderr_tail: or(self.stderr_tail, usual.stderr_tail),
            reorder_events: or(self.reorder_events, usual.reorder_events),
            reorder_bytes: or(self.reorder_bytes, usual.reorder_bytes),
            inbox_bytes: or(self.inbox_bytes, usual.inbox_bytes),
            replay_page: or(self.replay_page, usual.replay_page),
            replay_grace_events: or(self.replay_grace_events, usual.replay_grace_events),
            replay_retries: self.replay_retries.map_or(usual.replay_retries, u32::from),
            max_write: or(self.max_write, usual.max_write),
            outbox_messages: or(self.outbox_messages, usual.outbox_messages),
            pending_calls: or(self.pending_calls, usual.pending_calls),
            late_answers: or(self.late_answers, usual.late_answers),
            ..usual
        }
    }
}
