//! Starts an MCP server, shows what it offers, and closes it:
//! `cargo run -p farpipe-smol --example inspect -- npx -y @modelcontextprotocol/server-everything`.

#[cfg(unix)]
#[path = "../../driver/examples/shared/mcp.rs"]
mod mcp;

#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    smol::block_on(async {
        let server = farpipe_smol::spawn(farpipe_core::JsonRpc, mcp::server())?;
        mcp::inspect(&server).await
    })
}

#[cfg(not(unix))]
fn main() {
    eprintln!("smol knows no process trees here; farpipe-tokio does");
}
