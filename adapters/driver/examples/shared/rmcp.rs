//! What an rmcp client does, wherever it runs.

use farpipe_rmcp::FarTransport;
use rmcp::ServiceExt as _;

#[path = "command.rs"]
mod command;
pub(crate) use command::server;

/// Prints the tools of the server behind `transport`, closes it, and tells how it ended.
pub(crate) async fn list_tools(transport: FarTransport) -> anyhow::Result<()> {
    let monitor = transport.monitor();
    let client = ().serve(transport).await?;
    for tool in client.list_all_tools().await? {
        println!("tool {}", tool.name);
    }
    client.cancel().await?;
    println!("{}", monitor.ended().await);
    Ok(())
}
