//! A server that sends anything at any time.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arbitrary::{Arbitrary, Unstructured};
use farpipe_core::Input;
use farpipe_exec_server::fuzzing::Wire;
use serde_json::{Value, json};

use crate::each_op;

/// More unanswered requests can lock a real server up for good.
const WINDOW: usize = 32;

#[derive(Arbitrary, Debug)]
enum Op<'a> {
    Frame(&'a str),
    News { process: u8, seq: u64, what: News<'a> },
    Answer { which: u8, answer: Answer<'a> },
    Refuse { which: u8, code: i16 },
    Ask,
    LoseLink,
    Link,
    Start,
    Write { process: u8, id: u8 },
    Read { process: u8, request: u8, after: u8 },
    Terminate { process: u8 },
    Abandon { process: u8 },
    Take { process: u8, paused: bool },
}

#[derive(Arbitrary, Debug)]
enum News<'a> {
    Output { chunk: &'a str },
    Exited { code: i32 },
    Closed,
    Other { params: &'a str },
}

#[derive(Arbitrary, Debug)]
enum Answer<'a> {
    Right,
    Status(&'a str),
    Page { seq: u8, next: u8, chunk: &'a str, exited: bool, closed: bool },
    Json(&'a str),
}

/// The client of an exec-server: it never panics, never has too many requests open, and a lie about
/// one process is never the end of the session.
pub fn exec_server_wire(data: &[u8]) {
    let mut run = Run {
        wire: Wire::new(),
        outstanding: BTreeMap::new(),
        processes: Vec::new(),
        ended: BTreeSet::new(),
        lost: false,
    };
    run.link();
    each_op(&mut Unstructured::new(data), |op| run.apply(&op));
    run.finish();
}

struct Run {
    wire: Wire,
    /// Requests without an answer, by their id.
    outstanding: BTreeMap<i64, Value>,
    processes: Vec<Arc<str>>,
    /// Those whose end was taken.
    ended: BTreeSet<Arc<str>>,
    lost: bool,
}

impl Run {
    fn apply(&mut self, op: &Op<'_>) {
        match *op {
            Op::Frame(frame) => self.receive(frame),
            Op::News { process, seq, ref what } => self.tell(process, seq, what),
            Op::Answer { which, ref answer } => self.answer(which, answer),
            Op::Refuse { which, code } => {
                let error = json!({ "code": code, "message": "no" });
                self.reply(which, "error", |_| error);
            }
            Op::Ask => self.send(),
            Op::LoseLink => self.lose_link(),
            Op::Link => self.link(),
            Op::Start => self.processes.extend(self.wire.start()),
            Op::Write { process, id } => {
                self.with(process, |wire, name| wire.write(name, id.into()));
            }
            Op::Read { process, request, after } => {
                self.with(process, |wire, name| wire.read(name, request.into(), after.into()));
            }
            Op::Terminate { process } => self.with(process, Wire::terminate),
            Op::Abandon { process } => self.with(process, Wire::abandon),
            Op::Take { process, paused } => self.take(process, paused),
        }
    }

    fn with(&mut self, process: u8, act: impl FnOnce(&mut Wire, &Arc<str>)) {
        if let Some(name) = pick(&self.processes, process) {
            act(&mut self.wire, name);
        }
    }

    fn take(&mut self, process: u8, paused: bool) {
        let Some(name) = pick(&self.processes, process) else { return };
        if self.wire.input(name, paused) == Some(Input::Ended) {
            self.ended.insert(Arc::clone(name));
        }
    }

    fn link(&mut self) {
        if !self.lost {
            self.lose_link();
            self.wire.connected();
            self.send();
        }
    }

    fn lose_link(&mut self) {
        self.wire.link_lost();
        self.outstanding.clear();
    }

    fn send(&mut self) {
        while let Some(frame) = self.wire.next_frame() {
            let frame: Value = serde_json::from_str(&frame).expect("every frame is JSON");
            let request = frame["id"].as_i64().filter(|_| frame.get("method").is_some());
            if let Some(id) = request {
                let known = self.outstanding.insert(id, frame);
                assert!(known.is_none(), "an id stands for one request");
            }
        }
        assert!(self.outstanding.len() <= WINDOW + 1, "{} requests", self.outstanding.len());
    }

    /// As its link does: what makes no sense is the end of the session.
    fn receive(&mut self, frame: &str) {
        assert!(Wire::reads_as_json(frame), "{frame}");
        // Answers may be among the frames that nobody made on purpose.
        if let Some(id) =
            serde_json::from_str(frame).ok().and_then(|frame: Value| frame["id"].as_i64())
        {
            self.outstanding.remove(&id);
        }
        if !self.lost && self.wire.received(frame).is_err() {
            self.lost = true;
            self.wire.session_lost();
        }
    }

    fn tell(&mut self, process: u8, seq: u64, what: &News<'_>) {
        let Some(name) = pick(&self.processes, process).cloned() else { return };
        let name = &*name;
        let frame = match *what {
            News::Output { chunk } => return self.receive_news(&output(name, seq, chunk)),
            News::Exited { code } => json!({ "method": "process/exited", "params":
                { "processId": name, "seq": seq, "exitCode": code } }),
            News::Closed => json!({ "method": "process/closed", "params":
                { "processId": name, "seq": seq } }),
            News::Other { params } => json!({ "method": "process/output", "params":
                { "processId": name, "stream": params } }),
        };
        self.receive_news(&frame.to_string());
    }

    fn receive_news(&mut self, frame: &str) {
        let was_lost = self.lost;
        self.receive(frame);
        assert_eq!(self.lost, was_lost, "news of one process ended the session: {frame}");
    }

    fn answer(&mut self, which: u8, answer: &Answer<'_>) {
        self.reply(which, "result", |request| match *answer {
            Answer::Right => right(request),
            Answer::Status(status) => json!({ "status": status }),
            Answer::Page { seq, next, chunk, exited, closed } => {
                let chunk = json!({ "seq": seq, "stream": "stderr", "chunk": chunk });
                json!({ "chunks": [chunk], "nextSeq": next, "exited": exited, "closed": closed })
            }
            Answer::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| json!({})),
        });
    }

    /// Only an answer that is none, or a refused session, may end the session.
    fn reply(&mut self, which: u8, kind: &str, make: impl FnOnce(&Value) -> Value) {
        let ids: Vec<i64> = self.outstanding.keys().copied().collect();
        let Some(request) = pick(&ids, which).and_then(|id| self.outstanding.remove(id)) else {
            return;
        };
        let value = make(&request);
        let (opening, was_lost) = (request["method"] == "initialize", self.lost);
        let shapeless = value.is_null();
        self.receive(&json!({ "id": request["id"], kind: value }).to_string());
        assert!(self.lost == was_lost || opening || shapeless, "an answer to {request}");
    }

    /// Everything ends when the session does, and nothing is left when nobody wants it.
    fn finish(&mut self) {
        self.wire.session_lost();
        for name in &self.processes {
            if self.wire.is_started(name) {
                let mut inputs = std::iter::from_fn(|| self.wire.input(name, false));
                let ends = inputs.any(|input| input == Input::Ended);
                assert!(ends || self.ended.contains(name), "a process without an end");
            }
            self.wire.abandon(name);
        }
        assert!(self.wire.is_idle());
    }
}

/// In the form in which the server writes it.
fn output(process: &str, seq: u64, chunk: &str) -> String {
    let chunk = Value::from(chunk);
    format!(
        r#"{{"method":"process/output","params":{{"processId":"{process}","seq":{seq},"stream":"stdout","chunk":{chunk}}}}}"#
    )
}

fn right(request: &Value) -> Value {
    match request["method"].as_str() {
        Some("initialize") => json!({ "sessionId": "s" }),
        Some("process/write") => json!({ "status": "accepted" }),
        Some("process/read") => {
            json!({ "chunks": [], "nextSeq": 1, "exited": false, "closed": false })
        }
        _ => json!({}),
    }
}

fn pick<T>(all: &[T], which: u8) -> Option<&T> {
    all.get(usize::from(which) % all.len().max(1))
}
