//! What the orchestrator of the take-over test and its simulated executor agree on.
//!
//! They speak JSON Lines over a socket: the executor sends [`Input`](farpipe_core::Input)s, the
//! orchestrator sends [`Command`]s. The other executor is a real exec-server.

mod work;

use std::{fs, io, path::Path};

use farpipe_core::{Capabilities, Checkpoint, Limits, ReplayId, Seq, WriteId};
use farpipe_exec_server::Ticket;
use serde::{Deserialize, Serialize};

pub use self::work::Work;

/// How many requests the orchestrator sends.
pub const REQUESTS: u64 = 2000;

/// What the simulated executor promises: next to nothing.
pub const CAPABILITIES: Capabilities = Capabilities {
    lossless: false,
    from_start: true,
    replay: true,
    retention: None,
    close_stdin: true,
    interrupt: false,
    write_deduplication: true,
};

/// An action on its way to the executor.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Ask for what is retained.
    Replay {
        /// Goes back with the page.
        request: ReplayId,
        /// Only later events are wanted.
        after: Seq,
        /// The size of the page.
        max_bytes: usize,
    },
    /// Write to the process's stdin.
    Write {
        /// The same id always comes with the same bytes.
        id: WriteId,
        /// What to write.
        data: String,
    },
    /// Close the process's stdin.
    CloseStdin,
    /// End the process.
    Terminate,
}

/// What the application of the orchestrator has done and seen.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// How many requests were sent.
    pub requests: u64,
    /// Every message, in the order of delivery.
    pub messages: Vec<String>,
    /// Every line of stderr.
    pub stderr: Vec<String>,
    /// Every send that was settled, in order.
    pub settled: Vec<u64>,
    /// Every other event: the exit, and whatever should not be.
    pub other: Vec<String>,
    /// The end in one sentence.
    pub end: Option<String>,
    /// How often the work was taken over.
    pub lives: u64,
    /// The largest checkpoint so far, as JSON.
    pub largest_checkpoint: usize,
}

/// The one file of the orchestrator: the session and what was made of it belong together.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stored {
    /// The session.
    pub checkpoint: Checkpoint,
    /// What was made of its events.
    pub progress: Progress,
    /// The process, where it is one of an exec-server.
    pub ticket: Option<Ticket>,
}

impl Stored {
    /// Reads the file, if it has been written once.
    pub fn load(path: &Path) -> anyhow::Result<Option<Self>> {
        match fs::read(path) {
            Ok(json) => Ok(Some(serde_json::from_slice(&json)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Replaces the file as a whole.
    pub fn commit(&self, path: &Path) -> anyhow::Result<()> {
        let new = path.with_extension("new");
        fs::write(&new, serde_json::to_vec(self)?)?;
        fs::rename(&new, path)?;
        Ok(())
    }
}

/// Short waits, and budgets that make the work take many steps.
pub fn limits() -> Limits {
    use std::time::Duration;
    Limits {
        outbox_messages: 32,
        max_write: 300,
        replay_page: 2000,
        replay_grace: Duration::from_millis(5),
        replay_timeout: Duration::from_secs(2),
        write_timeout: Duration::from_millis(30),
        ..Limits::default()
    }
}
