//! Calls that the process cannot answer, policies, batches and noise around messages.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use bytes::Bytes;

use super::harness::FAR;
use crate::{
    Action, Call, Capabilities, Chunk, Delivery, Event, Exit, Id, Input, JsonRpc, Kind, Limits,
    LossPolicy, NoisePolicy, Page, Session, Settings, Stream, Timestamp, WriteOutcome,
};

/// A session that speaks JSON-RPC.
struct Rpc {
    session: Session<JsonRpc>,
    seq: u64,
}

impl Rpc {
    fn new(settings: impl Into<Settings>) -> Self {
        Self::with(Capabilities::local(), settings)
    }

    fn with(capabilities: Capabilities, settings: impl Into<Settings>) -> Self {
        Self { session: Session::new(JsonRpc, capabilities, settings).unwrap(), seq: 0 }
    }

    fn call(&mut self, id: &str) {
        let message = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call"}}"#);
        self.session.send(message.into()).unwrap();
    }

    fn out(&mut self, text: &str) {
        self.seq += 1;
        let data = Bytes::copy_from_slice(text.as_bytes());
        self.handle(Input::Output(Chunk { seq: self.seq, stream: Stream::Stdout, data }));
    }

    fn handle(&mut self, input: Input) {
        self.session.handle(Timestamp::ORIGIN, input);
    }

    /// What there is to tell: messages by kind and id, errors with their cause.
    fn events(&mut self) -> Vec<String> {
        core::iter::from_fn(|| self.session.poll_event()).map(|event| short(&event)).collect()
    }
}

fn short(event: &Event<crate::Envelope>) -> String {
    let Event::Message(message) = event else {
        return match event {
            Event::Lost(lost) => format!("lost {:?}", lost.missing),
            Event::Oversized(line) => format!("oversized {}", line.len),
            Event::Malformed(line) => format!("malformed: {}", line.reason),
            Event::Noise(line) => format!("noise: {}", String::from_utf8_lossy(&line.head)),
            Event::End(end) => format!("end: {}", end.cause.name()),
            other => format!("{other:?}"),
        };
    };
    let id = message.id().map(ToString::to_string).unwrap_or_default();
    match message.kind() {
        Kind::Error => {
            let error: serde_json::Value = message.decode_error().unwrap();
            format!("error {id} {}", error["data"]["cause"].as_str().unwrap_or_default())
        }
        Kind::Response => format!("result {id}"),
        _ => format!("{} {id}", message.method().unwrap_or_default()),
    }
}

fn result(id: &str, text: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":\"{text}\"}}\n")
}

fn result_id_last(id: &str, text: &str) -> String {
    format!("{{\"result\":\"{text}\",\"jsonrpc\":\"2.0\",\"id\":{id}}}\n")
}

fn small() -> Limits {
    Limits { max_line: 1000, line_window: 100, ..Limits::default() }
}

/// <https://github.com/modelcontextprotocol/rust-sdk/issues/938>
#[test]
fn an_oversized_answer_fails_its_call_and_the_next_one_works() {
    for answer in [result("1", &"x".repeat(2000)), result_id_last("1", &"x".repeat(2000))] {
        let mut rpc = Rpc::new(small());
        rpc.call("1");
        rpc.call("2");
        rpc.out(&answer);
        rpc.out(&result("2", "ok"));
        let oversized = format!("oversized {}", answer.len() - 1);
        assert_eq!(rpc.events(), [oversized.as_str(), "error 1 oversized", "result 2"]);
        assert!(rpc.session.calls().is_empty());
    }
}

/// Also where the next answer came along with it.
#[test]
fn an_error_comes_in_the_place_of_its_answer() {
    let mut rpc = Rpc::new(small());
    rpc.call("1");
    rpc.call("2");
    rpc.out(&(result("1", &"x".repeat(2000)) + &result("2", "ok")));
    assert_eq!(rpc.events()[1..], ["error 1 oversized", "result 2"]);
}

#[test]
fn the_error_names_the_limit_and_its_value() {
    let mut rpc = Rpc::new(small());
    rpc.call("1");
    rpc.out(&result("1", &"x".repeat(2000)));
    rpc.session.poll_event().unwrap();
    let Some(Event::Message(message)) = rpc.session.poll_event() else { panic!() };
    let error: serde_json::Value = message.decode_error().unwrap();
    assert_eq!(error["data"]["limit"], "max_line");
    assert_eq!(error["data"]["value"], 1000);
    assert!(error["message"].as_str().unwrap().contains("max_line"));
}

/// <https://github.com/modelcontextprotocol/rust-sdk/issues/938>
#[test]
fn a_damaged_answer_fails_its_call() {
    let mut rpc = Rpc::new(Limits::default());
    rpc.call("1");
    rpc.call("\"b\"");
    rpc.out("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":tru}\n");
    rpc.out("{\"result\":{,\"jsonrpc\":\"2.0\",\"id\":\"b\"}\n");
    let expected = [
        "malformed: not JSON",
        "error 1 malformed",
        "malformed: not JSON",
        "error \"b\" malformed",
    ];
    assert_eq!(rpc.events(), expected);
}

/// <https://github.com/openai/codex/issues/28288>
#[test]
fn a_loss_fails_the_calls_that_waited_and_drops_their_late_answers() {
    let mut rpc = Rpc::with(FAR, Limits::default());
    rpc.call("1");
    rpc.call("2");
    rpc.handle(Input::LinkUp { identity: "one".into() });
    rpc.handle(Input::LinkDown { reason: "cut".into() });
    rpc.handle(Input::LinkUp { identity: "one".into() });
    let replay = core::iter::from_fn(|| rpc.session.poll_action())
        .find_map(|action| match action {
            Action::Replay { request, .. } => Some(request),
            _ => None,
        })
        .unwrap();
    rpc.handle(Input::Replayed(Page {
        request: replay,
        chunks: Vec::new(),
        next: 5,
        exit: None,
        closed: false,
        failure: None,
    }));
    assert_eq!(rpc.events(), ["lost 1..=4", "error 1 lost", "error 2 lost"]);
    rpc.call("3");
    rpc.seq = 4;
    rpc.out(&format!("tail\n{}{}", result("1", "late"), result("3", "new")));
    assert_eq!(rpc.events(), ["result 3"]);
    assert_eq!(rpc.session.stats().late_answers, 1);
}

#[test]
fn a_loss_can_be_the_end() {
    let settings = Settings { loss: LossPolicy::End, ..Settings::default() };
    let nothing = Capabilities { lossless: false, replay: false, ..FAR };
    let mut rpc = Rpc::with(nothing, settings);
    rpc.call("1");
    rpc.seq = 4;
    rpc.out("after\n");
    rpc.session.handle(Timestamp::ORIGIN + Limits::default().replay_grace, Input::Tick);
    assert_eq!(rpc.events(), ["lost 1..=4", "error 1 lost", "end: lost"]);
}

/// <https://github.com/MoonshotAI/kimi-code/issues/2109>
#[test]
fn death_with_three_calls_in_flight_answers_all_three() {
    let mut rpc = Rpc::new(Limits::default());
    for id in ["1", "2", "3"] {
        rpc.call(id);
    }
    let Some(Action::Write { id, .. }) = rpc.session.poll_action() else { panic!() };
    rpc.handle(Input::Written { id, outcome: WriteOutcome::Accepted });
    rpc.out(&result("2", "in time"));
    rpc.handle(Input::Exited { seq: 2, exit: Exit::Code(1) });
    rpc.handle(Input::Closed { seq: 3 });
    assert_eq!(
        rpc.events().join(", "),
        "result 2, Exited(Code(1)), error 1 ended, error 3 ended, end: closed"
    );
    assert_eq!(rpc.session.end().unwrap().pending_failed, 2);
}

#[test]
fn a_call_that_was_never_written_is_told_so() {
    let mut rpc = Rpc::new(Limits::default());
    rpc.call("1");
    rpc.handle(Input::Closed { seq: 1 });
    assert_eq!(rpc.events(), ["error 1 undelivered", "end: closed"]);
}

#[test]
fn a_refused_write_fails_its_calls_while_the_process_lives() {
    let mut rpc = Rpc::new(Limits::default());
    rpc.call("1");
    let Some(Action::Write { id, .. }) = rpc.session.poll_action() else { panic!() };
    rpc.out(&result("7", "before"));
    rpc.handle(Input::Written { id, outcome: WriteOutcome::StdinClosed });
    assert_eq!(rpc.events(), ["result 7", "error 1 undelivered"]);
    assert!(matches!(rpc.session.poll_settled().unwrap().delivery, Delivery::Rejected(_)));
}

/// The answer was there before the link went: it counts.
#[test]
fn an_answer_in_hand_beats_an_unknown_delivery() {
    let plain = Capabilities { write_deduplication: false, ..FAR };
    let mut rpc = Rpc::with(plain, Limits::default());
    rpc.call("1");
    rpc.call("2");
    assert!(matches!(rpc.session.poll_action(), Some(Action::Write { .. })));
    rpc.out(&result("1", "quick"));
    rpc.handle(Input::LinkDown { reason: "cut".into() });
    assert_eq!(rpc.events(), ["result 1", "error 2 unknown"]);
}

#[test]
fn requests_of_the_server_are_left_alone() {
    let mut rpc = Rpc::new(small());
    rpc.call("1");
    rpc.out("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sampling/createMessage\"}\n");
    let long = "x".repeat(2000);
    rpc.out(&format!(
        "{{\"method\":\"ping\",\"params\":\"{long}\",\"jsonrpc\":\"2.0\",\"id\":1}}\n"
    ));
    rpc.out(&result("1", "the answer"));
    assert_eq!(rpc.events(), ["sampling/createMessage 1", "oversized 2052", "result 1"]);
}

#[test]
fn answers_nobody_waits_for_are_passed_on() {
    let mut rpc = Rpc::new(Limits::default());
    rpc.out(&result("9", "who asked?"));
    rpc.out("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"?\"}}\n");
    assert_eq!(rpc.events(), ["result 9", "error null "]);
}

/// An MCP server does not answer a call that was cancelled.
#[test]
fn a_call_that_is_forgotten_is_waited_for_no_more() {
    let mut rpc = Rpc::new(Limits::default());
    for id in ["1", "2", "1.5"] {
        rpc.call(id);
    }
    for id in ["1", "1.5", "7"] {
        rpc.session.forget_call(&Id::parse(id).unwrap());
    }
    assert_eq!(rpc.session.calls().len(), 1);
    rpc.out(&result("1", "all the same"));
    rpc.handle(Input::Closed { seq: 2 });
    assert_eq!(rpc.events(), ["result 1", "error 2 undelivered", "end: closed"]);
}

#[test]
fn a_known_call_needs_no_second_look() {
    let mut rpc = Rpc::new(Limits::default());
    let call = Call { id: Id::from("a"), method: "tools/list".into() };
    rpc.session.send_call("opaque".into(), Some(call)).unwrap();
    assert_eq!(rpc.session.calls().method(&Id::from("a")), Some("tools/list"));
    assert_eq!(rpc.session.stats().calls, 1);
}

#[test]
fn too_many_pending_calls_are_refused_by_name() {
    let mut rpc = Rpc::new(Limits { pending_calls: 2, ..Limits::default() });
    rpc.call("1");
    rpc.call("2");
    let error =
        rpc.session.send("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"m\"}".into()).unwrap_err();
    assert!(error.to_string().contains("pending_calls"));
    rpc.out(&result("1", "ok"));
    assert_eq!(rpc.events(), ["result 1"]);
    rpc.call("3");
}

/// <https://github.com/modelcontextprotocol/rust-sdk/issues/416>
#[test]
fn batches_and_unusual_ids_are_answered_one_by_one() {
    let mut rpc = Rpc::new(Limits::default());
    let batch = r#"[{"jsonrpc":"2.0","id":18446744073709551615,"method":"a"},{"jsonrpc":"2.0","id":-1.5,"method":"b"}]"#;
    rpc.session.send(batch.into()).unwrap();
    assert_eq!(rpc.session.calls().len(), 2);
    let Some(Action::Write { id, data }) = rpc.session.poll_action() else { panic!() };
    assert_eq!(data, format!("{batch}\n"), "byte for byte");
    rpc.handle(Input::Written { id, outcome: WriteOutcome::Accepted });
    let answers = [result("18446744073709551615", "a"), "[1]".into(), result("null", "c")];
    let line = answers.iter().map(|answer| answer.trim_end()).collect::<Vec<_>>().join(", ");
    rpc.out(&format!("[{line}]\n"));
    let expected =
        ["result 18446744073709551615", "malformed: not a JSON-RPC 2.0 message", "result null"];
    assert_eq!(rpc.events(), expected);
    rpc.handle(Input::Closed { seq: 2 });
    assert_eq!(rpc.events(), ["error -1.5 ended", "end: closed"]);
}

#[test]
fn a_message_behind_noise_on_its_line_is_found() {
    let mut rpc = Rpc::new(Limits::default());
    rpc.call("1");
    rpc.out(&format!("Loading {{50%}}... done{}", result("1", "ok")));
    rpc.out(&format!("{{{{{{{{{{ {}", result("2", "not found")));
    let events = rpc.events();
    assert!(events[0].starts_with("noise: Loading"));
    assert_eq!(events[1], "result 1");
    assert_eq!(events[2..], ["malformed: not JSON"], "only noise that is no damaged message");
    assert_eq!(rpc.session.stats().salvaged, 1);
}

#[test]
fn strict_noise_is_the_end_and_nothing_follows() {
    let settings = Settings { noise: NoisePolicy::Strict, ..Settings::default() };
    let mut rpc = Rpc::new(settings);
    rpc.call("1");
    rpc.out(&format!("{}Listening on stdio\n{}", result("7", "before"), result("1", "after")));
    let expected = ["result 7", "noise: Listening on stdio", "error 1 undelivered", "end: noise"];
    assert_eq!(rpc.events(), expected);
    assert_eq!(rpc.session.poll_action(), Some(Action::Terminate));
}

/// Also an end that was taken already has the noise before it as its cause.
#[test]
fn strict_noise_cuts_what_is_unread() {
    let settings = Settings { noise: NoisePolicy::Strict, ..Settings::default() };
    let mut rpc = Rpc::new(settings);
    rpc.out("Listening on stdio\n");
    rpc.out(&result("7", "unread"));
    rpc.handle(Input::Closed { seq: 3 });
    assert_eq!(rpc.events(), ["noise: Listening on stdio", "end: noise"]);
    assert_eq!(rpc.session.poll_action(), None, "nothing is left to terminate");
}

#[test]
fn an_end_counts_the_calls_that_were_not_answered() {
    for (calls, told) in [(1, ", 1 call was not answered"), (2, ", 2 calls were not answered")] {
        let mut rpc = Rpc::new(Limits::default());
        (1..=calls).for_each(|id| rpc.call(&id.to_string()));
        rpc.handle(Input::Ended);
        let end = rpc.session.end().unwrap().to_string();
        assert!(end.contains(told), "{end}");
    }
}
