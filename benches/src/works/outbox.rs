//! Messages into writes.

use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use farpipe_core::{
    Action, Capabilities, Input, JsonRpc, Limits, Session, Timestamp, WriteOutcome,
};
use tokio_util::codec::{Encoder as _, LinesCodec};

use super::size;
use crate::{
    input::{Shape, message},
    work::{Clock, Lazy, Scale, Subject, Work},
};

/// As many messages are waiting when the writing begins.
const BURST: usize = 100;

/// Small messages in bursts.
pub fn works() -> Vec<Lazy> {
    vec![Box::new(|scale| work(scale, 200)), Box::new(|scale| work(scale, 4 << 10))]
}

fn work(scale: Scale, len: usize) -> Work {
    let message = Bytes::from(message(Shape::Progress, 1, len)).slice(..len - 1);
    let bursts = scale.bytes() / len / BURST;
    let messages = bursts * BURST;
    let text = String::from_utf8(message.to_vec()).expect("a message is text");
    let subjects = vec![
        Subject::new("farpipe", move || session(&message, bursts)),
        Subject::new("LinesCodec", move || lines_codec(&text, bursts)),
    ];
    let name = format!("outbox, messages of {} in bursts of 100", size(len));
    let bytes = messages * len;
    Work { name, bytes, messages, clock: Clock::Thread, subjects, peers: &["LinesCodec"] }
}

/// Each message is sent, written as soon as may be, and settled.
fn session(message: &Bytes, bursts: usize) -> usize {
    let mut session = Session::new(JsonRpc, Capabilities::local(), Limits::default())
        .expect("default limits are valid");
    let mut settled = 0;
    for _ in 0..bursts {
        for _ in 0..BURST {
            session.send_call(message.clone(), None).expect("there is room");
        }
        while let Some(Action::Write { id, data }) = session.poll_action() {
            black_box(data);
            let outcome = WriteOutcome::Accepted;
            session.handle(Timestamp::ORIGIN, Input::Written { id, outcome });
        }
        while session.poll_settled().is_some() {
            settled += 1;
        }
    }
    settled
}

/// Into one buffer, without anything being known of its fate.
fn lines_codec(message: &str, bursts: usize) -> usize {
    let mut codec = LinesCodec::new();
    let mut buffer = BytesMut::new();
    let mut messages = 0;
    for _ in 0..bursts {
        for _ in 0..BURST {
            codec.encode(message, &mut buffer).expect("any text can be encoded");
            messages += 1;
        }
        black_box(buffer.split());
    }
    messages
}
