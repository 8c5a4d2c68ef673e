#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod action;
mod batch;
mod calls;
mod capabilities;
mod checkpoint;
mod chunks;
mod decode;
mod end;
mod event;
mod framer;
mod input;
mod json;
mod json_bytes;
mod jsonrpc;
mod limits;
mod outbox;
#[cfg(feature = "recording")]
pub mod recording;
mod replay;
pub mod sequencer;
mod session;
mod settings;
mod stats;
mod stderr;
mod tail;
mod time;

pub use action::{Action, Delivery, Rejected, Settled, Timeout, TimeoutReason};
pub use batch::Batch;
pub use calls::{Call, CallFailure, Calls, FailedCall};
pub use capabilities::{Capabilities, Retention};
pub use checkpoint::{Checkpoint, RestoreError};
pub use decode::{Decode, Decoded};
pub use end::{Cause, End, Violation};
pub use event::{BadLine, BadReason, Event, Lost, Oversized, StderrLine};
pub use framer::{Framed, Line, LineFramer};
pub use input::{Chunk, Exit, Identity, Input, Page, ReplayId, Seq, Stream, WriteId, WriteOutcome};
pub use json::looks_like_message;
pub use jsonrpc::{Envelope, Id, JsonRpc, Kind};
pub use limits::{InvalidLimits, Limits};
pub use outbox::{Refused, SendError};
pub use session::Session;
pub use settings::{LossPolicy, NoisePolicy, Settings};
pub use stats::Stats;
pub use stderr::StderrLines;
pub use tail::Tail;
pub use time::Timestamp;

/// Names one accepted send.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct SendId(pub u64);
