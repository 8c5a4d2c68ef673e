//! A small MCP server to try a connection with: `farpipe demo`.
//!
//! Every tool provokes one thing a transport must get right: a plain answer, an error result, a
//! large answer, heavy stderr.

use std::io::{self, Write as _};

use anyhow::Context as _;
use rmcp::{
    ErrorData, RoleServer, ServerHandler, ServiceExt as _,
    handler::server::{
        router::{prompt::PromptRouter, tool::ToolRouter},
        wrapper::Parameters,
    },
    model::{
        CallToolResult, ContentBlock, Implementation, ListResourcesResult, PaginatedRequestParams,
        PromptMessage, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
        Resource, ResourceContents, Role, ServerCapabilities, ServerConfig,
    },
    prompt, prompt_handler, prompt_router, schemars,
    service::RequestContext,
    tool, tool_handler, tool_router,
    transport::{IntoTransport, stdio},
};
use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;

/// Above this the caller most likely mistyped: one message would hold more than 64 MiB.
const MAX_FLOOD_KIB: usize = 64 * 1024;
/// Above this the caller most likely mistyped: the lines are built in memory first.
const MAX_LOG_LINES: usize = 100_000;

const INSTRUCTIONS: &str = "Demonstration server of farpipe. Call `echo`, `add`, `fail`, `flood` \
    or `log`; read `demo://greeting` or `demo://about`; get the prompt `introduce`.";

/// Uri, name and text of each resource.
const RESOURCES: [(&str, &str, &str); 2] = [
    ("demo://greeting", "greeting", "Hello from the far end of the pipe."),
    (
        "demo://about",
        "about",
        "farpipe connects an MCP client to an MCP server whose process runs somewhere else.",
    ),
];

/// Serves on this process's stdin and stdout until the client closes stdin.
pub(crate) async fn serve() -> anyhow::Result<()> {
    eprintln!("farpipe demo server ready");
    serve_on(stdio()).await
}

/// Serves on any transport until the client leaves.
async fn serve_on<T, E, A>(transport: T) -> anyhow::Result<()>
where
    T: IntoTransport<RoleServer, E, A>,
    E: std::error::Error + Send + Sync + 'static,
{
    let service = Demo::new().serve(transport).await.context(
        "no session began: the demo server expects an MCP client on its stdin and stdout",
    )?;
    service.waiting().await.context("the demo server stopped early")?;
    Ok(())
}

struct Demo {
    tools: ToolRouter<Self>,
    prompts: PromptRouter<Self>,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Echo {
    /// The text to return.
    text: String,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Add {
    /// The first number.
    a: f64,
    /// The second number.
    b: f64,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Flood {
    /// How many KiB of text to return.
    kib: usize,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Log {
    /// How many lines to write to stderr.
    lines: usize,
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Introduce {
    /// Who is to be introduced.
    name: String,
}

impl Demo {
    fn new() -> Self {
        Self { tools: Self::tool_router(), prompts: Self::prompt_router() }
    }
}

#[tool_router]
impl Demo {
    #[tool(description = "Return the given text.")]
    async fn echo(&self, Parameters(Echo { text }): Parameters<Echo>) -> String {
        text
    }

    #[tool(description = "Return the sum of two numbers.")]
    async fn add(&self, Parameters(Add { a, b }): Parameters<Add>) -> String {
        (a + b).to_string()
    }

    #[tool(description = "Return an error result.")]
    async fn fail(&self) -> CallToolResult {
        error("This tool always fails.")
    }

    #[tool(description = "Return the given number of KiB of text in one answer.")]
    async fn flood(&self, Parameters(Flood { kib }): Parameters<Flood>) -> CallToolResult {
        if kib > MAX_FLOOD_KIB {
            return error(format!("kib is {kib}; give at most {MAX_FLOOD_KIB}"));
        }
        success("0123456789abcdef".repeat(kib * 64))
    }

    #[tool(description = "Write the given number of lines to stderr, then answer.")]
    async fn log(&self, Parameters(Log { lines }): Parameters<Log>) -> CallToolResult {
        if lines > MAX_LOG_LINES {
            return error(format!("lines is {lines}; give at most {MAX_LOG_LINES}"));
        }
        match write_lines(lines).await {
            Ok(()) => success(format!("wrote {lines} lines to stderr")),
            Err(e) => error(format!("stderr cannot be written: {e}")),
        }
    }
}

#[prompt_router]
impl Demo {
    #[prompt(description = "Ask for a short introduction of a person.")]
    async fn introduce(
        &self,
        Parameters(Introduce { name }): Parameters<Introduce>,
    ) -> Vec<PromptMessage> {
        let text = format!("Introduce {name} in one sentence.");
        vec![PromptMessage::new_text(Role::User, text)]
    }
}

#[tool_handler(router = self.tools)]
#[prompt_handler(router = self.prompts)]
impl ServerHandler for Demo {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_prompts()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("farpipe-demo", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resources = RESOURCES
            .iter()
            .map(|(uri, name, _)| Resource::new(*uri, *name).with_mime_type("text/plain"));
        Ok(ListResourcesResult::with_all_items(resources.collect()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let found = RESOURCES.iter().find(|(uri, ..)| *uri == request.uri);
        let Some((uri, _, text)) = found else {
            let message = format!("there is no resource {}; list the resources", request.uri);
            return Err(ErrorData::resource_not_found(message, None));
        };
        let contents = ResourceContents::text(*text, *uri).with_mime_type("text/plain");
        Ok(ReadResourceResult::new(vec![contents]).into())
    }
}

/// One write through tokio: a full stderr pipe must not block the thread that serves requests.
async fn write_lines(lines: usize) -> io::Result<()> {
    let mut text = Vec::new();
    for n in 1..=lines {
        writeln!(text, "demo log line {n}")?;
    }
    let mut stderr = tokio::io::stderr();
    stderr.write_all(&text).await?;
    stderr.flush().await
}

fn success(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

fn error(text: impl Into<String>) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

#[cfg(test)]
mod tests {
    use rmcp::{
        RoleClient,
        model::{CallToolRequestParams, GetPromptRequestParams, object},
        service::RunningService,
    };
    use serde_json::json;

    use super::*;

    type Client = RunningService<RoleClient, ()>;

    async fn connected() -> (Client, tokio::task::JoinHandle<anyhow::Result<()>>) {
        let (near, far) = tokio::io::duplex(4096);
        let server = tokio::spawn(serve_on(far));
        (().serve(near).await.expect("the session starts"), server)
    }

    async fn call(
        client: &Client,
        tool: &'static str,
        arguments: serde_json::Value,
    ) -> CallToolResult {
        let params = CallToolRequestParams::new(tool).with_arguments(object(arguments));
        client.call_tool(params).await.expect("the tool answers")
    }

    fn text(result: &CallToolResult) -> &str {
        &result.content[0].as_text().expect("a text").text
    }

    #[tokio::test]
    async fn introduces_itself_and_ends_with_its_client() {
        let (client, server) = connected().await;
        let info = client.peer_info().expect("the server's introduction");
        let server_info = info.server_info.as_ref().expect("its name");
        assert_eq!(server_info.name, "farpipe-demo");
        assert_eq!(server_info.version, env!("CARGO_PKG_VERSION"));
        assert!(info.instructions.is_some());
        client.cancel().await.expect("the client leaves");
        server.await.expect("the server does not panic").expect("the server ends well");
    }

    #[tokio::test]
    async fn tools_answer() {
        let (client, _server) = connected().await;
        let tools = client.list_all_tools().await.expect("the tools");
        let mut names: Vec<_> = tools.iter().map(|tool| &*tool.name).collect();
        names.sort_unstable();
        assert_eq!(names, ["add", "echo", "fail", "flood", "log"]);

        assert_eq!(text(&call(&client, "echo", json!({"text": "hé\n"})).await), "hé\n");
        assert_eq!(text(&call(&client, "add", json!({"a": 2, "b": 0.5})).await), "2.5");
        assert_eq!(text(&call(&client, "flood", json!({"kib": 300})).await).len(), 300 * 1024);
        assert_eq!(
            text(&call(&client, "log", json!({"lines": 2})).await),
            "wrote 2 lines to stderr"
        );
    }

    #[tokio::test]
    async fn refusals_are_error_results() {
        let (client, _server) = connected().await;
        for (tool, arguments) in [
            ("fail", json!({})),
            ("flood", json!({"kib": MAX_FLOOD_KIB + 1})),
            ("log", json!({"lines": MAX_LOG_LINES + 1})),
        ] {
            let result = call(&client, tool, arguments).await;
            assert_eq!(result.is_error, Some(true), "{tool}");
        }
    }

    #[tokio::test]
    async fn resources_and_prompt_can_be_read() {
        let (client, _server) = connected().await;
        let resources = client.list_all_resources().await.expect("the resources");
        assert_eq!(resources.len(), RESOURCES.len());
        for resource in resources {
            let request = ReadResourceRequestParams::new(resource.uri);
            let read = client.read_resource(request).await.expect("its text");
            assert_eq!(read.contents.len(), 1);
        }
        let absent = ReadResourceRequestParams::new("demo://absent");
        assert!(client.read_resource(absent).await.is_err());

        let request =
            GetPromptRequestParams::new("introduce").with_arguments(object(json!({"name": "Ada"})));
        let prompt = client.get_prompt(request).await.expect("the prompt");
        assert_eq!(prompt.messages.len(), 1);
    }
}
