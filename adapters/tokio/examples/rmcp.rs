//! An rmcp client on tokio: `cargo run -p farpipe-tokio --example rmcp`.

use farpipe_rmcp::FarTransport;
use farpipe_tokio::{LocalProcess, TokioRuntime};

#[path = "../../driver/examples/shared/rmcp.rs"]
mod shared;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let process = LocalProcess::spawn(shared::server())?;
    shared::list_tools(FarTransport::new(process, &TokioRuntime::current())).await
}
