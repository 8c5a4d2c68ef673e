//! The protocol without a socket: what no well-behaved server does, and what is a matter of luck.

mod deadlines;
mod handover;

use std::{
    task::{Context, Poll, Waker},
    time::Duration,
};

use farpipe_core::{Chunk, Exit, Input, ReplayId, Stream, Timestamp, WriteId, WriteOutcome};
use farpipe_driver::Flow;
use serde_json::{Value, json};

use super::Connection;
use crate::{
    Fault, PingError, ProcessSpec, StartError, Ticket, connection::Name, wire::outgoing::Ask,
};

const BUDGET: usize = 10_000;

struct Peer(Connection);

impl Peer {
    /// A connection whose session is open.
    fn open() -> Self {
        let mut peer = Self(Connection::new("tests".into(), BUDGET, 1));
        peer.link();
        peer
    }

    /// Another program's connection, that goes on with a session.
    fn resuming(ticket: &Ticket) -> Self {
        Self(Connection::new("tests".into(), BUDGET, 2).resuming(ticket))
    }

    fn link(&mut self) {
        self.0.connected();
        let hello = self.frame().unwrap();
        assert_eq!(hello["method"], "initialize");
        let result = json!({ "sessionId": "s", "environmentInfo": { "cwd": "file:///srv" } });
        self.answer(&hello, &result);
        assert_eq!(self.frame().unwrap(), json!({ "method": "initialized" }));
    }

    fn frame(&mut self) -> Option<Value> {
        self.frame_at(Timestamp::ORIGIN)
    }

    fn frame_at(&mut self, now: Timestamp) -> Option<Value> {
        let frame = self.0.next_frame(now)?;
        Some(serde_json::from_str(&frame).unwrap())
    }

    fn tell(&mut self, message: &Value) -> Result<(), Fault> {
        self.0.received(Timestamp::ORIGIN, &message.to_string())
    }

    fn answer(&mut self, request: &Value, result: &Value) {
        self.tell(&json!({ "id": request["id"], "result": result })).unwrap();
    }

    fn refuse(&mut self, request: &Value, code: i64) {
        let error = json!({ "code": code, "message": "no" });
        self.tell(&json!({ "id": request["id"], "error": error })).unwrap();
    }

    fn start(&mut self) -> Name {
        let name = self.0.start(&ProcessSpec::new("cat")).unwrap();
        let request = self.frame().unwrap();
        assert_eq!(
            (&request["method"], &request["params"]["cwd"]),
            (&json!("process/start"), &json!("file:///srv"))
        );
        self.answer(&request, &json!({ "processId": &*name, "sandboxType": "none" }));
        assert_eq!(self.started(&name), Poll::Ready(Ok(())));
        assert_eq!(self.input(&name), Some(Input::LinkUp { identity: "s".into() }));
        name
    }

    fn started(&mut self, name: &Name) -> Poll<Result<(), StartError>> {
        self.0.poll_started(name, &Context::from_waker(Waker::noop()))
    }

    fn input(&mut self, name: &Name) -> Option<Input> {
        self.input_while(name, Flow::Open)
    }

    fn input_while(&mut self, name: &Name, flow: Flow) -> Option<Input> {
        match self.0.poll_input(name, &Context::from_waker(Waker::noop()), flow) {
            Poll::Ready(input) => Some(input),
            Poll::Pending => None,
        }
    }

    fn output(&mut self, name: &Name, seq: u64, chunk: &str) -> Result<(), Fault> {
        let params =
            json!({ "processId": &**name, "seq": seq, "stream": "stdout", "chunk": chunk });
        self.tell(&json!({ "method": "process/output", "params": params }))
    }

    fn write(&mut self, name: &Name, id: u64) {
        self.0.ask(name, Ask::Write { id: WriteId(id), lane: "".into(), data: "hi".into() });
    }
}

fn hello(seq: u64) -> Input {
    Input::Output(Chunk { seq, stream: Stream::Stdout, data: "hello".into() })
}

#[test]
fn frames_that_make_no_sense_are_faults_and_never_panics() {
    let frames = [
        "",
        "garbage",
        "[]",
        "{}",
        "null",
        "7",
        "{\"id\":1}",
        r#"{"id":77,"result":{}}"#,
        r#"{"id":"a","result":{}}"#,
        r#"{"id":-1,"error":{"code":-32600,"message":"what?"}}"#,
        r#"{"method":"process/output"}"#,
        r#"{"method":"process/exited","params":[1]}"#,
        "{\"method\":\"process/closed\",\"params\":{\"processId\":7}}",
    ];
    for frame in frames {
        let mut peer = Peer::open();
        let fault = peer.0.received(Timestamp::ORIGIN, frame).expect_err(frame);
        assert!(!fault.to_string().is_empty());
    }
    let nested = "[".repeat(100_000);
    assert!(matches!(Peer::open().0.received(Timestamp::ORIGIN, &nested), Err(Fault::NotJson(_))));
}

#[test]
fn what_is_unknown_is_harmless() {
    let mut peer = Peer::open();
    peer.tell(&json!({ "method": "process/novelty", "params": { "processId": 7 } })).unwrap();
    peer.output(&"nobody".into(), 1, "!!!").unwrap();
    peer.tell(&json!({ "id": "q", "method": "network/policyRequest" })).unwrap();
    let refusal = peer.frame().unwrap();
    assert_eq!((&refusal["id"], &refusal["error"]["code"]), (&json!("q"), &json!(-32601)));
}

#[test]
fn a_flood_of_requests_is_a_fault() {
    let mut peer = Peer::open();
    let request = json!({ "id": 1, "method": "x" });
    let fault = (0..1000).find_map(|_| peer.tell(&request).err());
    assert!(matches!(fault, Some(Fault::Flood)));
}

#[test]
fn a_bad_process_harms_no_other() {
    let mut peer = Peer::open();
    let (bad, good) = (peer.start(), peer.start());
    for chunk in ["a", "aGVsbG8", "aGVs\nbG8=", "-_-_"] {
        peer.output(&bad, 1, chunk).unwrap();
        assert!(matches!(peer.input(&bad), Some(Input::Failed { .. })), "{chunk}");
    }
    peer.tell(&json!({ "method": "process/exited", "params": { "processId": &*bad } })).unwrap();
    assert!(matches!(peer.input(&bad), Some(Input::Failed { .. })));
    peer.output(&good, 1, "aGVsbG8=").unwrap();
    assert_eq!(peer.input(&good), Some(hello(1)));
}

#[test]
fn output_before_the_answer_to_the_start_is_kept_and_holds_nothing_up() {
    let mut peer = Peer::open();
    let name = peer.0.start(&ProcessSpec::new("cat")).unwrap();
    let request = peer.frame().unwrap();
    let chunk = "aGVs".repeat(BUDGET);
    peer.output(&name, 1, &chunk).unwrap();
    assert!(!peer.0.is_paused(), "the answer is still to be read");
    peer.answer(&request, &json!({}));
    assert!(peer.0.is_paused());
    assert!(matches!(peer.input_while(&name, Flow::Paused), Some(Input::LinkUp { .. })));
    assert_eq!(peer.input_while(&name, Flow::Paused), None);
    assert!(matches!(peer.input(&name), Some(Input::Output(chunk)) if chunk.seq == 1));
    assert!(!peer.0.is_paused());
}

#[test]
fn a_process_that_is_ended_holds_nothing_up() {
    let mut peer = Peer::open();
    let name = peer.start();
    peer.output(&name, 1, &"aGVs".repeat(BUDGET)).unwrap();
    assert!(peer.0.is_paused());
    peer.0.terminate(&name);
    assert!(!peer.0.is_paused());
    assert_eq!(peer.frame().unwrap()["method"], "process/terminate");
}

#[test]
fn a_page_does_not_overtake_output() {
    let mut peer = Peer::open();
    let name = peer.start();
    peer.output(&name, 1, "aGVsbG8=").unwrap();
    peer.0.ask(&name, Ask::Read { request: ReplayId(3), after: 0, max_bytes: 9 });
    let request = peer.frame().unwrap();
    assert_eq!(request["params"], json!({ "processId": &*name, "afterSeq": 0, "maxBytes": 9 }));
    let page = json!({ "chunks": [], "nextSeq": 2, "exited": true, "exitCode": 137,
        "closed": false, "failure": null, "sandboxDenied": false });
    peer.answer(&request, &page);
    assert_eq!(peer.input_while(&name, Flow::Paused), None);
    assert_eq!(peer.input(&name), Some(hello(1)));
    let Some(Input::Replayed(page)) = peer.input(&name) else { panic!() };
    assert_eq!((page.request, page.next, page.exit), (ReplayId(3), 2, Some(Exit::Code(137))));
}

#[test]
fn at_most_32_requests_are_unanswered_and_an_end_gets_through() {
    let mut peer = Peer::open();
    let names: Vec<_> = (0..50).map(|_| peer.start()).collect();
    for name in &names {
        peer.write(name, 1);
    }
    let writes = std::iter::from_fn(|| peer.frame()).count();
    for name in &names {
        peer.0.terminate(name);
    }
    let ends: Vec<_> = std::iter::from_fn(|| peer.frame()).collect();
    assert_eq!((writes, writes + ends.len()), (28, 32));
    assert!(ends.iter().all(|end| end["method"] == "process/terminate"));
    peer.answer(&ends[0], &json!({ "running": true }));
    assert_eq!(peer.frame().unwrap()["method"], "process/terminate");
}

#[test]
fn a_write_that_comes_again_is_not_sent_twice() {
    let mut peer = Peer::open();
    let name = peer.start();
    peer.write(&name, 1);
    let request = peer.frame().unwrap();
    peer.write(&name, 1);
    assert_eq!(peer.frame(), None);
    peer.answer(&request, &json!({ "status": "accepted" }));
    let accepted = Input::Written { id: WriteId(1), outcome: WriteOutcome::Accepted };
    assert_eq!(peer.input(&name), Some(accepted));
    peer.write(&name, 1);
    let again = peer.frame().unwrap();
    assert_eq!(again["params"]["writeId"], "1");
    assert_ne!(again["id"], request["id"]);
}

#[test]
fn what_a_lost_link_leaves_open_is_settled_or_asked_again() {
    let mut peer = Peer::open();
    let (name, ended) = (peer.start(), peer.start());
    let starting = peer.0.start(&ProcessSpec::new("cat")).unwrap();
    assert_eq!(peer.frame().unwrap()["method"], "process/start");
    let waiting = peer.0.start(&ProcessSpec::new("cat")).unwrap();
    peer.write(&name, 1);
    peer.0.terminate(&ended);
    assert_eq!(peer.frame().unwrap()["method"], "process/terminate");
    peer.0.link_lost("cut");
    assert_eq!(peer.started(&starting), Poll::Ready(Err(StartError::Interrupted)));
    assert_eq!(peer.started(&waiting), Poll::Pending);
    assert!(matches!(peer.input(&name), Some(Input::LinkDown { .. })));
    assert_eq!(peer.frame(), None);

    peer.link();
    let mut asked: Vec<_> = std::iter::from_fn(|| peer.frame())
        .map(|frame| (frame["method"].to_string(), frame["params"]["processId"].to_string()))
        .collect();
    asked.sort();
    let expected =
        |method: &str, name: &Name| (json!(method).to_string(), json!(&**name).to_string());
    let mut wanted = [
        expected("process/terminate", &ended),
        expected("process/terminate", &starting),
        expected("process/start", &waiting),
    ];
    wanted.sort();
    assert_eq!(asked, wanted);
    assert_eq!(peer.input(&name), Some(Input::LinkUp { identity: "s".into() }));
}

#[test]
fn news_before_the_answer_to_a_resume_are_kept() {
    let mut peer = Peer::open();
    let name = peer.start();
    peer.0.link_lost("cut");
    peer.0.connected();
    let hello_again = peer.frame().unwrap();
    assert_eq!(hello_again["params"]["resumeSessionId"], "s");
    peer.output(&name, 9, "aGVsbG8=").unwrap();
    peer.answer(&hello_again, &json!({ "sessionId": "s" }));
    assert!(matches!(peer.input(&name), Some(Input::LinkDown { .. })));
    assert!(matches!(peer.input(&name), Some(Input::LinkUp { .. })));
    assert_eq!(peer.input(&name), Some(hello(9)));
}

#[test]
fn another_session_is_a_fault() {
    let mut peer = Peer::open();
    peer.0.link_lost("cut");
    peer.0.connected();
    let id = &peer.frame().unwrap()["id"];
    let other = json!({ "id": id, "result": { "sessionId": "t" } });
    assert!(matches!(peer.tell(&other), Err(Fault::OtherSession)));
}

#[test]
fn a_session_that_is_lost_says_so_behind_the_last_output() {
    let mut peer = Peer::open();
    let name = peer.start();
    peer.output(&name, 1, "aGVsbG8=").unwrap();
    peer.0.session_lost("gone");
    assert_eq!(peer.input(&name), Some(hello(1)));
    assert_eq!(peer.input(&name), Some(Input::SessionLost { reason: "gone".into() }));
    assert_eq!(peer.input(&name), Some(Input::Ended));
    let refused = peer.0.start(&ProcessSpec::new("cat")).unwrap_err();
    assert_eq!(refused, StartError::SessionLost { reason: "gone".into() });
}

#[test]
fn errors_are_told_by_what_was_asked() {
    let mut peer = Peer::open();
    for (code, told) in [(-32603, "could not start"), (-32602, "parameters"), (-32600, "refused")] {
        let name = peer.0.start(&ProcessSpec::new("cat")).unwrap();
        let request = peer.frame().unwrap();
        peer.refuse(&request, code);
        let Poll::Ready(Err(error)) = peer.started(&name) else { panic!() };
        assert!(error.to_string().contains(told), "{error}");
    }
    let name = peer.start();
    peer.0.ask(&name, Ask::Read { request: ReplayId(1), after: 0, max_bytes: 1 });
    let request = peer.frame().unwrap();
    peer.refuse(&request, -32600);
    let input = peer.input(&name);
    assert!(matches!(input, Some(Input::ReplayFailed { retryable: false, .. })), "{input:?}");
}

#[test]
fn a_process_that_is_given_up_is_ended_and_forgotten() {
    let mut peer = Peer::open();
    let name = peer.start();
    let starting = peer.0.start(&ProcessSpec::new("cat")).unwrap();
    let start = peer.frame().unwrap();
    let waiting = peer.0.start(&ProcessSpec::new("cat")).unwrap();
    for name in [&name, &starting, &waiting] {
        peer.0.abandon(name);
    }
    let end = peer.frame().unwrap();
    assert_eq!(end["params"]["processId"], &*name);
    assert_eq!(peer.frame(), None, "what was not asked for is not started");
    peer.answer(&start, &json!({}));
    let late = peer.frame().unwrap();
    assert_eq!(
        (&late["method"], &late["params"]["processId"]),
        (&json!("process/terminate"), &json!(&*starting))
    );
    peer.answer(&end, &json!({ "running": true }));
    peer.answer(&late, &json!({ "running": true }));
    assert!(peer.0.is_idle());
}

#[test]
fn a_round_trip_is_measured_from_the_sending() {
    let mut peer = Peer::open();
    let cx = Context::from_waker(Waker::noop());
    let at = |millis| Timestamp::from_origin(Duration::from_millis(millis));
    let ping = peer.0.ping().unwrap();
    let question: Value = serde_json::from_str(&peer.0.next_frame(at(10)).unwrap()).unwrap();
    assert_eq!(question["method"], "environment/status");
    assert_eq!(peer.0.poll_ping(ping, &cx), Poll::Pending);
    let answer = json!({ "id": question["id"], "result": { "status": "ready" } });
    peer.0.received(at(35), &answer.to_string()).unwrap();
    assert_eq!(peer.0.poll_ping(ping, &cx), Poll::Ready(Ok(Duration::from_millis(25))));

    let lost = peer.0.ping().unwrap();
    assert!(peer.frame().is_some());
    peer.0.link_lost("cut");
    assert_eq!(peer.0.poll_ping(lost, &cx), Poll::Ready(Err(PingError::LinkDown)));
    assert_eq!(peer.0.ping(), Err(PingError::LinkDown));
}

#[test]
fn an_answer_that_cannot_be_read_harms_no_other_process() {
    let mut peer = Peer::open();
    let (bad, good) = (peer.start(), peer.start());
    peer.write(&bad, 1);
    let write = peer.frame().unwrap();
    peer.answer(&write, &json!({ "status": 7 }));
    assert!(matches!(peer.input(&bad), Some(Input::Failed { .. })));
    peer.0.ask(&bad, Ask::Read { request: ReplayId(1), after: 0, max_bytes: 9 });
    let read = peer.frame().unwrap();
    peer.answer(&read, &json!({ "chunks": 1 }));
    assert!(matches!(peer.input(&bad), Some(Input::Failed { .. })));
    peer.output(&good, 1, "aGVsbG8=").unwrap();
    assert_eq!(peer.input(&good), Some(hello(1)));
}
