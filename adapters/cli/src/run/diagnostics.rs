//! Our stderr: what the command writes there, and what we have to say.

use std::{
    io::{self, Write as _},
    thread,
    time::Duration,
};

use farpipe_core::{BadLine, StderrLine};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout, timeout_at},
};

/// Marks what is not the command's own stderr.
const MARK: &str = "[farpipe] ";

/// How many lines may wait to be written.
const LINES: usize = 256;

/// Who does not read for so long is not waited for any more: messages are more important.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lines on their way to our stderr.
pub(super) struct Diagnostics {
    lines: mpsc::Sender<Vec<u8>>,
    done: oneshot::Receiver<()>,
    /// Since when there has been no room for a line.
    full_since: Option<Instant>,
    /// Nobody reads: lines are dropped until there is room again.
    stuck: bool,
    dropped: u64,
}

impl Diagnostics {
    pub(super) fn new() -> Self {
        let (lines, mut to_write) = mpsc::channel::<Vec<u8>>(LINES);
        let (finished, done) = oneshot::channel();
        thread::spawn(move || {
            while let Some(line) = to_write.blocking_recv() {
                // Nobody is left to tell.
                let _ = io::stderr().lock().write_all(&line);
            }
            let _ = finished.send(());
        });
        Self { lines, done, full_since: None, stuck: false, dropped: 0 }
    }

    /// How many lines may be added before the next wait for [`ready`](Self::ready).
    pub(super) fn room(&self) -> usize {
        if self.stuck { LINES } else { self.lines.capacity() }
    }

    /// Waits until there is room, but not for somebody who does not read. Cancel safe.
    pub(super) async fn ready(&mut self) {
        let since = *self.full_since.get_or_insert_with(Instant::now);
        self.stuck = timeout_at(since + PATIENCE, self.lines.reserve()).await.is_err();
        self.full_since = None;
    }

    /// A line of the command's stderr.
    pub(super) fn stderr(&mut self, line: &StderrLine) {
        let mut text = line.bytes.to_vec();
        if line.truncated {
            text.extend_from_slice("… [farpipe] the line is cut here".as_bytes());
        }
        self.push(text);
    }

    /// A line of the command's stdout that is no message.
    pub(super) fn noise(&mut self, line: &BadLine) {
        let mut text = format!("{MARK}stdout: ").into_bytes();
        text.extend_from_slice(&line.head);
        if line.len > line.head.len() {
            text.extend_from_slice(format!("… ({} bytes)", line.len).as_bytes());
        }
        self.push(text);
    }

    /// Something that we have to say: it is waited with until there is room.
    pub(super) async fn note(&mut self, text: impl AsRef<str>) {
        if self.room() == 0 {
            self.ready().await;
        }
        self.push(format!("{MARK}{}", text.as_ref()).into_bytes());
    }

    /// A line for which there is no room is dropped, and counted.
    fn push(&mut self, mut line: Vec<u8>) {
        line.push(b'\n');
        if self.dropped > 0 {
            let told = format!("{MARK}{} lines were dropped: nobody read them\n", self.dropped);
            line.splice(0..0, told.into_bytes());
        }
        if self.lines.try_send(line).is_err() {
            self.dropped += 1;
            return;
        }
        (self.full_since, self.stuck, self.dropped) = (None, false, 0);
    }

    /// Waits until everything is written, but not for somebody who does not read.
    pub(super) async fn finish(self) {
        drop(self.lines);
        let _ = timeout(PATIENCE, self.done).await;
    }
}
