//! Splitting output into lines, beside a bare search for newlines and two other framers.
//!
//! Rows: `memchr_iter` visits every newline of every chunk and does nothing else, which no framer
//! can beat; `farpipe` lends each line; `farpipe_owned` makes each outlive the framer; `lines_codec`
//! is tokio-util's, which yields strings; `naive` searches its whole buffer again for every chunk.
//! Its longest lines come from a sixteenth of the output, and would take minutes otherwise.
//!
//! The last group is a single line that grows: linear means that its throughput hardly falls, and
//! what it loses is the cache.

use std::{hint::black_box, time::Duration};

use bytes::{Bytes, BytesMut};
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, measurement::WallTime,
};
use farpipe_benches::{
    input::Output,
    measured::Measured,
    naive::NaiveFramer,
    table::{self, Row},
};
use farpipe_core::{Framed, Line, LineFramer};
use tokio_util::codec::{Decoder, LinesCodec};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const TOTAL: usize = 16 * MIB;
const MAX_LINE: usize = 16 * MIB;

fn memchr_iter(chunks: &[Bytes]) -> usize {
    let mut lines = 0;
    for chunk in chunks {
        for newline in memchr::memchr_iter(b'\n', chunk) {
            black_box(newline);
            lines += 1;
        }
    }
    lines
}

fn farpipe<T>(chunks: &[Bytes], take: impl Fn(&mut Line<'_>) -> T) -> usize {
    let mut framer = LineFramer::new(MAX_LINE, 512);
    let mut lines = 0;
    for chunk in chunks {
        framer.push(chunk.clone());
        while let Some(framed) = framer.next_line() {
            let Framed::Line(mut line) = framed else { break };
            black_box(take(&mut line));
            lines += 1;
        }
    }
    lines
}

fn farpipe_lent(chunks: &[Bytes]) -> usize {
    farpipe(chunks, |line| line.as_slice().len())
}

fn own(line: &mut Line<'_>) -> Bytes {
    line.to_bytes()
}

fn farpipe_owned(chunks: &[Bytes]) -> usize {
    farpipe(chunks, own)
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
    let mut codec = LinesCodec::new_with_max_length(MAX_LINE);
    let mut buffer = BytesMut::new();
    let mut lines = 0;
    for chunk in chunks {
        buffer.extend_from_slice(chunk);
        while let Some(line) = codec.decode(&mut buffer).expect("lines are text within the limit") {
            black_box(line);
            lines += 1;
        }
    }
    lines
}

type Framer = fn(&[Bytes]) -> usize;

const FRAMERS: [(&str, Framer); 5] = [
    ("memchr_iter", memchr_iter),
    ("farpipe", farpipe_lent),
    ("farpipe_owned", farpipe_owned),
    ("lines_codec", lines_codec),
    ("naive", naive),
];
const LINES: [(&str, usize); 3] = [("200B", 200), ("4KiB", 4 * KIB), ("1MiB", MIB)];
const SINGLE_LINES: [(&str, usize); 3] = [("4MiB", 4 * MIB), ("8MiB", 8 * MIB), ("16MiB", TOTAL)];
const CHUNKS: [(&str, usize); 2] = [("8KiB", 8 * KIB), ("64KiB", 64 * KIB)];

fn group_of(line: &str) -> String {
    format!("framing/{line}_lines")
}

fn group_of_single(line: &str) -> String {
    format!("framing/one_{line}_line")
}

fn bench(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    framer: Framer,
    output: &Output,
) {
    assert_eq!(framer(&output.chunks), output.lines, "every line is found");
    group.throughput(Throughput::Bytes(output.bytes as u64));
    group.bench_function(id, |bencher| {
        bencher.iter(|| framer(black_box(&output.chunks)));
    });
}

fn many_lines(criterion: &mut Criterion) {
    for (line_name, line) in LINES {
        for (chunk_name, chunk) in CHUNKS {
            let mut group = criterion.benchmark_group(group_of(line_name));
            let output = Output::new(TOTAL, line, chunk);
            for (name, framer) in FRAMERS {
                let id = BenchmarkId::new(name, chunk_name);
                if name == "naive" && line == MIB {
                    bench(&mut group, id, framer, &Output::new(TOTAL / 16, line, chunk));
                } else {
                    bench(&mut group, id, framer, &output);
                }
            }
        }
    }
}

fn single_line(criterion: &mut Criterion) {
    let (chunk_name, chunk) = CHUNKS[0];
    for (line_name, line) in SINGLE_LINES {
        let mut group = criterion.benchmark_group(group_of_single(line_name));
        let output = Output::new(line, line, chunk);
        for (name, framer) in FRAMERS.into_iter().filter(|(name, _)| *name != "naive") {
            bench(&mut group, BenchmarkId::new(name, chunk_name), framer, &output);
        }
    }
}

fn settings() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
}

fn rows() -> Vec<Row> {
    let many = LINES.iter().flat_map(|(line, _)| CHUNKS.map(|(chunk, _)| (group_of(line), chunk)));
    let single = SINGLE_LINES.iter().map(|(line, _)| (group_of_single(line), CHUNKS[0].0));
    many.chain(single).collect()
}

criterion_group! {
    name = benches;
    config = settings();
    targets = many_lines, single_line
}

fn main() {
    let measured = Measured::from_now();
    benches();
    Criterion::default().configure_from_args().final_summary();
    let framers = FRAMERS.map(|(name, _)| name);
    table::print(&measured, &rows(), &framers, "farpipe", &["memchr_iter", "lines_codec"]);
}
