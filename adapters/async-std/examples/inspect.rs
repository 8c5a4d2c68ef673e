//! Starts an MCP server, shows what it offers, and closes it:
//! `cargo run -p farpipe-async-std --example inspect -- npx -y @modelcontextprotocol/server-everything`.

#[cfg(unix)]
#[path = "../../driver/examples/shared/mcp.rs"]
mod mcp;

#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    async_std::task::block_on(async {
        let server = farpipe_async_std::spawn(farpipe_core::JsonRpc, mcp::server())?;
        mcp::inspect(&server).await
    })
}

#[cfg(not(unix))]
fn main() {
    eprintln!("smol knows no process trees here; farpipe-tokio does");
}
