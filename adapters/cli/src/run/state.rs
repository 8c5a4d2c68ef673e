//! What it takes to go on with a command that another farpipe has started.

mod journaled;
mod lock;

use std::{
    ffi::OsString,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use anyhow::{Context as _, bail};
use farpipe_core::Checkpoint;
use farpipe_driver::Monitor;
use farpipe_exec_server::Ticket;
use serde::{Deserialize, Serialize};

pub(super) use self::{journaled::Journaled, lock::Lock};
use super::output::Unwritten;
use crate::{private, raw::Raw};

const FORMAT: &str = "farpipe-run";
const VERSION: u32 = 1;

/// The file, as it is read and written.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    format: String,
    version: u32,
    executor: String,
    command: Vec<String>,
    pub(super) ticket: Ticket,
    /// Lines for the client that it may not have got, in pieces that end anywhere.
    pub(super) output: Vec<u8>,
    pub(super) checkpoint: Checkpoint,
}

/// Keeps the file up to date. Clones are the same one.
#[derive(Clone)]
pub(super) struct Journal(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// Until the end of this program.
    _lock: Lock,
    executor: String,
    command: Vec<String>,
    ticket: Ticket,
    unwritten: Unwritten,
    monitor: OnceLock<Monitor<Raw>>,
}

impl Stored {
    /// What a former farpipe has left, if it has.
    pub(super) fn load(
        path: &Path,
        executor: &str,
        command: &[OsString],
    ) -> anyhow::Result<Option<Self>> {
        let name = path.display();
        let json = match fs::read(path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read the state {name}"));
            }
        };
        let stored: Self = serde_json::from_slice(&json).with_context(|| {
            format!("{name} is damaged or no state of `farpipe run`; remove it to start the command anew")
        })?;
        if stored.format != FORMAT || stored.version != VERSION {
            bail!(
                "{name} is no state of `farpipe run` that this version can read; give another file"
            );
        }
        if stored.executor != executor || stored.command != words(command) {
            bail!(
                "{name} is the state of another command: {} behind {}; give another file, or remove it to start the command anew",
                stored.command.join(" "),
                stored.executor
            );
        }
        Ok(Some(stored))
    }
}

impl Journal {
    pub(super) fn new(
        path: &Path,
        lock: Lock,
        executor: &str,
        command: &[OsString],
        ticket: Ticket,
        unwritten: Unwritten,
    ) -> Self {
        Self(Arc::new(Inner {
            path: path.to_owned(),
            _lock: lock,
            executor: executor.to_owned(),
            command: words(command),
            ticket,
            unwritten,
            monitor: OnceLock::new(),
        }))
    }

    /// The session to keep. Before this, there is nothing to save.
    pub(super) fn watch(&self, monitor: Monitor<Raw>) {
        // There is one session.
        let _ = self.0.monitor.set(monitor);
    }

    /// Replaces the file as a whole. To be called where nothing else changes the session.
    pub(super) fn save(&self) -> io::Result<()> {
        let Some(monitor) = self.0.monitor.get() else { return Ok(()) };
        let output = {
            let pieces = self.0.unwritten.lock();
            [&pieces.in_flight[..], &pieces.waiting].concat()
        };
        let stored = Stored {
            format: FORMAT.into(),
            version: VERSION,
            executor: self.0.executor.clone(),
            command: self.0.command.clone(),
            ticket: self.0.ticket.clone(),
            output,
            checkpoint: monitor.checkpoint(),
        };
        let json = serde_json::to_vec(&stored)?;
        let path = &self.0.path;
        replace(path, &json).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("the state {} cannot be written: {error}", path.display()),
            )
        })
    }

    /// There is nothing left to go on with.
    pub(super) fn remove(&self) {
        let _ = fs::remove_file(&self.0.path);
    }
}

fn words(command: &[OsString]) -> Vec<String> {
    command.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// Nobody ever sees half of it.
fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let new = beside(path, ".new");
    private::create(&new)?.write_all(contents)?;
    fs::rename(&new, path)
}

/// A file of the same name but for an ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}
