//! Chunks that arrive in some order into events in the right one.

use std::{collections::BTreeMap, hint::black_box};

use bytes::Bytes;
use farpipe_core::{
    BadReason, Calls, Capabilities, Chunk, Decode, Decoded, Event, Input, Limits, Line, Seq,
    Session, Stream, Timestamp,
};

use crate::{
    input::{Output, Shape},
    naive::NaiveFramer,
    work::{Clock, Lazy, Scale, Subject, Work},
};

const LINE: usize = 200;
/// As many chunks as wait for the first one of them at most; a session holds 4 096 by default.
const REVERSED: usize = 4_000;
const WINDOW: usize = 64;

/// Takes every line as it is.
struct Lines;

impl Decode for Lines {
    type Message = usize;

    fn decode(&mut self, line: &mut Line<'_>, _: &Calls) -> Result<Decoded<usize>, BadReason> {
        Ok(Decoded::Message(line.as_slice().len()))
    }
}

/// In order, each window the other way round, and a long stretch the other way round.
pub fn works() -> Vec<Lazy> {
    vec![
        Box::new(|scale| work(scale, "in order", 1)),
        Box::new(|scale| work(scale, "in reversed windows of 64", WINDOW)),
        Box::new(|scale| work(scale, "in reversed stretches of 4 000", REVERSED)),
    ]
}

fn work(scale: Scale, order: &str, window: usize) -> Work {
    let output = Output::new(Shape::Response, scale.bytes(), LINE, LINE);
    let (bytes, messages) = (output.bytes, output.lines);
    let mut arrived: Vec<(Seq, Bytes)> = (1..).zip(output.chunks).collect();
    arrived.chunks_mut(window).for_each(<[_]>::reverse);
    let copy = arrived.clone();
    let subjects = vec![
        Subject::new("farpipe", move || session(&arrived)),
        Subject::new("naive engine", move || naive(&copy)),
    ];
    let name = format!("sequencing, chunks of 200 B {order}");
    Work { name, bytes, messages, clock: Clock::Thread, subjects, peers: &["naive engine"] }
}

fn session(arrived: &[(Seq, Bytes)]) -> usize {
    let mut session = Session::new(Lines, Capabilities::local(), Limits::default())
        .expect("default limits are valid");
    let mut lines = 0;
    for (seq, data) in arrived {
        let chunk = Chunk { seq: *seq, stream: Stream::Stdout, data: data.clone() };
        session.handle(Timestamp::ORIGIN, Input::Output(chunk));
        while let Some(event) = session.poll_event() {
            lines += usize::from(matches!(black_box(event), Event::Message(_)));
        }
    }
    lines
}

/// Everything into a map, out of it what is next, and into a buffer that is searched.
fn naive(arrived: &[(Seq, Bytes)]) -> usize {
    let mut waiting = BTreeMap::new();
    let mut next = 1;
    let mut framer = NaiveFramer::default();
    let mut lines = 0;
    for (seq, data) in arrived {
        waiting.insert(*seq, data.clone());
        while let Some(data) = waiting.remove(&next) {
            framer.push(&data);
            next += 1;
        }
        while let Some(line) = framer.next_line() {
            black_box(line);
            lines += 1;
        }
    }
    lines
}
