//! A decoder whose messages stand for several in one line.

use alloc::{string::String, vec::Vec};

use bytes::Bytes;

use crate::{
    BadReason, Batch, Calls, Capabilities, Chunk, Decode, Decoded, Envelope, Event, FailedCall, Id,
    Input, Limits, Line, Session, Stream, Timestamp,
};

/// Delivers arrays whole.
struct Whole;

impl Decode for Whole {
    type Message = (Bytes, Vec<Id>);

    fn decode(
        &mut self,
        line: &mut Line<'_>,
        calls: &Calls,
    ) -> Result<Decoded<Self::Message>, BadReason> {
        let bytes = line.to_bytes();
        let mut batch = Batch::parse(bytes.clone())?;
        let elements = core::iter::from_fn(|| batch.next_element());
        let ids: Vec<Id> =
            elements.filter_map(|element| Envelope::parse(element).ok()?.id().cloned()).collect();
        assert!(ids.iter().all(|id| !calls.has_failed(id)), "{ids:?}");
        Ok(Decoded::Message((bytes, ids)))
    }

    fn answers(&self, (_, ids): &Self::Message) -> Option<Id> {
        ids.first().cloned()
    }

    fn answers_also<'a>(&self, (_, ids): &'a Self::Message) -> &'a [Id] {
        ids.get(1..).unwrap_or_default()
    }

    fn answer_failed(&self, call: &FailedCall) -> Option<Self::Message> {
        Some((call.to_json().into(), Vec::new()))
    }
}

#[test]
fn every_answer_in_one_message_settles_its_call() {
    let mut session = Session::new(Whole, Capabilities::local(), Limits::default()).unwrap();
    for id in 1..=4 {
        let call = alloc::format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#);
        session.send(call.into()).unwrap();
    }
    let answers: Vec<String> = [1, 2, 3]
        .map(|id| alloc::format!(r#"{{"jsonrpc":"2.0","id":{id},"result":0}}"#))
        .into_iter()
        .collect();
    let line = alloc::format!("[{}]", answers.join(" , "));
    let data = alloc::format!("{line}\n").into();
    let chunk = Chunk { seq: 1, stream: Stream::Stdout, data };
    session.handle(Timestamp::ORIGIN, Input::Output(chunk));
    let Some(Event::Message((delivered, ids))) = session.poll_event() else { panic!() };
    assert_eq!((delivered, ids.len()), (line.into(), 3));
    assert_eq!(session.calls().len(), 1);
    session.handle(Timestamp::ORIGIN, Input::Closed { seq: 2 });
    let Some(Event::Message((failed, _))) = session.poll_event() else { panic!() };
    assert!(failed.starts_with(br#"{"jsonrpc":"2.0","id":4,"error""#));
}
