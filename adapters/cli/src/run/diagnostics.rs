//! Our stderr: what the command writes there, and what we have to say.

use std::{
    io::{self, Write as _},
    thread,
    time::Duration,
};

use farpipe_core::{BadLine, StderrLine};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
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
        Self { lines, done, stuck: false, dropped: 0 }
    }

    /// A line of the command's stderr.
    pub(super) async fn stderr(&mut self, line: &StderrLine) {
        let mut text = line.bytes.to_vec();
        if line.truncated {
            text.extend_from_slice("… [farpipe] the line is cut here".as_bytes());
        }
        self.push(text).await;
    }

    /// A line of the command's stdout that is no message.
    pub(super) async fn noise(&mut self, line: &BadLine) {
        let mut text = format!("{MARK}stdout: ").into_bytes();
        text.extend_from_slice(&line.head);
        if line.len > line.head.len() {
            text.extend_from_slice(format!("… ({} bytes)", line.len).as_bytes());
        }
        self.push(text).await;
    }

    /// Something that we have to say.
    pub(super) async fn note(&mut self, text: impl AsRef<str>) {
        self.push(format!("{MARK}{}", text.as_ref()).into_bytes()).await;
    }

    async fn push(&mut self, mut line: Vec<u8>) {
        line.push(b'\n');
        if self.dropped > 0 {
            let told = format!("{MARK}{} lines were dropped: nobody read them\n", self.dropped);
            line.splice(0..0, told.into_bytes());
        }
        self.stuck = if self.stuck {
            self.lines.try_send(line).is_err()
        } else {
            !matches!(timeout(PATIENCE, self.lines.send(line)).await, Ok(Ok(())))
        };
        self.dropped = if self.stuck { self.dropped + 1 } else { 0 };
    }

    /// Waits until everything is written, but not for somebody who does not read.
    pub(super) async fn finish(self) {
        drop(self.lines);
        let _ = timeout(PATIENCE, self.done).await;
    }
}
