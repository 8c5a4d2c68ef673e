//! A session with a decoder for which every line is a message, and short names for what it meets.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::time::Duration;

use bytes::Bytes;

use crate::{
    Action, BadReason, Calls, Capabilities, Chunk, Decode, Decoded, Delivery, End, Event, Exit,
    Input, Limits, Line, Page, ReplayId, Retention, Seq, Session, Stream, Timestamp,
};

/// Lines are messages; those that start with `{` but do not end with `}` are damaged, and those that
/// start with `!` are noise.
#[derive(Debug)]
pub(super) struct Lines;

impl Decode for Lines {
    type Message = String;

    fn decode(&mut self, line: &mut Line<'_>, _: &Calls) -> Result<Decoded<String>, BadReason> {
        let text = core::str::from_utf8(line.as_slice()).map_err(|_| BadReason::InvalidUtf8)?;
        let damaged = text.starts_with('{') && !text.ends_with('}');
        if damaged || text.starts_with('!') {
            return Err(BadReason::NotJson);
        }
        Ok(Decoded::Message(text.to_string()))
    }
}

pub(super) const FAR: Capabilities = Capabilities {
    lossless: true,
    from_start: true,
    replay: true,
    retention: Some(Retention { bytes: 1 << 20, events: 50_000 }),
    close_stdin: false,
    interrupt: true,
    write_deduplication: true,
};

/// A session and the time it lives in.
pub(super) struct Far {
    pub(super) session: Session<Lines>,
    pub(super) now: Timestamp,
}

impl Far {
    pub(super) fn new() -> Self {
        Self::with(FAR, Limits::default())
    }

    pub(super) fn local() -> Self {
        Self::with(Capabilities::local(), Limits::default())
    }

    pub(super) fn with(capabilities: Capabilities, limits: Limits) -> Self {
        let session = Session::new(Lines, capabilities, limits).unwrap();
        Self { session, now: Timestamp::ORIGIN }
    }

    pub(super) fn handle(&mut self, input: Input) {
        self.session.handle(self.now, input);
    }

    pub(super) fn out(&mut self, seq: Seq, text: &str) {
        self.handle(Input::Output(chunk(seq, text)));
    }

    pub(super) fn err(&mut self, seq: Seq, text: &str) {
        let data = Bytes::copy_from_slice(text.as_bytes());
        self.handle(Input::Output(Chunk { seq, stream: Stream::Stderr, data }));
    }

    pub(super) fn exited(&mut self, seq: Seq, code: i32) {
        self.handle(Input::Exited { seq, exit: Exit::Code(code) });
    }

    pub(super) fn closed(&mut self, seq: Seq) {
        self.handle(Input::Closed { seq });
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
        self.handle(Input::Tick);
    }

    /// Answers the outstanding replay.
    pub(super) fn page(&mut self, chunks: &[(Seq, &str)], next: Seq) {
        let page = self.empty_page(next);
        self.answer(Page {
            chunks: chunks.iter().map(|(seq, text)| chunk(*seq, text)).collect(),
            ..page
        });
    }

    pub(super) fn answer(&mut self, page: Page) {
        self.handle(Input::Replayed(page));
    }

    /// A page without output for the newest replay, once it is asked for.
    pub(super) fn empty_page(&mut self, next: Seq) -> Page {
        let (request, _) = self.replay().expect("a replay is asked for");
        Page { request, chunks: Vec::new(), next, exit: None, closed: false, failure: None }
    }

    /// The replay that is asked for, and after which number.
    pub(super) fn replay(&mut self) -> Option<(ReplayId, Seq)> {
        match self.session.poll_action()? {
            Action::Replay { request, after, .. } => Some((request, after)),
            other => panic!("expected a replay, not {other:?}"),
        }
    }

    /// Everything there is to tell, in short words.
    pub(super) fn events(&mut self) -> Vec<String> {
        core::iter::from_fn(|| self.session.poll_event()).map(|event| short(&event)).collect()
    }

    /// The end, which must be there, without what came before it.
    pub(super) fn end(&mut self) -> End {
        loop {
            let event = self.session.poll_event().expect("the session has ended");
            if let Event::End(end) = event {
                return end;
            }
        }
    }

    pub(super) fn settled(&mut self) -> Vec<(u64, Delivery)> {
        core::iter::from_fn(|| self.session.poll_settled())
            .map(|settled| (settled.id.0, settled.delivery))
            .collect()
    }
}

pub(super) fn chunk(seq: Seq, text: &str) -> Chunk {
    Chunk { seq, stream: Stream::Stdout, data: Bytes::copy_from_slice(text.as_bytes()) }
}

pub(super) fn short(event: &Event<String>) -> String {
    match event {
        Event::Message(text) => text.clone(),
        Event::Stderr(line) if line.truncated => format!("stderr {}…", line.text()),
        Event::Stderr(line) => format!("stderr {}", line.text()),
        Event::Noise(line) => format!("noise {}", line.reason),
        Event::Malformed(line) => format!("malformed {}", line.len),
        Event::Oversized(line) => format!("oversized {}", line.len),
        Event::Lost(lost) => format!("lost {}-{}", lost.missing.start(), lost.missing.end()),
        Event::Exited(exit) => exit.to_string(),
        Event::End(end) => format!("end: {}", end.cause),
    }
}

pub(super) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
