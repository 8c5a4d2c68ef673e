//! What a session tells besides messages, as `tracing` events.

use farpipe_core::{BadLine, Cause, Event};

/// The target of the `tracing` events that carry a server's stderr, one a line.
pub const STDERR_TARGET: &str = "farpipe::stderr";

/// The target of the `tracing` events about noise, damage, losses and the end.
pub const TRANSPORT_TARGET: &str = "farpipe::transport";

/// Logs everything but messages, under the server's name.
pub(crate) fn log<M>(server: &str, event: &Event<M>) {
    match event {
        Event::Stderr(line) => {
            tracing::info!(target: STDERR_TARGET, server, truncated = line.truncated, "{}", line.text());
        }
        Event::Noise(line) => noise(server, line),
        Event::Malformed(line) => malformed(server, line),
        Event::Oversized(line) => tracing::warn!(
            target: TRANSPORT_TARGET, server, len = line.len, max_line = line.limit,
            "a line on stdout is longer than `max_line` and was discarded"
        ),
        Event::Lost(lost) => tracing::warn!(target: TRANSPORT_TARGET, server, "{lost}"),
        Event::Exited(exit) => {
            tracing::debug!(target: TRANSPORT_TARGET, server, "the process ended with {exit}");
        }
        Event::End(end) if matches!(end.cause, Cause::Closed | Cause::Requested) => {
            tracing::info!(target: TRANSPORT_TARGET, server, cause = end.cause.name(), "{end}");
        }
        Event::End(end) => {
            tracing::warn!(target: TRANSPORT_TARGET, server, cause = end.cause.name(), "{end}");
        }
        _ => {}
    }
}

fn noise(server: &str, line: &BadLine) {
    let head = String::from_utf8_lossy(&line.head);
    let (reason, len) = (line.reason, line.len);
    tracing::warn!(
        target: TRANSPORT_TARGET, server, %reason, len, ?head,
        "a line on stdout is not a message"
    );
}

/// Without its contents: a message may hold what is secret.
fn malformed(server: &str, line: &BadLine) {
    let (reason, len) = (line.reason, line.len);
    tracing::warn!(target: TRANSPORT_TARGET, server, %reason, len, "a message cannot be read");
}
