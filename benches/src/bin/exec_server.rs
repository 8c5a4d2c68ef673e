//! farpipe and a plain client of a real exec-server, side by side: see `--help`.

#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    farpipe_benches::exec_server::main()
}

#[cfg(not(unix))]
fn main() {
    println!("The comparison needs Unix.");
}
