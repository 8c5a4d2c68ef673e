//! Futures that are dropped at every poll change nothing.

use bytes::Bytes;
use farpipe_core::{Delivery, End, Event};
use farpipe_driver::Handle;
use farpipe_tests::session::{Lines, at_most, within};
use smol::future::yield_now;

use crate::platform::Platform;

/// More than any of these futures is polled before it is ready.
pub(crate) const POLLS: usize = 16;
const MESSAGES: usize = 12;

/// <https://github.com/modelcontextprotocol/rust-sdk/issues/947>
pub(crate) fn futures_dropped_at_every_poll_give_the_uncancelled_transcript<P: Platform>() {
    P::run(async {
        let expected = within(transcript(P::spawn("cat"), usize::MAX)).await;
        assert!(expected.0.iter().cloned().eq((0..MESSAGES).map(request)));
        for polls in 0..=POLLS {
            let found = within(transcript(P::spawn("cat"), polls)).await;
            assert!(found == expected, "dropped after {polls} polls: {}", found.1);
        }
    });
}

pub(crate) async fn transcript(handle: Handle<Lines>, polls: usize) -> (Vec<Bytes>, End) {
    let mut messages = Vec::new();
    for number in 0..MESSAGES {
        let sent = handle.send(request(number)).unwrap();
        assert!(matches!(at_most(polls, sent).await, None | Some(Delivery::Accepted)));
        // Now and then several are under way at once.
        while messages.len() < number / 4 * 4 {
            messages.push(next_message(&handle, polls).await);
        }
    }
    while messages.len() < MESSAGES {
        messages.push(next_message(&handle, polls).await);
    }
    let end = again_and_again(polls, || handle.close()).await;
    (messages, end)
}

/// Large enough that each arrives in several chunks.
fn request(number: usize) -> Bytes {
    let letter = b'a' + u8::try_from(number).unwrap();
    vec![letter; 150_000 + number].into()
}

pub(crate) async fn next_message(handle: &Handle<Lines>, polls: usize) -> Bytes {
    match again_and_again(polls, || handle.next_event()).await {
        Some(Event::Message(message)) => message,
        other => panic!("{other:?}"),
    }
}

/// Drops the first future after `polls` polls, maybe none, and every other after one at least.
async fn again_and_again<F: Future>(polls: usize, start: impl Fn() -> F) -> F::Output {
    let mut first = at_most(polls, start()).await;
    loop {
        match first {
            Some(output) => return output,
            None => yield_now().await,
        }
        first = at_most(polls.max(1), start()).await;
    }
}
