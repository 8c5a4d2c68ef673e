//! A real exec-server on a port of its own.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::peers;

/// A real exec-server. It is killed on drop.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub url: String,
    child: Child,
    _home: TempDir,
}

impl Server {
    /// Starts one with these arguments; `None` where the tests with real servers are left out.
    pub fn start(args: &[&str]) -> anyhow::Result<Option<Self>> {
        let Some(program) = peers::codex()? else { return Ok(None) };
        let home = tempfile::tempdir()?;
        let mut child = Command::new(program)
            .args(["exec-server", "--listen", "ws://127.0.0.1:0"])
            .args(args)
            .env("CODEX_HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = BufReader::new(child.stdout.take().context("stdout is a pipe")?);
        let url = stdout.lines().map_while(Result::ok).find(|line| line.starts_with("ws://"));
        let url = url.context("the server ended without telling its address")?;
        Ok(Some(Self { url, child, _home: home }))
    }

    /// The port it listens on.
    ///
    /// # Panics
    ///
    /// If its address has none.
    pub fn port(&self) -> u16 {
        let (_, port) = self.url.rsplit_once(':').unwrap();
        port.trim_end_matches('/').parse().unwrap()
    }

    /// Kills it, as a machine that is switched off does.
    ///
    /// # Panics
    ///
    /// If it cannot be killed.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
