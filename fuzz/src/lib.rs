//! The bodies of the fuzz targets.
//!
//! Each takes any bytes and panics when a property of farpipe is broken. They live in a
//! library, so that `cargo test` replays every entry of the committed corpora on stable.

mod checkpoint;
mod exec_server_wire;
mod framer;
mod jsonrpc_envelope;
mod outbox;
mod rmcp_decode;
mod sequencer;
mod session;
mod stream;
mod watched;

pub use self::{
    checkpoint::checkpoint, exec_server_wire::exec_server_wire, framer::framer,
    jsonrpc_envelope::jsonrpc_envelope, outbox::outbox, rmcp_decode::rmcp_decode,
    sequencer::sequencer, session::session, stream::stream,
};

use arbitrary::{Arbitrary, Unstructured};

/// Reads operations for as long as the input lasts.
fn each_op<'a, Op: Arbitrary<'a>>(input: &mut Unstructured<'a>, mut apply: impl FnMut(Op)) {
    while !input.is_empty() {
        let Ok(op) = input.arbitrary() else { return };
        apply(op);
    }
}

/// The body of a target.
pub type Target = fn(&[u8]);

/// Every target under its name.
pub const TARGETS: [(&str, Target); 9] = [
    ("checkpoint", checkpoint),
    ("exec_server_wire", exec_server_wire),
    ("framer", framer),
    ("jsonrpc_envelope", jsonrpc_envelope),
    ("outbox", outbox),
    ("rmcp_decode", rmcp_decode),
    ("sequencer", sequencer),
    ("session", session),
    ("stream", stream),
];
