//! Everything that is known about a server.

use farpipe_core::{Cause, End, Exit, Stats};
use rmcp::model::{CallToolResult, Prompt, Resource, ServerPeerInfo, Tool};
use serde::Serialize;

use super::{offer::Offer, watch::Watch};

/// Everything that is known about a server: the object that `--json` prints.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) server: Option<ServerPeerInfo>,
    pub(super) tools: Vec<Tool>,
    pub(super) resources: Vec<Resource>,
    pub(super) prompts: Vec<Prompt>,
    pub(super) call: Option<CallToolResult>,
    /// The last lines of stderr.
    pub(super) stderr: Vec<String>,
    /// How many lines of stderr came before those.
    pub(super) stderr_omitted: u64,
    /// Lines on stdout that were not messages, each with the reason.
    pub(super) noise: Vec<String>,
    pub(super) stats: Stats,
    pub(super) end: Option<EndReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// How the session ended.
#[derive(Debug, Serialize)]
pub(super) struct EndReport {
    /// The stable name of the cause.
    pub(super) cause: &'static str,
    /// One sentence.
    pub(super) message: String,
    pub(super) exit: Option<ExitReport>,
    pub(super) lost: u64,
    pub(super) retryable: bool,
    pub(super) stderr_tail: String,
    /// Nobody had asked the process to end.
    #[serde(skip)]
    pub(super) unrequested: bool,
    /// The process did not end before it was killed.
    #[serde(skip)]
    pub(super) killed: bool,
}

/// How the process ended.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ExitReport {
    Code(i32),
    Signal(i32),
    Unknown,
}

impl Report {
    pub(super) fn offer(&mut self, offer: Offer) {
        self.tools = offer.tools;
        self.resources = offer.resources;
        self.prompts = offer.prompts;
    }

    pub(super) fn finish(&mut self, watch: &Watch, stats: Stats, end: Option<&End>) {
        let seen = watch.seen();
        self.stderr = seen.stderr.kept.iter().cloned().collect();
        self.stderr_omitted = seen.stderr.omitted;
        self.noise = seen.noise.kept.iter().cloned().collect();
        self.stats = stats;
        self.end = end.map(EndReport::from);
    }
}

impl From<&End> for EndReport {
    fn from(end: &End) -> Self {
        Self {
            cause: end.cause.name(),
            message: end.to_string(),
            exit: end.exit.map(ExitReport::from),
            lost: end.lost,
            retryable: end.retryable,
            stderr_tail: String::from_utf8_lossy(&end.stderr_tail).into_owned(),
            unrequested: end.cause != Cause::Requested,
            killed: matches!(end.exit, None | Some(Exit::Signal(9))),
        }
    }
}

impl From<Exit> for ExitReport {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Code(code) => Self::Code(code),
            Exit::Signal(signal) => Self::Signal(signal),
            _ => Self::Unknown,
        }
    }
}
