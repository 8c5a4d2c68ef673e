//! Every mechanism beside its peers: framing, sequencing, decoding, the outbox, whole sessions, and
//! real processes. A part of a name selects some.

#[cfg(unix)]
fn main() {
    farpipe_benches::bench::run(farpipe_benches::works::all());
}

#[cfg(not(unix))]
fn main() {
    println!("The benchmarks need Unix.");
}
