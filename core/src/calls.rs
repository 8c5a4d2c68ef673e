//! Who waits for an answer, and what they are told when none can come.

mod failure;
mod salvage;
mod saved;

use alloc::{
    boxed::Box,
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};

use bytes::Bytes;

pub use self::failure::{CallFailure, FailedCall};
pub(crate) use self::{
    salvage::{request_id, response_id},
    saved::SavedCalls,
};
use crate::{Batch, Envelope, Id, Kind, SendId, outbox::pop};

/// A request on its way out: what it takes to answer it in the process's place.
///
/// Only needed by applications that have taken their messages apart anyway; see
/// [`Session::send_call`](crate::Session::send_call).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The id of the request.
    pub id: Id,
    /// Its method.
    pub method: Box<str>,
}

impl Call {
    /// The requests in a message, alone or in a batch; none if it is no JSON-RPC 2.0.
    pub fn all_in(message: &Bytes) -> Vec<Self> {
        if !message.trim_ascii_start().starts_with(b"[") {
            let message = Envelope::parse(message.clone()).ok();
            return message.as_ref().and_then(Self::of).into_iter().collect();
        }
        let Ok(mut batch) = Batch::parse(message.clone()) else { return Vec::new() };
        let elements = core::iter::from_fn(|| batch.next_element());
        elements.filter_map(|element| Self::of(&Envelope::parse(element).ok()?)).collect()
    }

    fn of(message: &Envelope) -> Option<Self> {
        if message.kind() != Kind::Request {
            return None;
        }
        Some(Self { id: message.id()?.clone(), method: message.method()?.into() })
    }
}

/// The requests that were sent and have not been answered.
///
/// A decoder may ask it which method an answer belongs to, and so which type to expect:
///
/// ```
/// use farpipe_core::{Calls, Id};
///
/// fn expects_tools(calls: &Calls, id: &Id) -> bool {
///     calls.method(id) == Some("tools/list")
/// }
/// # assert!(!expects_tools(&Calls::default(), &Id::Int(1)));
/// ```
#[derive(Debug, Default)]
pub struct Calls {
    pending: BTreeMap<Id, Pending>,
    /// Calls that have been answered in the process's place; a true answer may still come. The
    /// oldest are forgotten first.
    failed: VecDeque<Id>,
    /// What is still to be told.
    answers: VecDeque<FailedCall>,
}

/// The calls that wait, for trying a decoder out on its own.
///
/// A session keeps its calls by itself.
impl FromIterator<Call> for Calls {
    fn from_iter<I: IntoIterator<Item = Call>>(calls: I) -> Self {
        let mut waiting = Self::default();
        calls.into_iter().for_each(|call| waiting.sent(call, SendId(0)));
        waiting
    }
}

#[derive(Debug)]
struct Pending {
    call: Call,
    send: SendId,
}

impl Calls {
    /// The method of the pending request with this id.
    pub fn method(&self, id: &Id) -> Option<&str> {
        self.pending.get(&canonical(id)).map(|pending| &*pending.call.method)
    }

    /// Whether the request with this id was answered in the process's place, and does not wait again:
    /// an answer to it comes too late.
    pub fn has_failed(&self, id: &Id) -> bool {
        let id = canonical(id);
        !self.pending.contains_key(&id) && self.failed.contains(&id)
    }

    /// How many requests wait for an answer.
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether no request waits for an answer.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Notes a request. One with an id that is in use takes its place: who answers cannot tell them
    /// apart either.
    pub(crate) fn sent(&mut self, call: Call, send: SendId) {
        let id = canonical(&call.id);
        self.pending.insert(id, Pending { call, send });
    }

    /// Notes an answer; false if the call was already answered in the process's place.
    pub(crate) fn answered(&mut self, id: &Id) -> bool {
        let id = canonical(id);
        if self.take(&id).is_some() {
            return true;
        }
        let Some(at) = self.failed.iter().position(|failed| *failed == id) else { return true };
        self.failed.remove(at);
        false
    }

    /// Nobody waits for an answer to this request any more.
    pub(crate) fn forget(&mut self, id: &Id) {
        self.pending.remove(&canonical(id));
    }

    /// Answers one call in the process's place, if it waits.
    pub(crate) fn fail(&mut self, id: &Id, failure: CallFailure, remembered: usize) {
        let id = canonical(id);
        let Some(pending) = self.take(&id) else { return };
        if self.failed.len() >= remembered {
            self.failed.pop_front();
        }
        self.failed.push_back(id);
        self.answers.push_back(FailedCall { call: pending.call, failure });
    }

    /// An empty map keeps a node for eleven calls: given back, because many sessions are idle at once.
    fn take(&mut self, id: &Id) -> Option<Pending> {
        let pending = self.pending.remove(id);
        if self.pending.is_empty() {
            self.pending = BTreeMap::new();
        }
        pending
    }

    /// Answers every call in the process's place; returns how many there were.
    pub(crate) fn fail_all(&mut self, failure: &CallFailure, remembered: usize) -> usize {
        let ids: Vec<Id> = self.pending.keys().cloned().collect();
        for id in &ids {
            self.fail(id, failure.clone(), remembered);
        }
        ids.len()
    }

    /// Answers the calls of one send in the process's place.
    pub(crate) fn fail_send(&mut self, send: SendId, failure: &CallFailure, remembered: usize) {
        let of_send = |(id, pending): (&Id, &Pending)| (pending.send == send).then(|| id.clone());
        let ids: Vec<Id> = self.pending.iter().filter_map(of_send).collect();
        for id in &ids {
            self.fail(id, failure.clone(), remembered);
        }
    }

    /// Whether something is to be told in the process's place.
    pub(crate) fn has_answers(&self) -> bool {
        !self.answers.is_empty()
    }

    /// The next answer in the process's place.
    pub(crate) fn next_answer(&mut self) -> Option<FailedCall> {
        pop(&mut self.answers)
    }
}

/// One spelling for numbers that a server may write differently: JavaScript answers `1.0` with `1`.
fn canonical(id: &Id) -> Id {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    let Id::Number(text) = id else { return id.clone() };
    match text.parse::<f64>() {
        #[allow(clippy::cast_possible_truncation)] // Whole and within 2^53.
        Ok(number) if number % 1.0 == 0.0 && (-EXACT..EXACT).contains(&number) => {
            Id::Int(number as i64)
        }
        _ => id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOST: CallFailure = CallFailure::Unknown;

    fn call(id: i64) -> Call {
        Call { id: Id::Int(id), method: "m".into() }
    }

    #[test]
    fn an_answer_settles_its_call_once() {
        let mut calls = Calls::default();
        calls.sent(call(1), SendId(1));
        assert!(!calls.is_empty());
        assert_eq!(calls.method(&Id::Int(1)), Some("m"));
        assert!(calls.answered(&Id::Int(1)));
        assert!(calls.is_empty());
        assert!(calls.answered(&Id::Int(1)), "not ours to judge: it is passed on");
    }

    #[test]
    fn calls_can_be_collected() {
        let calls = [call(1), call(2)].into_iter().collect::<Calls>();
        assert_eq!((calls.len(), calls.method(&Id::Int(2))), (2, Some("m")));
    }

    #[test]
    fn a_late_true_answer_is_dropped_once() {
        let mut calls = Calls::default();
        calls.sent(call(1), SendId(1));
        calls.fail(&Id::Int(1), LOST, 10);
        assert_eq!(calls.next_answer().unwrap().call, call(1));
        assert!(!calls.answered(&Id::Int(1)));
        assert!(calls.answered(&Id::Int(1)));
    }

    #[test]
    fn an_id_in_use_again_awaits_one_answer_and_drops_the_other() {
        let mut calls = Calls::default();
        calls.sent(call(1), SendId(1));
        calls.fail(&Id::Int(1), LOST, 10);
        calls.sent(call(1), SendId(2));
        assert!(!calls.has_failed(&Id::Int(1)), "it waits");
        assert!(calls.answered(&Id::Int(1)));
        assert!(calls.has_failed(&Id::Int(1)));
        assert!(!calls.answered(&Id::Int(1)));
        assert!(!calls.has_failed(&Id::Int(1)));
    }

    #[test]
    fn only_so_many_failed_calls_are_remembered() {
        let mut calls = Calls::default();
        (1..=3).for_each(|id| calls.sent(call(id), SendId(1)));
        assert_eq!(calls.fail_all(&LOST, 2), 3);
        assert!(calls.answered(&Id::Int(1)), "forgotten");
        assert!(!calls.answered(&Id::Int(2)) && !calls.answered(&Id::Int(3)));
    }

    #[test]
    fn the_calls_of_one_send_fail_together() {
        let mut calls = Calls::default();
        calls.sent(call(1), SendId(1));
        calls.sent(call(2), SendId(2));
        calls.sent(call(3), SendId(1));
        calls.fail_send(SendId(1), &LOST, 10);
        assert_eq!(calls.len(), 1);
        assert!(calls.method(&Id::Int(2)).is_some());
    }

    #[test]
    fn a_number_is_found_under_another_spelling() {
        let mut calls = Calls::default();
        let id = Id::parse("1.0").unwrap();
        calls.sent(Call { id: id.clone(), method: "m".into() }, SendId(1));
        assert_eq!(calls.method(&Id::Int(1)), Some("m"));
        calls.fail(&Id::Int(1), LOST, 10);
        assert_eq!(calls.next_answer().unwrap().call.id, id, "answered as it was asked");
        for exact in ["1.5", "18446744073709551615", "1e300"] {
            let id = Id::parse(exact).unwrap();
            assert_eq!(canonical(&id), id);
        }
    }

    #[test]
    fn requests_are_found_alone_and_in_batches() {
        let found = |text: &'static str| Call::all_in(&Bytes::from_static(text.as_bytes()));
        assert_eq!(found(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#), [call(1)]);
        assert_eq!(found(r#"{"jsonrpc":"2.0","method":"m"}"#), []);
        assert_eq!(found(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), []);
        assert_eq!(found("not json"), []);
        let batch = r#" [{"jsonrpc":"2.0","id":1,"method":"m"},{"jsonrpc":"2.0","method":"n"},
            {"jsonrpc":"2.0","id":2,"method":"m"}]"#;
        assert_eq!(found(batch), [call(1), call(2)]);
    }
}
