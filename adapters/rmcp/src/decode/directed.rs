//! One pass over a line, into the one right type.

use std::{borrow::Cow, fmt};

use farpipe_core::Calls;
use rmcp::{
    RoleClient,
    model::{ConstString as _, JsonRpcMessage, JsonRpcVersion2_0, RequestId},
    service::RxJsonRpcMessage,
};
use serde::{
    Deserialize,
    de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::Deserializer as Json;

use super::{
    core_id, last_id,
    params::{Params, without_params},
    result::ResultOf,
};

/// In its box from the beginning: it is large, and moving it costs as much as reading it.
pub(super) type Message = Box<RxJsonRpcMessage<RoleClient>>;

/// Until the id is known.
pub(super) const NO_ID: RequestId = RequestId::Number(0);

/// Decodes a message whose type is known beforehand: from its method, or from the method of the call
/// that it answers.
///
/// `None` for all else, be it a message or not: then rmcp's own decoder has the say.
pub(super) fn decode(line: &[u8], calls: &Calls) -> Option<Message> {
    let text = std::str::from_utf8(line).ok()?;
    let mut json = Json::from_str(text);
    let message = json.deserialize_map(Envelope { text, calls }).ok()?;
    json.end().ok()?;
    Some(message)
}

/// Why the decoding is left to rmcp. Nobody reads it.
pub(super) fn undirected<E: Error>() -> E {
    E::custom("the type is not known beforehand")
}

/// A string, borrowed if it has no escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

struct Envelope<'a> {
    text: &'a str,
    calls: &'a Calls,
}

impl<'de> Visitor<'de> for Envelope<'_> {
    type Value = Message;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::default();
        while let Some(Text(key)) = map.next_key()? {
            members.read(&key, &mut map, &self)?;
        }
        members.message().ok_or_else(undirected)
    }
}

/// What has been read of a message.
#[derive(Default)]
struct Members<'de> {
    jsonrpc: Option<()>,
    id: Option<RequestId>,
    method: Option<Cow<'de, str>>,
    /// With any id.
    message: Option<Message>,
    /// The id that the result was decoded for, if it stood behind the result.
    guessed: Option<RequestId>,
}

impl<'de> Members<'de> {
    fn read<A: MapAccess<'de>>(
        &mut self,
        key: &str,
        map: &mut A,
        envelope: &Envelope<'_>,
    ) -> Result<(), A::Error> {
        match key {
            "jsonrpc" => put(&mut self.jsonrpc, version(map)?),
            "id" => put(&mut self.id, map.next_value()?),
            "method" => put(&mut self.method, map.next_value::<Text<'de>>()?.0),
            "params" => {
                let method = self.method.as_deref().ok_or_else(undirected)?;
                let message = map.next_value_seed(Params { method })?;
                put(&mut self.message, message)
            }
            "result" => {
                let method = self.called(envelope).ok_or_else(undirected)?;
                let message = map.next_value_seed(ResultOf { method })?;
                put(&mut self.message, message)
            }
            "error" => {
                let message = Box::new(JsonRpcMessage::error(map.next_value()?, None));
                put(&mut self.message, message)
            }
            _ => map.next_value::<IgnoredAny>().map(drop),
        }
    }

    /// The method of the call that is answered.
    fn called<'a>(&mut self, envelope: &Envelope<'a>) -> Option<&'a str> {
        let id = match &self.id {
            Some(id) => id,
            None => self.guessed.insert(last_id::find(envelope.text)?),
        };
        envelope.calls.method(&core_id(id))
    }

    fn message(self) -> Option<Message> {
        self.jsonrpc?;
        let mut message = match (self.message, &self.method) {
            (Some(message), _) => message,
            (None, method) => without_params(method.as_deref()?)?,
        };
        match (&mut *message, self.method, self.id) {
            (JsonRpcMessage::Request(request), Some(_), Some(id)) => request.id = id,
            (JsonRpcMessage::Response(response), None, Some(id)) => {
                // No line of JSON gets here with a wrong guess; it would be a wrong answer for sure.
                if self.guessed.is_some_and(|guessed| guessed != id) {
                    return None;
                }
                response.id = id;
            }
            (JsonRpcMessage::Notification(_), Some(_), None) => {}
            (JsonRpcMessage::Error(error), None, id) => error.id = id,
            _ => return None,
        }
        Some(message)
    }
}

/// A member that comes twice is for rmcp to judge.
fn put<T, E: Error>(place: &mut Option<T>, value: T) -> Result<(), E> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(undirected()),
    }
}

fn version<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    let Text(version) = map.next_value()?;
    if version == JsonRpcVersion2_0::VALUE { Ok(()) } else { Err(undirected()) }
}

#[cfg(test)]
#[expect(dead_code, reason = "the corpus holds more than what is directed")]
#[path = "../../tests/decode/corpus.rs"]
mod corpus;

#[cfg(test)]
mod tests {
    use farpipe_core::{Call, Id};

    use super::*;

    fn is_directed(members: &str, method: &str) -> bool {
        let calls = Calls::from_iter([Call { id: Id::Int(7), method: method.into() }]);
        let rust = format!(r#"{{"jsonrpc":"2.0",{members}}}"#);
        let typescript = format!(r#"{{{members},"jsonrpc":"2.0"}}"#);
        let directed = |line: String| decode(line.as_bytes(), &calls).is_some();
        directed(rust) && directed(typescript)
    }

    /// Nothing else would tell if each line took the long way.
    #[test]
    fn what_is_common_takes_the_short_way() {
        let of_rmcp = |method: &str, result: &str| {
            method.starts_with("own/")
                || ["tasks/update", "tasks/cancel"].contains(&method)
                || ["7", r#"{"skill":{}}"#].contains(&result)
                || result.contains(r#""task""#)
                || result.contains(r#""input_required""#)
        };
        for (method, result) in corpus::RESULTS.into_iter().chain(corpus::MISTAKEN) {
            let expected = !of_rmcp(method, result);
            let id_first = format!(r#""id":7,"result":{result}"#);
            assert_eq!(is_directed(&id_first, method), expected, "{method} {result}");
            let id_last = format!(r#""result":{result},"id":7"#);
            assert_eq!(is_directed(&id_last, method), expected, "{method} {result}");
            assert!(!is_directed(&id_first, "own/method"), "{result}");
        }
        for (method, params) in [
            ("notifications/progress", r#"{"progressToken":1,"progress":2}"#),
            ("notifications/message", r#"{"level":"info","data":"text","_meta":{"a":1}}"#),
            ("notifications/tools/list_changed", "{}"),
        ] {
            let members = format!(r#""method":"{method}","params":{params}"#);
            assert!(is_directed(&members, ""), "{members}");
        }
        assert!(is_directed(r#""method":"ping","id":7"#, ""));
        assert!(is_directed(r#""method":"roots/list","params":{"_meta":{}},"id":"a""#, ""));
        assert!(is_directed(r#""error":{"code":1,"message":"m"},"id":7"#, ""));
    }
}
