//! Every kind of message that rmcp knows of, one or more of each.

/// The method of a call, and a result that answers it.
pub(crate) const RESULTS: [(&str, &str); 32] = [
    ("ping", "{}"),
    ("logging/setLevel", "{}"),
    ("resources/subscribe", "{}"),
    ("resources/unsubscribe", "{}"),
    (
        "initialize",
        r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true},"logging":{},"experimental":{"x":{}}},"serverInfo":{"name":"s","version":"1","title":"S"},"instructions":"Use it."}"#,
    ),
    (
        "server/discover",
        r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{},"ttlMs":5,"cacheScope":"public"}"#,
    ),
    ("completion/complete", r#"{"completion":{"values":["a","b"],"total":2,"hasMore":false}}"#),
    (
        "prompts/get",
        r#"{"description":"d","messages":[{"role":"user","content":{"type":"text","text":"hi"}}]}"#,
    ),
    (
        "prompts/get",
        r#"{"messages":[{"role":"assistant","content":{"text":"type is last","type":"text"}}],"_meta":{"a":1}}"#,
    ),
    (
        "prompts/list",
        r#"{"prompts":[{"name":"p","description":"d","arguments":[{"name":"a","required":true}]}],"nextCursor":"c"}"#,
    ),
    (
        "resources/list",
        r#"{"resources":[{"uri":"file:///a","name":"a","mimeType":"text/plain","size":5,"annotations":{"audience":["user"],"priority":0.5}}]}"#,
    ),
    (
        "resources/templates/list",
        r#"{"resourceTemplates":[{"uriTemplate":"file:///{p}","name":"t"}]}"#,
    ),
    (
        "resources/read",
        r#"{"contents":[{"uri":"file:///a","mimeType":"text/plain","text":"t\n\u00e9"},{"uri":"file:///b","blob":"AAA="}]}"#,
    ),
    ("resources/directory/read", r#"{"resources":[],"nextCursor":null}"#),
    (
        "tools/list",
        r#"{"tools":[{"name":"t","description":"d","inputSchema":{"type":"object","properties":{"a":{"type":"number","maximum":1e3}}},"annotations":{"readOnlyHint":true}}],"ttlMs":-1,"cacheScope":""}"#,
    ),
    ("tools/call", r#"{"content":[{"type":"text","text":"plain"}]}"#),
    (
        "tools/call",
        r#"{"content":[{"text":"line\nbreak \"q\" \u4e16","type":"text"}],"isError":true}"#,
    ),
    (
        "tools/call",
        r#"{"content":[{"type":"image","data":"AAA=","mimeType":"image/png"},{"type":"audio","data":"AAA=","mimeType":"audio/wav"},{"type":"resource","resource":{"uri":"a:b","text":"x"}},{"type":"resource_link","uri":"a:b","name":"n"}],"_meta":{"k":[1,2.5,null]}}"#,
    ),
    (
        "tools/call",
        r#"{"content":[],"structuredContent":{"n":18446744073709551615,"f":-0.0,"z":[]}}"#,
    ),
    ("tools/call", r#"{"resultType":"complete","structuredContent":null}"#),
    (
        "tools/call",
        r#"{"resultType":"task","taskId":"t","status":"working","createdAt":"a","lastUpdatedAt":"b","ttlMs":null}"#,
    ),
    (
        "tools/call",
        r#"{"resultType":"input_required","inputRequests":{"a":{"method":"roots/list"}},"requestState":"s"}"#,
    ),
    (
        "tasks/get",
        r#"{"resultType":"complete","taskId":"t","status":"completed","createdAt":"a","lastUpdatedAt":"b","ttlMs":1,"result":{"content":[]}}"#,
    ),
    ("tasks/update", r#"{"resultType":"complete"}"#),
    ("tasks/cancel", "{}"),
    ("skills/list", r#"{"skills":[]}"#),
    ("skills/get", r#"{"skill":{}}"#),
    (
        "subscriptions/listen",
        r#"{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":7}}"#,
    ),
    ("own/method", r#"{"anything":[1,"a",{}]}"#),
    ("own/method", "[1,2]"),
    ("own/method", "null"),
    ("tools/call", "7"),
];

/// Results that rmcp by itself takes for something that the call does not await.
pub(crate) const MISTAKEN: [(&str, &str); 5] = [
    ("tools/call", r#"{"content":[],"tools":[]}"#),
    ("tools/call", r#"{"content":[],"prompts":[]}"#),
    ("tools/call", r#"{"structuredContent":{},"contents":[]}"#),
    ("tools/list", r#"{"tools":[],"resources":[]}"#),
    ("resources/read", r#"{"contents":[],"messages":[]}"#),
];

/// The method and params of a request that a server makes.
pub(crate) const REQUESTS: [(&str, &str); 11] = [
    ("ping", "{}"),
    ("ping", r#"{"_meta":{"progressToken":1}}"#),
    ("ping", "null"),
    (
        "sampling/createMessage",
        r#"{"messages":[{"role":"user","content":{"type":"text","text":"hi"}}],"maxTokens":5,"temperature":1,"systemPrompt":"s"}"#,
    ),
    (
        "sampling/createMessage",
        r#"{"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"maxTokens":5,"_meta":{"a":{}}}"#,
    ),
    ("roots/list", "{}"),
    (
        "elicitation/create",
        r#"{"message":"m","requestedSchema":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string","enum":["x"]}},"required":["a"]}}"#,
    ),
    (
        "elicitation/create",
        r#"{"mode":"url","message":"m","url":"http://a","elicitationId":"e","_meta":{}}"#,
    ),
    ("elicitation/create", r#"{"mode":"form"}"#),
    ("own/request", r#"{"a":1,"_meta":{"b":2}}"#),
    ("own/request", "[1]"),
];

/// The method and params of a notification that a server sends.
pub(crate) const NOTIFICATIONS: [(&str, &str); 19] = [
    ("notifications/progress", r#"{"progressToken":1,"progress":2,"total":3.5,"message":"m"}"#),
    (
        "notifications/progress",
        r#"{"progress":1e2,"progressToken":"t","extra":{"a":[]},"_meta":{"k":"v"}}"#,
    ),
    ("notifications/progress", r#"{"progress":"no number","progressToken":"t"}"#),
    ("notifications/cancelled", r#"{"requestId":1,"reason":"r"}"#),
    ("notifications/cancelled", "{}"),
    ("notifications/cancelled", r#"{"requestId":1.0,"_meta":null}"#),
    ("notifications/message", r#"{"level":"info","logger":"l","data":{"a":[1,2,{"b":null}]}}"#),
    ("notifications/message", r#"{"level":"shouting","data":1}"#),
    ("notifications/resources/updated", r#"{"uri":"file:///a"}"#),
    ("notifications/resources/list_changed", "{}"),
    ("notifications/tools/list_changed", r#"{"_meta":{"a":1},"extra":2}"#),
    ("notifications/prompts/list_changed", "null"),
    (
        "notifications/subscriptions/acknowledged",
        r#"{"notifications":{"toolsListChanged":true},"_meta":{"io.modelcontextprotocol/subscriptionId":7}}"#,
    ),
    (
        "notifications/tasks",
        r#"{"taskId":"t","status":"working","createdAt":"a","lastUpdatedAt":"b","ttlMs":1}"#,
    ),
    ("notifications/initialized", "{}"),
    ("notifications/never/heard", r#"{"a":1}"#),
    ("notifications/never/heard", "[1]"),
    ("notifications/elicitation/complete", r#"{"elicitationId":"e"}"#),
    ("notifications/progress", r#"{"_meta":{},"_meta":{},"progress":1,"progressToken":1}"#),
];

/// Errors, as a server tells them.
pub(crate) const ERRORS: [&str; 5] = [
    r#"{"code":-32601,"message":"no such method"}"#,
    r#"{"code":-32000,"message":"m \u2028","data":{"a":[1]}}"#,
    r#"{"code":1,"message":"m","data":null,"extra":1}"#,
    r#"{"code":1.5,"message":"m"}"#,
    r#"{"message":"m"}"#,
];

/// Ids, as they are written.
pub(crate) const IDS: [&str; 14] = [
    "7",
    "0",
    "-1",
    "\"7\"",
    "\"a-1\"",
    r#""\u0061\"\\""#,
    "null",
    "1.0",
    "1.5",
    "1e2",
    "9223372036854775807",
    "9223372036854775808",
    "true",
    "{}",
];
