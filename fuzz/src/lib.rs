//! The bodies of the fuzz targets.
//!
//! Each takes any bytes and panics when a property of `farpipe-core` is broken. They live in a
//! library, so that `cargo test` replays every entry of the committed corpora on stable.

mod framer;
mod jsonrpc_envelope;
mod outbox;
mod sequencer;
mod session;
mod stream;
mod watched;

pub use self::{
    framer::framer, jsonrpc_envelope::jsonrpc_envelope, outbox::outbox, sequencer::sequencer,
    session::session, stream::stream,
};

/// The body of a target.
pub type Target = fn(&[u8]);

/// Every target under its name.
pub const TARGETS: [(&str, Target); 6] = [
    ("framer", framer),
    ("jsonrpc_envelope", jsonrpc_envelope),
    ("outbox", outbox),
    ("sequencer", sequencer),
    ("session", session),
    ("stream", stream),
];
