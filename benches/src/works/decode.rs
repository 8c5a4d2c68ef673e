//! Output into messages.

use std::hint::black_box;

use bytes::Bytes;
use farpipe_core::{Call, Calls, Decode as _, Decoded, Id, Limits, Line, LineFramer};
use farpipe_rmcp::RmcpDecode;
use rmcp::{RoleClient, service::RxJsonRpcMessage, transport::async_rw::JsonRpcMessageCodec};
use serde_json::Value;

use super::{KIB, MIB, each_item, size};
use crate::{
    input::{CALLS, Output, Shape},
    work::{Clock, Lazy, Scale, Subject, Work},
};

type Message = RxJsonRpcMessage<RoleClient>;

/// Notifications, and results of tools in both orders of their members.
pub fn works() -> Vec<Lazy> {
    let results = [300, 4 * KIB, 64 * KIB, MIB]
        .into_iter()
        .flat_map(|line| [Shape::ToolResult, Shape::ToolResultIdLast].map(|shape| (shape, line)));
    [(Shape::Progress, 200)]
        .into_iter()
        .chain(results)
        .chain([(Shape::ToolResultEscaped, 4 * KIB)])
        .map(|(shape, line)| -> Lazy { Box::new(move |scale| work(scale, shape, line)) })
        .collect()
}

fn work(scale: Scale, shape: Shape, line: usize) -> Work {
    let output = Output::new(shape, scale.bytes(), line, 64 * KIB);
    let (bytes, messages) = (output.bytes, output.lines);
    let subjects = vec![
        Subject::on("farpipe", &output.chunks, farpipe),
        Subject::on("rmcp codec", &output.chunks, rmcp_codec),
        Subject::on("serde_json Value", &output.chunks, values),
    ];
    let name = format!("decode, {} of {}", kind(shape), size(line));
    let peers = &["rmcp codec", "serde_json Value"];
    Work { name, bytes, messages, clock: Clock::Thread, subjects, peers }
}

const fn kind(shape: Shape) -> &'static str {
    match shape {
        Shape::Response => "responses",
        Shape::Progress => "notifications",
        Shape::ToolResult => "tool results",
        Shape::ToolResultIdLast => "tool results (id last)",
        Shape::ToolResultEscaped => "tool results (escapes)",
    }
}

/// The calls that are answered.
fn calls() -> Calls {
    let call = |id: u8| Call { id: Id::Int(id.into()), method: "tools/call".into() };
    (0..CALLS).map(call).collect()
}

/// Splits the chunks into lines, and has `decode` look at each.
fn each_line(chunks: &[Bytes], decode: impl FnMut(&mut Line<'_>)) -> usize {
    let Limits { max_line, line_window, .. } = Limits::default();
    super::each_line(LineFramer::new(max_line, line_window), chunks, decode)
}

/// Framer and decoder without a session around them.
pub(super) fn farpipe(chunks: &[Bytes]) -> usize {
    let calls = calls();
    each_line(chunks, |line| {
        let decoded = RmcpDecode.decode(line, &calls).expect("a message");
        let Decoded::Message(message) = decoded else { panic!("{decoded:?}") };
        black_box(message);
    })
}

fn values(chunks: &[Bytes]) -> usize {
    each_line(chunks, |line| {
        black_box(serde_json::from_slice::<Value>(line).expect("JSON"));
    })
}

fn rmcp_codec(chunks: &[Bytes]) -> usize {
    each_item(JsonRpcMessageCodec::<Message>::new(), chunks)
}
