//! What a line has to become: what rmcp's own decoder makes of it, or something better.

use std::fmt::Debug;

use bytes::Bytes;
use farpipe_core::{Calls, Decode as _, Decoded, Id, Line};
use farpipe_rmcp::RmcpDecode;
use rmcp::{
    RoleClient,
    model::{JsonRpcMessage, RequestId, ServerResult},
    service::RxJsonRpcMessage,
};
use serde::de::IgnoredAny;
use serde_json::Value;

type Message = RxJsonRpcMessage<RoleClient>;

/// Decodes a line both ways and panics where the difference is not one of these:
///
/// * A result that rmcp takes for one that its client does not accept from this call is the one that
///   the call awaits.
/// * A line that rmcp refuses for what it does not use, such as half a surrogate pair, a number
///   beyond `f64` or depth in a member that nobody knows, is accepted.
pub(crate) fn check(line: &[u8], calls: &Calls) {
    match (ours(line, calls), serde_json::from_slice::<Message>(line)) {
        (Some(ours), Ok(theirs)) => compare(&ours, &theirs, line, calls),
        (None, Ok(theirs)) => panic!("lost: {} {theirs:?}", line.escape_ascii()),
        (Some(ours), Err(error)) => assert!(
            serde_json::from_slice::<IgnoredAny>(line).is_ok()
                && serde_json::from_slice::<Value>(line).is_err(),
            "invented: {} {ours:?} {error}",
            line.escape_ascii()
        ),
        (None, Err(_)) => {}
    }
}

fn ours(line: &[u8], calls: &Calls) -> Option<Message> {
    let mut line = Line::from(Bytes::copy_from_slice(line));
    match RmcpDecode.decode(&mut line, calls) {
        Ok(Decoded::Message(message)) => Some(*message),
        _ => None,
    }
}

fn compare(ours: &Message, theirs: &Message, line: &[u8], calls: &Calls) {
    if let (JsonRpcMessage::Response(own), JsonRpcMessage::Response(other)) = (ours, theirs)
        && let Some(method) = calls.method(&core_id(&own.id))
        && !is_awaited(method, &other.result)
        && is_awaited(method, &own.result)
    {
        assert_eq!(own.id, other.id, "{}", line.escape_ascii());
        let text: Value = serde_json::from_slice(line).unwrap();
        assert_eq!(shape(&own.result), shape(&awaited(method, &text["result"])));
        return;
    }
    assert_eq!(shape(ours), shape(theirs), "{}", line.escape_ascii());
}

/// The value with all that its `Debug` shows, and with the extensions, which it does not show.
fn shape(message: &(impl Debug + serde::Serialize)) -> (String, Value) {
    (format!("{message:?}"), serde_json::to_value(message).unwrap())
}

fn core_id(id: &RequestId) -> Id {
    match id {
        RequestId::Number(id) => Id::Int(*id),
        RequestId::String(id) => Id::from(&**id),
    }
}

/// What rmcp's client makes of an answer: which methods await which results.
macro_rules! awaited {
    ($($($method:literal)|+ => $First:ident $(| $Other:ident)*;)+) => {
        fn is_awaited(method: &str, result: &ServerResult) -> bool {
            match method {
                $($($method)|+ => matches!(
                    result,
                    ServerResult::$First(_) $(| ServerResult::$Other(_))*
                ),)+
                _ => true,
            }
        }

        fn awaited(method: &str, result: &Value) -> ServerResult {
            let result = result.clone();
            match method {
                $($($method)|+ => ServerResult::$First(serde_json::from_value(result).unwrap()),)+
                _ => unreachable!("any result is awaited"),
            }
        }
    };
}

awaited! {
    "ping" | "logging/setLevel" | "resources/subscribe" | "resources/unsubscribe" => EmptyResult;
    "initialize" => InitializeResult;
    "server/discover" => DiscoverResult;
    "completion/complete" => CompleteResult;
    "prompts/get" => GetPromptResult | InputRequiredResult;
    "prompts/list" => ListPromptsResult;
    "resources/list" | "resources/directory/read" => ListResourcesResult;
    "resources/templates/list" => ListResourceTemplatesResult;
    "resources/read" => ReadResourceResult | InputRequiredResult;
    "tools/list" => ListToolsResult;
    "tools/call" => CallToolResult | InputRequiredResult | CreateTaskResult;
    "tasks/get" => GetTaskResult;
    "tasks/update" | "tasks/cancel" => TaskAckResult | EmptyResult;
    "skills/list" => ListSkillsResult;
    "skills/get" => GetSkillResult;
    "subscriptions/listen" => SubscriptionsListenResult;
}
