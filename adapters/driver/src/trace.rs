//! What a session does, as `tracing` events: what happened and how much, never what was said.
//!
//! Commands, environments, tokens and messages are not logged at any level.

use farpipe_core::{Action, Cause, End, Input};

/// The target of all events of this crate. Their names, given here, are stable.
pub const SESSION_TARGET: &str = "farpipe::session";

pub(crate) fn input(input: &Input) {
    match input {
        Input::Exited { seq, exit } => {
            tracing::debug!(name: "exited", target: SESSION_TARGET, seq, %exit, "the process ended");
        }
        Input::Closed { seq } => {
            tracing::debug!(name: "closed", target: SESSION_TARGET, seq, "the output is complete");
        }
        Input::Lagged { skipped } => {
            tracing::info!(name: "lagged", target: SESSION_TARGET, skipped, "events were dropped");
        }
        Input::Replayed(page) => {
            let (chunks, next) = (page.chunks.len(), page.next);
            tracing::debug!(name: "replayed", target: SESSION_TARGET, chunks, next, closed = page.closed, "a replay page came");
        }
        Input::ReplayFailed { message, retryable, .. } => {
            tracing::warn!(name: "replay_failed", target: SESSION_TARGET, message, retryable, "a replay failed");
        }
        Input::LinkDown { reason } => {
            tracing::info!(name: "link_down", target: SESSION_TARGET, reason, "the link is down");
        }
        Input::LinkUp { .. } => {
            tracing::info!(name: "link_up", target: SESSION_TARGET, "the link is up");
        }
        _ => {}
    }
}

pub(crate) fn action(action: &Action) {
    match action {
        Action::Replay { after, max_bytes, .. } => {
            tracing::debug!(name: "replay", target: SESSION_TARGET, after, max_bytes, "asking for a replay");
        }
        Action::Write { id, data } => {
            tracing::trace!(name: "write", target: SESSION_TARGET, id = id.0, bytes = data.len(), "writing");
        }
        Action::CloseStdin => {
            tracing::debug!(name: "close_stdin", target: SESSION_TARGET, "closing stdin");
        }
        Action::Interrupt => {
            tracing::debug!(name: "interrupt", target: SESSION_TARGET, "asking the process to stop");
        }
        Action::Terminate => {
            tracing::debug!(name: "terminate", target: SESSION_TARGET, "terminating the process");
        }
        _ => {}
    }
}

/// `end` is told where it is known first, which may be long before it is read.
pub(crate) fn end(end: &End) {
    let (cause, lost, pending_failed) = (end.cause.name(), end.lost, end.pending_failed);
    let exit = end.exit.map(tracing::field::display);
    match end.cause {
        Cause::Closed | Cause::Requested => {
            tracing::debug!(name: "end", target: SESSION_TARGET, cause, exit, lost, pending_failed, "the session ends");
        }
        _ => {
            tracing::warn!(name: "end", target: SESSION_TARGET, cause, exit, lost, pending_failed, "the session ends");
        }
    }
}
