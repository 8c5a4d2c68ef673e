//! The whole session beside its parts.

use std::{collections::BTreeMap, hint::black_box};

use bytes::Bytes;
use farpipe_core::{Capabilities, Chunk, Event, Input, Limits, Seq, Session, Stream, Timestamp};
use farpipe_rmcp::RmcpDecode;
use rmcp::{RoleClient, service::RxJsonRpcMessage};

use super::{KIB, decode, size};
use crate::{
    input::{Output, Shape},
    naive::NaiveFramer,
    work::{Clock, Lazy, Scale, Subject, Work},
};

/// Notifications of three lengths.
pub fn works() -> Vec<Lazy> {
    let work = |line: usize| -> Lazy { Box::new(move |scale| work(scale, line)) };
    [200, 4 * KIB, 64 * KIB].into_iter().map(work).collect()
}

fn work(scale: Scale, line: usize) -> Work {
    let output = Output::new(Shape::Progress, scale.bytes(), line, 64 * KIB);
    let (bytes, messages) = (output.bytes, output.lines);
    let subjects = vec![
        Subject::on("farpipe", &output.chunks, session),
        Subject::on("framer + decoder", &output.chunks, decode::farpipe),
        Subject::on("naive engine", &output.chunks, naive),
    ];
    Work {
        name: format!("session, notifications of {}", size(line)),
        bytes,
        messages,
        clock: Clock::Thread,
        subjects,
        peers: &["framer + decoder", "naive engine"],
    }
}

fn session(chunks: &[Bytes]) -> usize {
    let mut session = Session::new(RmcpDecode, Capabilities::local(), Limits::default())
        .expect("default limits are valid");
    let mut messages = 0;
    for (seq, data) in (1..).zip(chunks) {
        let chunk = Chunk { seq, stream: Stream::Stdout, data: data.clone() };
        session.handle(Timestamp::ORIGIN, Input::Output(chunk));
        while let Some(event) = session.poll_event() {
            messages += usize::from(matches!(black_box(event), Event::Message(_)));
        }
        assert_eq!(session.poll_action(), None, "there is nothing to do");
    }
    messages
}

/// What suggests itself: a map, a buffer that is searched again, and rmcp's own decoder.
fn naive(chunks: &[Bytes]) -> usize {
    let mut waiting = BTreeMap::<Seq, &Bytes>::new();
    let mut next = 1;
    let mut framer = NaiveFramer::default();
    let mut messages = 0;
    for (seq, data) in (1..).zip(chunks) {
        waiting.insert(seq, data);
        while let Some(data) = waiting.remove(&next) {
            framer.push(data);
            next += 1;
        }
        while let Some(line) = framer.next_line() {
            let message: RxJsonRpcMessage<RoleClient> =
                serde_json::from_slice(&line).expect("a message");
            black_box(message);
            messages += 1;
        }
    }
    messages
}
