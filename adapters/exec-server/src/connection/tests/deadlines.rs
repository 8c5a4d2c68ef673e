//! Requests that are not answered.

use std::time::Duration;

use farpipe_core::Timestamp;
use serde_json::json;

use super::Peer;
use crate::{ProcessSpec, connection::requests::Due};

const CONTROL: Duration = Duration::from_secs(5);
const REQUEST: Duration = Duration::from_secs(30);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_origin(Duration::from_secs(seconds))
}

impl Peer {
    fn due(&self) -> Option<Timestamp> {
        self.0.due(CONTROL, REQUEST).map(|Due { since, patience, .. }| since + patience)
    }
}

#[test]
fn a_write_that_keeps_nobody_waiting_has_no_deadline() {
    let mut peer = Peer::open();
    let name = peer.start();
    peer.write(&name, 1);
    assert!(peer.frame_at(at(1)).is_some());
    assert_eq!(peer.due(), None);
}

#[test]
fn every_other_request_has_one() {
    let mut peer = Peer::open();
    let (name, other) = (peer.start(), peer.start());
    peer.write(&name, 1);
    assert!(peer.frame_at(at(1)).is_some());
    peer.write(&other, 1);
    assert!(peer.frame_at(at(2)).is_some());
    assert_eq!(peer.due(), Some(at(32)), "behind the write of another process");
    peer.0.terminate(&name);
    assert!(peer.frame_at(at(3)).is_some());
    assert_eq!(peer.due(), Some(at(8)), "the end of a process");

    let mut peer = Peer::open();
    assert!(peer.0.start(&ProcessSpec::new("cat")).is_ok());
    assert!(peer.frame_at(at(4)).is_some());
    assert_eq!(peer.due(), Some(at(34)));
    let due = peer.0.due(CONTROL, REQUEST).unwrap().to_string();
    assert!(due.contains("process/start") && due.contains("request_timeout"), "{due}");
}

/// What waits behind it comes first when the link is restored, and it comes again all the same.
#[test]
fn a_write_that_held_others_up_is_held_back_for_a_while() {
    let mut peer = Peer::open();
    let (deaf, other) = (peer.start(), peer.start());
    for (pause, now) in [(5, 100), (10, 200), (20, 300), (30, 400), (30, 500)] {
        peer.write(&deaf, 1);
        assert!(peer.frame_at(at(now)).is_some());
        peer.0.hold_oldest_write(at(now), CONTROL, REQUEST);
        peer.0.link_lost("late");
        peer.link();
        peer.write(&deaf, 1);
        peer.write(&other, 1);
        let first = peer.frame_at(at(now)).unwrap();
        assert_eq!(first["params"]["processId"], *other);
        peer.answer(&first, &json!({ "status": "accepted" }));
        assert_eq!(peer.frame_at(at(now)), None);
        assert_eq!(peer.0.next_release(), Some(at(now + pause)));
        assert!(peer.frame_at(at(now + pause)).is_some(), "it is repeated");
        peer.0.link_lost("again");
        peer.link();
    }
    peer.write(&deaf, 1);
    let write = peer.frame_at(at(1000)).unwrap();
    peer.answer(&write, &json!({ "status": "accepted" }));
    peer.write(&deaf, 2);
    assert!(peer.frame_at(at(0)).is_some(), "a process that reads is not held back");
}
