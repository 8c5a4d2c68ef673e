//! The transport of rmcp, whose client drops a `receive` whenever anything else is ready.

use farpipe_rmcp::FarTransport;
use farpipe_tests::session::{at_most, within};
use rmcp::transport::Transport as _;
use serde_json::{Value, json};
use smol::future::yield_now;

use crate::platform::Platform;

/// More than a `receive` is polled before it is ready.
const POLLS: usize = 8;
const MESSAGES: usize = 12;

/// <https://github.com/modelcontextprotocol/rust-sdk/issues/947>
/// <https://github.com/modelcontextprotocol/rust-sdk/issues/1370>
pub(crate) fn receives_and_sends_dropped_at_every_poll_lose_nothing<P: Platform>() {
    P::run(async {
        let sent: Vec<Value> = (0..MESSAGES).map(answer).collect();
        for polls in 0..=POLLS {
            let received = within(echo(FarTransport::new(P::process("cat"), &P::runtime()), polls));
            assert!(received.await == sent, "dropped after {polls} polls");
        }
    });
}

/// Sends everything to a process that says it again, and receives it.
async fn echo(mut transport: FarTransport, polls: usize) -> Vec<Value> {
    let mut received = Vec::new();
    for number in 0..MESSAGES {
        let message = serde_json::from_value(answer(number)).unwrap();
        // Dropped or not: it is sent.
        at_most(polls, transport.send(message)).await;
        while received.len() < number / 4 * 4 {
            received.push(receive(&mut transport, polls).await);
        }
    }
    while received.len() < MESSAGES {
        received.push(receive(&mut transport, polls).await);
    }
    let closed = at_most(polls, transport.close()).await;
    assert!(closed.is_none_or(|closed| closed.is_ok()));
    transport.close().await.unwrap();
    assert!(transport.receive().await.is_none());
    received
}

/// Drops the first `receive` after `polls` polls, maybe none, and every other after one at least.
async fn receive(transport: &mut FarTransport, polls: usize) -> Value {
    let mut polls = polls;
    loop {
        if let Some(message) = at_most(polls, transport.receive()).await {
            return serde_json::to_value(message.expect("a message")).unwrap();
        }
        polls = polls.max(1);
        yield_now().await;
    }
}

/// Large enough that it arrives in several chunks.
fn answer(number: usize) -> Value {
    json!({ "jsonrpc": "2.0", "id": number, "result": { "text": "x".repeat(150_000 + number) } })
}
