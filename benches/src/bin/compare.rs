//! Everyone side by side, in one run: see `--help`.

#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    farpipe_benches::compare::main()
}

#[cfg(not(unix))]
fn main() {
    println!("The comparison needs Unix.");
}
