//! An rmcp client on smol: `cargo run -p farpipe-smol --example rmcp-smol`.
//!
//! rmcp starts tasks on tokio, so it has to be polled where a tokio runtime is: `async-compat` keeps
//! one in a thread of its own. The process, its pipes and the session stay on smol.

#[cfg(unix)]
#[path = "../../driver/examples/shared/command.rs"]
mod command;

#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    use async_compat::CompatExt as _;
    use farpipe_rmcp::FarTransport;
    use farpipe_smol::{LocalProcess, SmolRuntime};
    use rmcp::ServiceExt as _;

    let client = async {
        let process = LocalProcess::spawn(command::server())?;
        let transport = FarTransport::new(process, &SmolRuntime::new());
        let monitor = transport.monitor();
        let client = ().serve(transport).await?;
        for tool in client.list_all_tools().await? {
            println!("tool {}", tool.name);
        }
        client.cancel().await?;
        println!("{}", monitor.ended().await);
        Ok(())
    };
    smol::block_on(client.compat())
}

#[cfg(not(unix))]
fn main() {
    eprintln!("smol knows no process trees here; farpipe-tokio does");
}
