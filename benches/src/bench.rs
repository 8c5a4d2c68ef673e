//! Works under criterion.

use std::time::Duration;

use criterion::{Criterion, Throughput};

use crate::work::{Lazy, Scale};

/// Measures each subject of each work; with `--test`, has each done once.
pub fn run(works: Vec<Lazy>) {
    let scale =
        if std::env::args().any(|arg| arg == "--test") { Scale::Smoke } else { Scale::Quick };
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    for work in works {
        let work = work(scale);
        let mut group = criterion.benchmark_group(work.name.clone());
        group.throughput(Throughput::Bytes(work.bytes as u64));
        for subject in &work.subjects {
            group.bench_function(subject.name, |bencher| bencher.iter(|| subject.run(&work)));
        }
    }
    criterion.final_summary();
}
