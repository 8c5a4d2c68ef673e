//! From a line to an rmcp message.

mod directed;
mod last_id;
mod params;
mod result;

use farpipe_core::{
    BadReason, Batch, Call, Calls, Decode, Decoded, FailedCall, Id, JsonRpc, Kind, Line,
};
use rmcp::{
    RoleClient,
    model::{ErrorCode, ErrorData, JsonRpcError, JsonRpcMessage, RequestId},
    service::{RxJsonRpcMessage, TxJsonRpcMessage},
};

/// Decodes what an MCP server sends into rmcp's types.
///
/// rmcp tries one type after the other on a copy of each message. This reads a message once: its
/// method, or that of the call it answers, says what it has to be. Where that does not help, as with
/// methods that rmcp has no type for, and with members in an unheard-of order, rmcp decides.
///
/// Accepts what rmcp's own codec accepts, as the same value, and batches besides. Three things differ:
///
/// * A result that rmcp by itself takes for one of another method, because it has a member of that
///   one as well, is what the call awaits. rmcp fails such a call with `UnexpectedResponse`.
/// * Half a surrogate pair, a number beyond `f64` and depth do no harm in members that nobody reads.
/// * A notification that rmcp has no type for, and cannot keep as it is, is left out, as rmcp does
///   itself: servers for other protocols send some during the handshake.
#[derive(Clone, Copy, Debug, Default)]
pub struct RmcpDecode;

impl Decode for RmcpDecode {
    type Message = Box<RxJsonRpcMessage<RoleClient>>;

    fn decode(
        &mut self,
        line: &mut Line<'_>,
        calls: &Calls,
    ) -> Result<Decoded<Self::Message>, BadReason> {
        if let Some(message) = directed::decode(line.as_slice(), calls) {
            return Ok(Decoded::Message(message));
        }
        match serde_json::from_slice(line.as_slice()) {
            Ok(message) => Ok(Decoded::Message(message)),
            Err(_) => explain(line, calls),
        }
    }

    fn answers(&self, message: &Self::Message) -> Option<Id> {
        match &**message {
            JsonRpcMessage::Response(response) => Some(core_id(&response.id)),
            JsonRpcMessage::Error(error) => error.id.as_ref().map(core_id),
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
        }
    }

    fn answer_failed(&self, failed: &FailedCall) -> Option<Self::Message> {
        let data = serde_json::to_value(&failed.failure).ok();
        let code = ErrorCode(failed.failure.code());
        let error = ErrorData::new(code, failed.to_string(), data);
        let id = rmcp_id(&failed.call.id)?;
        Some(Box::new(JsonRpcMessage::Error(JsonRpcError::new(Some(id), error))))
    }
}

/// Why rmcp does not accept the line.
fn explain<M>(line: &mut Line<'_>, calls: &Calls) -> Result<Decoded<M>, BadReason> {
    if line.as_slice().trim_ascii_start().starts_with(b"[") {
        return Batch::parse(line.to_bytes()).map(Decoded::Batch);
    }
    match JsonRpc.decode(line, calls)? {
        Decoded::Message(message) if message.kind() == Kind::Notification => Ok(Decoded::Ignored),
        _ => Err(BadReason::Unsupported),
    }
}

/// The call that a message makes, if it is a request.
pub(crate) fn call(message: &TxJsonRpcMessage<RoleClient>) -> Option<Call> {
    let JsonRpcMessage::Request(request) = message else { return None };
    Some(Call { id: core_id(&request.id), method: request.request.method().into() })
}

fn core_id(id: &RequestId) -> Id {
    match id {
        RequestId::Number(id) => Id::Int(*id),
        RequestId::String(id) => Id::from(&**id),
    }
}

/// `None` for an id that rmcp cannot have sent.
fn rmcp_id(id: &Id) -> Option<RequestId> {
    match id {
        Id::Int(id) => Some(RequestId::Number(*id)),
        Id::String(id) => Some(RequestId::String((**id).into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    type Outcome = Result<Decoded<Box<RxJsonRpcMessage<RoleClient>>>, BadReason>;

    fn decode(text: &'static str) -> Outcome {
        let mut line = Line::from(Bytes::from_static(text.as_bytes()));
        RmcpDecode.decode(&mut line, &Calls::default())
    }

    #[test]
    fn a_response_is_decoded() {
        let decoded = decode(r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#);
        let Ok(Decoded::Message(message)) = decoded else { panic!("{decoded:?}") };
        assert_eq!(RmcpDecode.answers(&message), Some(Id::Int(1)));
        assert!(matches!(*message, JsonRpcMessage::Response(_)));
    }

    /// <https://github.com/openai/codex/issues/5671>
    #[test]
    fn unknown_notification_is_left_out() {
        for text in [
            r#"{"jsonrpc":"2.0","method":"window/logMessage","params":{"type":3}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/never/heard","params":[1]}"#,
        ] {
            let decoded = decode(text);
            let accepted = matches!(decoded, Ok(Decoded::Ignored | Decoded::Message(_)));
            assert!(accepted, "{text}: {decoded:?}");
        }
    }

    #[test]
    fn what_is_no_message_says_why() {
        assert_eq!(decode("Listening on port 80").unwrap_err(), BadReason::NotJson);
        assert_eq!(decode(r#"{"level":"info"}"#).unwrap_err(), BadReason::NotJsonRpc);
        assert_eq!(
            decode(r#"{"jsonrpc":"2.0","id":1.5,"result":{}}"#).unwrap_err(),
            BadReason::Unsupported,
            "rmcp has no place for a fractional id"
        );
    }

    /// <https://github.com/modelcontextprotocol/rust-sdk/issues/416>
    #[test]
    fn a_batch_is_taken_apart() {
        let text = r#"[{"jsonrpc":"2.0","id":1,"result":{}}]"#;
        assert!(matches!(decode(text), Ok(Decoded::Batch(_))));
    }

    #[test]
    fn requests_are_calls_and_nothing_else_is() {
        let call = |text| call(&serde_json::from_str(text).unwrap());
        let ping = call(r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#).unwrap();
        assert_eq!((ping.id, &*ping.method), (Id::from("a"), "ping"));
        assert_eq!(call(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#), None);
        assert_eq!(call(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), None);
    }
}
