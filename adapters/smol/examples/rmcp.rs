//! An rmcp client on smol: `cargo run -p farpipe-smol --example rmcp`.
//!
//! rmcp starts tasks on tokio, so it has to be polled where a tokio runtime is: `async-compat` keeps
//! one in a thread of its own. The process, its pipes and the session stay on smol.

#[cfg(unix)]
#[path = "../../driver/examples/shared/rmcp.rs"]
mod shared;

#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    use async_compat::CompatExt as _;
    use farpipe_rmcp::FarTransport;

    let client = async {
        let process = farpipe_smol::LocalProcess::spawn(shared::server())?;
        shared::list_tools(FarTransport::new(process, &farpipe_smol::SmolRuntime::new())).await
    };
    smol::block_on(client.compat())
}

#[cfg(not(unix))]
fn main() {
    eprintln!("smol knows no process trees here; farpipe-tokio does");
}
