//! The works, by mechanism.

pub mod decode;
pub mod end_to_end;
pub mod framing;
pub mod outbox;
pub mod sequencing;
pub mod session;

use std::{fmt, hint::black_box};

use bytes::{Bytes, BytesMut};
use farpipe_core::{Framed, Line, LineFramer};
use tokio_util::codec::Decoder;

use crate::work::Lazy;

/// All of them, in the order of the data's way.
pub fn all() -> Vec<Lazy> {
    [
        framing::works(),
        sequencing::works(),
        decode::works(),
        outbox::works(),
        session::works(),
        end_to_end::works(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// A size as a name.
pub(crate) fn size(bytes: usize) -> String {
    match bytes {
        MIB.. => format!("{} MiB", bytes / MIB),
        KIB.. => format!("{} KiB", bytes / KIB),
        _ => format!("{bytes} B"),
    }
}

/// Splits the chunks into lines, has `look` look at each, and counts them.
fn each_line(
    mut framer: LineFramer,
    chunks: &[Bytes],
    mut look: impl FnMut(&mut Line<'_>),
) -> usize {
    let mut lines = 0;
    for chunk in chunks {
        framer.push(chunk.clone());
        while let Some(framed) = framer.next_line() {
            let Framed::Line(mut line) = framed else { panic!("{framed:?}") };
            look(&mut line);
            lines += 1;
        }
    }
    lines
}

/// Counts what a codec of others makes of the chunks.
fn each_item<D: Decoder<Error: fmt::Debug>>(mut codec: D, chunks: &[Bytes]) -> usize {
    let mut buffer = BytesMut::new();
    let mut items = 0;
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        while let Some(item) = codec.decode(&mut buffer).expect("whole items within the limit") {
            black_box(item);
            items += 1;
        }
    }
    items
}
