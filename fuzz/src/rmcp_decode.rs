//! The decoder of `farpipe-rmcp` beside rmcp's own.

#[path = "../../adapters/rmcp/tests/decode/oracle.rs"]
mod oracle;

use bytes::Bytes;
use farpipe_core::{Call, Calls, Envelope};

/// Calls that a line may answer; the first byte of the input picks one.
const METHODS: [&str; 20] = [
    "ping",
    "initialize",
    "server/discover",
    "completion/complete",
    "prompts/get",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/directory/read",
    "tools/list",
    "tools/call",
    "tasks/get",
    "tasks/update",
    "tasks/cancel",
    "skills/list",
    "skills/get",
    "subscriptions/listen",
    "logging/setLevel",
    "own/method",
];

/// Any line becomes what rmcp makes of it, or one of the listed improvements on that.
pub fn rmcp_decode(data: &[u8]) {
    let Some((&method, line)) = data.split_first() else { return };
    let method = METHODS[usize::from(method) % METHODS.len()];
    let id = Envelope::parse(Bytes::copy_from_slice(line)).ok().and_then(|line| line.id().cloned());
    let calls: Calls = id.into_iter().map(|id| Call { id, method: method.into() }).collect();
    oracle::check(line, &Calls::default());
    oracle::check(line, &calls);
}
