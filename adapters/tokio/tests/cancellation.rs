//! Futures that are dropped change nothing.
#![cfg(unix)]

mod support;

use bytes::Bytes;
use farpipe_core::{Delivery, Event};
use farpipe_driver::Handle;
use farpipe_tests::session::{Lines, at_most, within};
use tokio::task::yield_now;

use support::spawn;

/// Dropped after the first poll, the second, and so on; at last never.
const POLLS: [usize; 7] = [1, 2, 3, 4, 5, 8, usize::MAX];
const MESSAGES: usize = 24;

/// Large enough that each arrives in several chunks.
fn request(number: usize) -> Bytes {
    let letter = b'a' + u8::try_from(number).unwrap();
    vec![letter; 200_000 + number].into()
}

async fn next_message(handle: &Handle<Lines>, polls: usize) -> Bytes {
    loop {
        match at_most(polls, handle.next_event()).await {
            Some(Some(Event::Message(message))) => return message,
            Some(other) => panic!("{other:?}"),
            None => yield_now().await,
        }
    }
}

/// Receives beside something that is ready most of the time.
async fn select(handle: &Handle<Lines>) -> Bytes {
    loop {
        tokio::select! {
            biased;
            event = handle.next_event() => match event {
                Some(Event::Message(message)) => return message,
                other => panic!("{other:?}"),
            },
            () = yield_now() => {}
        }
    }
}

/// <https://github.com/modelcontextprotocol/rust-sdk/issues/947>
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receive_that_loses_every_select_loses_no_response() {
    let handle = spawn("cat");
    let sender = tokio::spawn({
        let handle = handle.clone();
        async move {
            for number in 0..MESSAGES {
                assert_eq!(handle.send(request(number)).unwrap().await, Delivery::Accepted);
            }
        }
    });
    for number in 0..MESSAGES {
        assert!(within(select(&handle)).await == request(number), "message {number}");
    }
    within(sender).await.unwrap();
}

/// <https://github.com/modelcontextprotocol/rust-sdk/issues/1370>
#[tokio::test]
async fn a_reply_that_is_queued_when_the_receive_is_dropped_is_sent_once() {
    for polls in POLLS {
        let handle = spawn("cat");
        drop(handle.send("error reply".into()).unwrap());
        assert_eq!(within(next_message(&handle, polls)).await, "error reply");
        drop(handle.send("next".into()).unwrap());
        assert_eq!(within(next_message(&handle, polls)).await, "next");
    }
}
