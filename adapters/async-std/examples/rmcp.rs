//! An rmcp client on async-std: `cargo run -p farpipe-async-std --example rmcp`.
//!
//! rmcp starts tasks on tokio, so it has to be polled where a tokio runtime is: `async-compat` keeps
//! one in a thread of its own. The process, its pipes and the session stay on async-std.

#[cfg(unix)]
#[path = "../../driver/examples/shared/rmcp.rs"]
mod shared;

#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    use async_compat::CompatExt as _;
    use farpipe_rmcp::FarTransport;

    let client = async {
        let process = farpipe_async_std::LocalProcess::spawn(shared::server())?;
        shared::list_tools(FarTransport::new(process, &farpipe_async_std::AsyncStdRuntime::new()))
            .await
    };
    async_std::task::block_on(client.compat())
}

#[cfg(not(unix))]
fn main() {
    eprintln!("smol knows no process trees here; farpipe-tokio does");
}
