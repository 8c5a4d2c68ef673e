//! A way to see that a whole tree of processes is gone.

use std::{
    fs::File,
    io,
    process::Command,
    sync::mpsc::{Receiver, channel},
    thread,
};

use tempfile::TempDir;

use crate::session::PATIENCE;

/// Tells when a whole tree of processes is gone: all of them hold the same pipe open.
#[derive(Debug)]
pub struct Life {
    directory: TempDir,
    news: Receiver<io::Result<()>>,
}

impl Life {
    /// A pipe that nobody holds yet.
    ///
    /// # Panics
    ///
    /// Without a place for temporary files, and without `mkfifo`.
    #[expect(clippy::new_without_default, reason = "it makes a pipe and starts a thread")]
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let pipe = directory.path().join("life");
        let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
        assert!(made.success(), "mkfifo");
        let (tell, news) = channel();
        thread::spawn(move || {
            let mut pipe = File::open(pipe)?;
            let _ = tell.send(Ok(()));
            let _ = tell.send(io::copy(&mut pipe, &mut io::sink()).map(drop));
            io::Result::Ok(())
        });
        Self { directory, news }
    }

    /// A shell script that holds the pipe, as do all processes it starts.
    pub fn script(&self, script: &str) -> String {
        format!("exec 9>{}/life; {script}", self.directory.path().display())
    }

    /// Blocks, without a runtime, until the script has begun.
    ///
    /// # Panics
    ///
    /// If it does not begin.
    pub fn assert_begun(&self) {
        self.news.recv_timeout(PATIENCE).expect("it never began").expect("the pipe");
    }

    /// Blocks, without a runtime, until every process of the tree is gone.
    ///
    /// # Panics
    ///
    /// If one of them lives on.
    pub fn assert_over(&self) {
        self.news.recv_timeout(PATIENCE).expect("somebody still lives").expect("the pipe");
    }
}
