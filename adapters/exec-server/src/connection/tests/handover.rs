//! Processes that pass from one program to another.

use serde_json::json;

use super::{Peer, Ticket, hello};
use crate::{AttachError, connection::Name, wire::outgoing::Ask};
use farpipe_core::{Input, WriteId};

fn ticket(process: &str) -> Ticket {
    Ticket { session: "s".into(), process: process.into(), lane: "".into() }
}

#[test]
fn a_process_is_taken_over_with_what_came_before_it_was_attached() {
    let ticket = ticket("p");
    let mut peer = Peer::resuming(&ticket);
    peer.0.connected();
    let hello_again = peer.frame().unwrap();
    assert_eq!(hello_again["params"]["resumeSessionId"], "s");
    peer.output(&ticket.process, 9, "aGVsbG8=").unwrap();
    peer.answer(&hello_again, &json!({ "sessionId": "s" }));
    let name = peer.0.attach(&ticket).unwrap();
    assert_eq!(peer.input(&name), Some(Input::LinkUp { identity: "s".into() }));
    assert_eq!(peer.input(&name), Some(hello(9)));
    assert_eq!(peer.0.attach(&ticket), Err(AttachError::Attached));
}

#[test]
fn a_ticket_for_another_session_is_refused() {
    let mut peer = Peer::open();
    let other = Ticket { session: "t".into(), ..ticket("p") };
    assert_eq!(peer.0.attach(&other), Err(AttachError::OtherSession { this: "s".into() }));
    peer.0.session_lost("gone");
    assert_eq!(
        peer.0.attach(&ticket("p")),
        Err(AttachError::SessionLost { reason: "gone".into() })
    );
}

#[test]
fn a_process_that_nobody_takes_over_keeps_no_link_and_holds_nothing_up() {
    let ticket = ticket("p");
    let mut peer = Peer::resuming(&ticket);
    peer.link();
    peer.output(&ticket.process, 1, &"aGVs".repeat(super::BUDGET)).unwrap();
    assert!(!peer.0.is_paused());
    assert!(peer.0.is_idle());
}

#[test]
fn writes_of_another_session_have_other_ids() {
    let mut peer = Peer::open();
    let name = peer.start();
    let lanes = [peer.0.new_lane(), peer.0.new_lane(), "".into()];
    for lane in lanes {
        peer.0.ask(&name, Ask::Write { id: WriteId(7), lane, data: "hi".into() });
    }
    let mut ids: Vec<_> = std::iter::from_fn(|| peer.frame())
        .map(|frame| frame["params"]["writeId"].to_string())
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert!(ids.contains(&"\"7\"".to_owned()), "{ids:?}");
}

#[test]
fn a_process_that_is_detached_is_not_ended() {
    let mut peer = Peer::open();
    let name: Name = peer.start();
    peer.write(&name, 1);
    assert!(peer.0.detach(&name));
    assert!(!peer.0.detach(&name), "once");
    peer.output(&name, 1, "aGVsbG8=").unwrap();
    assert!(matches!(peer.input(&name), Some(Input::SessionLost { .. })));
    assert_eq!(peer.input(&name), Some(Input::Ended));
    peer.write(&name, 2);
    peer.0.ask(&name, Ask::Terminate);
    peer.0.terminate(&name);
    peer.0.abandon(&name);
    assert_eq!(peer.frame(), None, "nothing is asked for it any more");
    assert!(peer.0.is_idle());
}
