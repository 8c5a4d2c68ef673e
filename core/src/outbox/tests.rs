use alloc::{format, string::String, vec::Vec};
use core::time::Duration;

use proptest::prelude::*;

use super::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_origin(Duration::from_millis(millis))
}

fn limits() -> Limits {
    Limits { max_write: 16, max_message: 100, outbox_bytes: 200, ..Limits::default() }
}

/// Hands out the next write, if one is due.
fn write(outbox: &mut Outbox, now: Timestamp) -> Option<(WriteId, Bytes)> {
    match outbox.poll(now, &limits(), true)? {
        (Action::Write { id, data }, _) => Some((id, data)),
        _ => None,
    }
}

fn accept(outbox: &mut Outbox, id: WriteId) -> Answer {
    outbox.answered(at(0), id, WriteOutcome::Accepted, &limits(), false)
}

fn settled(outbox: &mut Outbox) -> Vec<(u64, Delivery)> {
    core::iter::from_fn(|| outbox.poll_settled())
        .map(|settled| (settled.id.0, settled.delivery))
        .collect()
}

#[test]
fn waiting_messages_are_joined_into_the_next_write() {
    let mut outbox = Outbox::new(true);
    outbox.send("one".into(), &limits()).unwrap();
    let (first, data) = write(&mut outbox, at(0)).unwrap();
    assert_eq!(data, "one\n");
    for message in ["two", "three", "four"] {
        outbox.send(message.into(), &limits()).unwrap();
    }
    assert_eq!(write(&mut outbox, at(0)), None, "one write in flight");
    accept(&mut outbox, first);
    let (second, data) = write(&mut outbox, at(0)).unwrap();
    assert_eq!(data, "two\nthree\nfour\n");
    accept(&mut outbox, second);
    assert_eq!(settled(&mut outbox).iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn a_long_message_is_split_and_settled_once() {
    let mut outbox = Outbox::new(true);
    let message = "x".repeat(40);
    outbox.send(message.clone().into(), &limits()).unwrap();
    outbox.send("y".into(), &limits()).unwrap();
    let mut written = String::new();
    let mut ids = Vec::new();
    while let Some((id, data)) = write(&mut outbox, at(0)) {
        assert!(data.len() <= 16);
        written.push_str(core::str::from_utf8(&data).unwrap());
        ids.push(id);
        let before = settled(&mut outbox);
        assert!(before.is_empty());
        accept(&mut outbox, id);
    }
    assert_eq!(written, format!("{message}\ny\n"));
    assert_eq!(ids.len(), 3);
    assert_eq!(settled(&mut outbox), [(1, Delivery::Accepted), (2, Delivery::Accepted)]);
}

/// <https://github.com/openai/codex/issues/32254>
#[test]
fn repeated_write_has_the_same_id_and_the_same_bytes() {
    let mut outbox = Outbox::new(true);
    outbox.send("one".into(), &limits()).unwrap();
    let first = write(&mut outbox, at(0)).unwrap();
    outbox.send("two".into(), &limits()).unwrap();
    outbox.link_down();
    assert_eq!(write(&mut outbox, at(1)), Some(first.clone()), "what came later stays out");
    assert_eq!(write(&mut outbox, at(9_000)), None);
    assert_eq!(write(&mut outbox, at(10_001)), Some(first.clone()), "unanswered for too long");
    accept(&mut outbox, first.0);
    let second = write(&mut outbox, at(10_001)).unwrap();
    assert_eq!((second.0, &second.1[..]), (WriteId(2), &b"two\n"[..]));
}

/// <https://github.com/openai/codex/issues/23395>
#[test]
fn lost_answer_is_unknown_where_nothing_deduplicates() {
    let mut outbox = Outbox::new(false);
    outbox.send("one".into(), &limits()).unwrap();
    let (id, _) = write(&mut outbox, at(0)).unwrap();
    outbox.send("two".into(), &limits()).unwrap();
    outbox.link_down();
    assert_eq!(settled(&mut outbox), [(1, Delivery::Unknown)]);
    assert_eq!(accept(&mut outbox, id), Answer::Stale);
    assert_eq!(write(&mut outbox, at(0)).unwrap().1, "two\n", "what was not handed out goes on");
}

#[test]
fn nothing_follows_half_a_message() {
    let mut outbox = Outbox::new(false);
    outbox.send("x".repeat(40).into(), &limits()).unwrap();
    outbox.send("two".into(), &limits()).unwrap();
    assert!(write(&mut outbox, at(0)).is_some());
    outbox.link_down();
    let outcome = settled(&mut outbox);
    assert_eq!(outcome, [(1, Delivery::Unknown), (2, Delivery::Rejected(Rejected::StdinClosed))]);
    assert_eq!(write(&mut outbox, at(0)), None);
}

#[test]
fn nothing_follows_a_message_whose_end_is_in_doubt() {
    let mut outbox = Outbox::new(false);
    outbox.send("x".repeat(20).into(), &limits()).unwrap();
    let (first, _) = write(&mut outbox, at(0)).unwrap();
    accept(&mut outbox, first);
    assert!(write(&mut outbox, at(0)).is_some(), "the rest of it");
    outbox.send("two".into(), &limits()).unwrap();
    outbox.link_down();
    let outcome = settled(&mut outbox);
    assert_eq!(outcome, [(1, Delivery::Unknown), (2, Delivery::Rejected(Rejected::StdinClosed))]);
}

/// <https://github.com/openai/codex/issues/18212>
#[test]
fn starting_is_retried_after_a_pause() {
    let mut outbox = Outbox::new(true);
    outbox.send("one".into(), &limits()).unwrap();
    let first = write(&mut outbox, at(0)).unwrap();
    outbox.answered(at(0), first.0, WriteOutcome::Starting, &limits(), false);
    assert_eq!(write(&mut outbox, at(49)), None);
    assert_eq!(outbox.timeout().map(|timeout| timeout.at), Some(at(50)));
    assert_eq!(write(&mut outbox, at(50)), Some(first));
    assert!(settled(&mut outbox).is_empty());
}

#[test]
fn a_refused_send_gives_the_message_back() {
    let mut outbox = Outbox::new(true);
    let mut refusal = |message: &str| {
        let error = outbox.send(Bytes::copy_from_slice(message.as_bytes()), &limits()).unwrap_err();
        assert_eq!(error.message, message);
        assert!(!format!("{error}").is_empty());
        error.reason
    };
    assert_eq!(refusal("a\nb"), Refused::EmbeddedNewline { at: 1 });
    assert_eq!(refusal(""), Refused::Empty);
    assert_eq!(refusal(&"x".repeat(101)), Refused::TooLong { max_message: 100 });
    outbox.send("x".repeat(99).into(), &limits()).unwrap();
    let full = outbox.send("x".repeat(100).into(), &limits()).unwrap_err();
    assert_eq!(full.reason, Refused::Full { limit: "outbox_bytes", value: 200 });
    outbox.finish();
    let closed = outbox.send("x".into(), &limits()).unwrap_err();
    assert_eq!(closed.reason, Refused::Closed);
}

#[test]
fn the_budget_of_bytes_is_a_sum_and_is_given_back() {
    let mut outbox = Outbox::new(true);
    let limits = Limits { max_message: 30, outbox_bytes: 31, ..limits() };
    for _ in 0..20 {
        outbox.send("0123456789".into(), &limits).unwrap();
        outbox.send("0123456789".into(), &limits).unwrap();
        assert!(outbox.send("0123456789".into(), &limits).is_err());
        while let Some((id, _)) = write(&mut outbox, at(0)) {
            accept(&mut outbox, id);
        }
        assert_eq!(settled(&mut outbox).len(), 2);
    }
}

#[test]
fn only_a_write_that_comes_again_is_told_to_be_a_repetition() {
    let mut outbox = Outbox::new(true);
    outbox.send("one".into(), &limits()).unwrap();
    let mut poll = |now| outbox.poll(now, &limits(), true).map(|(_, repeated)| repeated);
    assert_eq!([poll(at(0)), poll(at(0)), poll(at(10_000))], [Some(false), None, Some(true)]);
}

#[test]
fn outcomes_that_nobody_polls_count_against_the_budget() {
    let limits = Limits { outbox_messages: 2, ..limits() };
    let mut outbox = Outbox::new(true);
    for _ in 0..2 {
        outbox.send("x".into(), &limits).unwrap();
        let (id, _) = write(&mut outbox, at(0)).unwrap();
        accept(&mut outbox, id);
    }
    let full = outbox.send("x".into(), &limits).unwrap_err();
    assert_eq!(full.reason, Refused::Full { limit: "outbox_messages", value: 2 });
    assert_eq!(settled(&mut outbox).len(), 2);
    assert!(outbox.send("x".into(), &limits).is_ok());
}

#[test]
fn stdin_is_closed_behind_the_last_message() {
    let mut outbox = Outbox::new(true);
    outbox.send("one".into(), &limits()).unwrap();
    outbox.finish();
    let (id, _) = write(&mut outbox, at(0)).unwrap();
    assert_eq!(outbox.poll(at(0), &limits(), true), None);
    accept(&mut outbox, id);
    assert_eq!(outbox.poll(at(0), &limits(), true), Some((Action::CloseStdin, false)));
    assert_eq!(outbox.poll(at(0), &limits(), true), None);
}

#[test]
fn a_refused_write_rejects_everything_behind_it() {
    let mut outbox = Outbox::new(true);
    outbox.send("one".into(), &limits()).unwrap();
    let (id, _) = write(&mut outbox, at(0)).unwrap();
    outbox.send("two".into(), &limits()).unwrap();
    outbox.answered(at(0), id, WriteOutcome::StdinClosed, &limits(), false);
    let rejected = Delivery::Rejected(Rejected::StdinClosed);
    assert_eq!(settled(&mut outbox), [(1, rejected.clone()), (2, rejected)]);
    assert_eq!(outbox.send("three".into(), &limits()).unwrap_err().reason, Refused::Closed);
}

#[test]
fn a_write_accepted_after_the_close_is_not_delivered() {
    let mut outbox = Outbox::new(true);
    outbox.send("one".into(), &limits()).unwrap();
    let (id, _) = write(&mut outbox, at(0)).unwrap();
    outbox.send("two".into(), &limits()).unwrap();
    outbox.process_closed();
    assert!(settled(&mut outbox).is_empty(), "the answer may still come");
    outbox.answered(at(0), id, WriteOutcome::Accepted, &limits(), true);
    let rejected = Delivery::Rejected(Rejected::StdinClosed);
    assert_eq!(settled(&mut outbox), [(1, rejected.clone()), (2, rejected)]);
}

#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    Write,
    Accept,
    Starting,
    LinkDown,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1usize..60).prop_map(Step::Send),
        Just(Step::Write),
        Just(Step::Accept),
        Just(Step::Starting),
        Just(Step::LinkDown),
    ]
}

proptest! {
    /// An executor that deduplicates by id sees exactly the accepted sends, in order, once,
    /// whatever happens to the link and the answers.
    #[test]
    fn stdin_is_the_concatenation_of_the_sends(steps in prop::collection::vec(step(), 0..80)) {
        let limits = Limits { outbox_bytes: 1 << 20, ..limits() };
        let mut outbox = Outbox::new(true);
        let (mut expected, mut stdin) = (String::new(), String::new());
        let mut applied = WriteId(0);
        let mut last = None;
        let mut now = 0;
        let mut apply = |(id, data): (WriteId, Bytes), applied: &mut WriteId| {
            if id > *applied {
                stdin.push_str(core::str::from_utf8(&data).unwrap());
                *applied = id;
            }
            id
        };
        for (index, step) in steps.into_iter().enumerate() {
            match step {
                Step::Send(len) => {
                    let message = format!("{index}:{}", "x".repeat(len));
                    outbox.send(message.clone().into(), &limits).unwrap();
                    expected.push_str(&message);
                    expected.push('\n');
                }
                Step::Write => {
                    now += 100_000;
                    if let Some(handed) = write(&mut outbox, at(now)) {
                        last = Some(apply(handed, &mut applied));
                    }
                }
                Step::Accept => {
                    if let Some(id) = last {
                        accept(&mut outbox, id);
                    }
                }
                Step::Starting => {
                    if let Some(id) = last.filter(|id| *id > applied) {
                        outbox.answered(at(now), id, WriteOutcome::Starting, &limits, false);
                    }
                }
                Step::LinkDown => outbox.link_down(),
            }
        }
        while let Some(handed) = write(&mut outbox, at(now + 1_000_000)) {
            now += 1_000_000;
            let id = apply(handed, &mut applied);
            accept(&mut outbox, id);
        }
        prop_assert_eq!(stdin, expected);
    }
}
