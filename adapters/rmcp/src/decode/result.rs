//! What a call's method makes of the result.

use rmcp::model::{
    CallToolRequestMethod, CallToolResult, CompleteRequestMethod, CompleteResult, ConstString as _,
    DiscoverRequestMethod, DiscoverResult, EmptyResult, GetPromptRequestMethod, GetPromptResult,
    GetSkillRequestMethod, GetSkillResult, GetTaskMethod, GetTaskResult, InitializeResult,
    InitializeResultMethod, JsonRpcMessage, ListPromptsRequestMethod, ListPromptsResult,
    ListResourceTemplatesRequestMethod, ListResourceTemplatesResult, ListResourcesRequestMethod,
    ListResourcesResult, ListSkillsRequestMethod, ListSkillsResult, ListToolsRequestMethod,
    ListToolsResult, PingRequestMethod, ReadResourceDirectoryRequestMethod,
    ReadResourceRequestMethod, ReadResourceResult, ServerResult, SetLevelRequestMethod,
    SubscribeRequestMethod, SubscriptionsListenRequestMethod, SubscriptionsListenResult,
    UnsubscribeRequestMethod,
};
use serde::de::{Deserialize as _, DeserializeSeed, Deserializer};

use super::directed::{Message, NO_ID, undirected};

/// Reads the result of a call of this method.
pub(super) struct ResultOf<'a> {
    pub(super) method: &'a str,
}

/// For each type of result the methods that await it, and that its first choice of types is.
///
/// A server may answer with something else, such as a task instead of a tool's result: that does not
/// read as the first choice, and is left to rmcp.
macro_rules! result_of {
    ($method:expr, $json:expr; $($($Method:ident)|+ => $Result:ident),+ $(,)?) => {
        match $method {
            $($($Method::VALUE)|+ => $Result::deserialize($json).map(|result| {
                Box::new(JsonRpcMessage::response(ServerResult::$Result(result), NO_ID))
            }),)+
            _ => Err(undirected()),
        }
    };
}

impl<'de> DeserializeSeed<'de> for ResultOf<'_> {
    type Value = Message;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Message, D::Error> {
        result_of! { self.method, json;
            CallToolRequestMethod => CallToolResult,
            ListToolsRequestMethod => ListToolsResult,
            ReadResourceRequestMethod => ReadResourceResult,
            ListResourcesRequestMethod | ReadResourceDirectoryRequestMethod => ListResourcesResult,
            ListResourceTemplatesRequestMethod => ListResourceTemplatesResult,
            GetPromptRequestMethod => GetPromptResult,
            ListPromptsRequestMethod => ListPromptsResult,
            CompleteRequestMethod => CompleteResult,
            GetTaskMethod => GetTaskResult,
            ListSkillsRequestMethod => ListSkillsResult,
            GetSkillRequestMethod => GetSkillResult,
            SubscriptionsListenRequestMethod => SubscriptionsListenResult,
            InitializeResultMethod => InitializeResult,
            DiscoverRequestMethod => DiscoverResult,
            PingRequestMethod
            | SetLevelRequestMethod
            | SubscribeRequestMethod
            | UnsubscribeRequestMethod => EmptyResult,
        }
    }
}
