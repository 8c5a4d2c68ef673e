//! Output into lines.

use std::hint::black_box;

use bytes::Bytes;
use farpipe_core::LineFramer;
use tokio_util::codec::LinesCodec;

use super::{KIB, MIB, each_item, each_line, size};
use crate::{
    input::{Output, Shape},
    naive::NaiveFramer,
    work::{Clock, Lazy, Scale, Subject, Work},
};

/// More than any line has.
pub const MAX_LINE: usize = 2 << 30;
const WINDOW: usize = 4 * KIB;
/// What is gone over again and again. A framer gets chunks that were written just now, so they have
/// to be in the cache here, too; with more input than that, the memory would be measured.
const INPUT: usize = 512 * KIB;

/// Lines of each length, in chunks as a pipe and as an executor yield them.
pub fn works() -> Vec<Lazy> {
    let sizes = [200, 4 * KIB, 64 * KIB, MIB];
    let work = |line: usize| -> Lazy { Box::new(move |scale| many(scale, line, 64 * KIB)) };
    let mut works: Vec<Lazy> = sizes.into_iter().map(work).collect();
    works.push(Box::new(|scale| many(scale, 200, 8 * KIB)));
    works
}

fn many(scale: Scale, line: usize, chunk: usize) -> Work {
    let input = INPUT.max(line);
    let output = Output::new(Shape::Response, input, line, chunk);
    let name = format!("framing, {} lines in {} chunks", size(line), size(chunk));
    work(name, &output, scale.bytes() / input, line < MIB)
}

/// One line of this length, in chunks of 64 KiB; `naive` searches it again for each of them.
pub fn one_line(line: usize, with_naive: bool) -> Work {
    let output = Output::new(Shape::Response, line, line, 64 * KIB);
    work(format!("framing, one line of {}", size(line)), &output, 1, with_naive)
}

fn work(name: String, output: &Output, passes: usize, with_naive: bool) -> Work {
    let (bytes, messages) = (passes * output.bytes, passes * output.lines);
    let on = |name, run: fn(&[Bytes]) -> usize| {
        let chunks = output.chunks.clone();
        Subject::new(name, move || (0..passes).map(|_| run(&chunks)).sum())
    };
    let mut subjects = vec![
        on("memchr_iter", memchr_iter),
        on("farpipe", lent),
        on("farpipe, owned", owned),
        on("LinesCodec", lines_codec),
    ];
    if with_naive {
        subjects.push(on("naive rescan", naive));
    }
    let peers = &["memchr_iter", "LinesCodec"];
    Work { name, bytes, messages, clock: Clock::Thread, subjects, peers }
}

/// Visits every newline of every chunk and nothing else: what no framer can beat.
fn memchr_iter(chunks: &[Bytes]) -> usize {
    let newlines = |chunk| memchr::memchr_iter(b'\n', chunk).map(black_box).count();
    chunks.iter().map(|chunk| newlines(chunk)).sum()
}

fn lent(chunks: &[Bytes]) -> usize {
    each_line(LineFramer::new(MAX_LINE, WINDOW), chunks, |line| {
        black_box(line.as_slice());
    })
}

fn owned(chunks: &[Bytes]) -> usize {
    each_line(LineFramer::new(MAX_LINE, WINDOW), chunks, |line| {
        black_box(line.to_bytes());
    })
}

fn naive(chunks: &[Bytes]) -> usize {
    let mut framer = NaiveFramer::default();
    let mut lines = 0;
    for chunk in chunks {
        framer.push(chunk);
        while let Some(line) = framer.next_line() {
            black_box(line);
            lines += 1;
        }
    }
    lines
}

fn lines_codec(chunks: &[Bytes]) -> usize {
    each_item(LinesCodec::new_with_max_length(MAX_LINE), chunks)
}
