//! Writing a recording while a session runs.

use std::{
    fmt,
    io::{BufWriter, Write},
};

use farpipe_core::recording::{Entry, Header, Recording};

/// Writes a session's recording, one line an entry, and its last line when it is dropped.
///
/// It writes where the session is driven, so it should be given something fast: a file, not a link.
/// An error ends the recording, not the session.
pub(crate) struct Recorder {
    out: Option<BufWriter<Box<dyn Write + Send>>>,
    entries: usize,
}

impl Recorder {
    pub(crate) fn new(out: Box<dyn Write + Send>, header: &Header) -> Self {
        let mut recorder = Self { out: Some(BufWriter::new(out)), entries: 0 };
        recorder.write(&header.to_line());
        recorder
    }

    pub(crate) fn entry(&mut self, entry: &Entry) {
        self.entries += 1;
        self.write(&entry.to_line());
    }

    fn write(&mut self, line: &str) {
        let Some(out) = &mut self.out else { return };
        if let Err(error) = out.write_all(line.as_bytes()) {
            self.give_up(&error);
        }
    }

    fn give_up(&mut self, error: &std::io::Error) {
        tracing::error!(%error, entries = self.entries, "the recording cannot be written any further");
        self.out = None;
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.write(&Recording::footer(self.entries));
        if let Some(Err(error)) = self.out.as_mut().map(Write::flush) {
            self.give_up(&error);
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("entries", &self.entries).finish_non_exhaustive()
    }
}
