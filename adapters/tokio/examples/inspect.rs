//! Starts an MCP server, shows what it offers, and closes it:
//! `cargo run -p farpipe-tokio --example inspect -- npx -y @modelcontextprotocol/server-everything`.

#[path = "../../driver/examples/shared/mcp.rs"]
mod mcp;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let server = farpipe_tokio::spawn(farpipe_core::JsonRpc, mcp::server())?;
    mcp::inspect(&server).await
}
