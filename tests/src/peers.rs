//! Real MCP servers to test against: the pinned ones of `tests/peers`.
//!
//! The first test that asks for a server installs it into `target/peers`; later ones, also in other
//! processes and threads, find it there. `FARPIPE_PEERS=off` leaves these tests out, except in CI.
//!
//! Every function returns `None`, after a line on stderr, where the tests are left out.

mod install;
mod policy;

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use install::Side;
use policy::Policy;

/// How to start one server: it then speaks MCP over its stdin and stdout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCommand {
    /// The interpreter: `node`, or the Python of the virtual environment.
    pub program: PathBuf,
    /// What the interpreter runs, and the server's own arguments.
    pub args: Vec<OsString>,
}

impl PeerCommand {
    /// The same as a standard-library command, with nothing else set.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        command
    }
}

/// The reference server with every MCP feature: `@modelcontextprotocol/server-everything`.
pub fn everything() -> anyhow::Result<Option<PeerCommand>> {
    node_server("server-everything", "stdio".into())
}

/// The file server over the one folder `root`: `@modelcontextprotocol/server-filesystem`.
pub fn filesystem(root: &Path) -> anyhow::Result<Option<PeerCommand>> {
    node_server("server-filesystem", root.into())
}

/// The clock in Python: `mcp-server-time`, in UTC.
pub fn time() -> anyhow::Result<Option<PeerCommand>> {
    let args = ["-m", "mcp_server_time", "--local-timezone", "UTC"];
    let command =
        |program| PeerCommand { program, args: args.into_iter().map(OsString::from).collect() };
    Ok(python()?.map(command))
}

/// The Python interpreter of the virtual environment that holds the `mcp` package.
pub fn python() -> anyhow::Result<Option<PathBuf>> {
    Ok(installed(Side::Python)?.map(|dir| install::venv_python(&dir)))
}

/// A client with the npm SDK, as a command that the command of a server has to be added to.
pub fn npm_client() -> anyhow::Result<Option<Command>> {
    let Some(dir) = installed(Side::Npm)? else { return Ok(None) };
    let mut command = Command::new("node");
    command.arg(client("client.mjs")).env("PEERS", dir);
    Ok(Some(command))
}

/// The same with the Python SDK.
pub fn python_client() -> anyhow::Result<Option<Command>> {
    let Some(python) = python()? else { return Ok(None) };
    let mut command = Command::new(python);
    command.arg(client("client.py"));
    Ok(Some(command))
}

fn client(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/clients").join(name)
}

/// The folder with the commands of the npm servers, such as `mcp-server-everything`.
pub fn npm_bin_dir() -> anyhow::Result<Option<PathBuf>> {
    Ok(installed(Side::Npm)?.map(|dir| dir.join("node_modules").join(".bin")))
}

/// The program `codex` of `@openai/codex`, for its `exec-server`: the platform's own, without the
/// script around it, so that ending it ends the server.
pub fn codex() -> anyhow::Result<Option<PathBuf>> {
    installed(Side::Npm)?.map(|dir| install::codex(&dir)).transpose()
}

fn node_server(package: &str, argument: OsString) -> anyhow::Result<Option<PeerCommand>> {
    let Some(dir) = installed(Side::Npm)? else {
        return Ok(None);
    };
    let entry = dir.join("node_modules/@modelcontextprotocol").join(package).join("dist/index.js");
    Ok(Some(PeerCommand { program: "node".into(), args: vec![entry.into(), argument] }))
}

fn installed(side: Side) -> anyhow::Result<Option<PathBuf>> {
    let wish = env::var("FARPIPE_PEERS").ok();
    let ci = env::var("CI").ok();
    match policy::decide(wish.as_deref(), ci.as_deref())? {
        Policy::Install => install::ensure(side).map(Some),
        Policy::Skip => {
            eprintln!("skipped: FARPIPE_PEERS=off leaves the tests with real servers out");
            Ok(None)
        }
    }
}
