//! `farpipe inspect`: start a server, show what it offers, stop it.

mod failure;
mod offer;
mod print;
mod report;
mod watch;

use std::{env, ffi::OsString, fs::File, process::ExitCode, time::Duration};

use anyhow::{Context as _, bail};
use farpipe_rmcp::{FarTransport, Monitor, Options};
use farpipe_tokio::TokioRuntime;
use rmcp::{
    RoleClient, ServiceExt as _,
    model::{
        CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, Implementation,
        JsonObject,
    },
    service::RunningService,
};
use tokio::time::timeout;

use self::{failure::Failure, offer::Offer, report::Report, watch::Watch};
use crate::{args::Inspect, launch};

/// How long the end of a server that has failed is waited for: it is ended at once, and what it
/// said last is all that is missing.
const END_WAIT: Duration = Duration::from_secs(5);

pub(crate) async fn run(args: Inspect) -> anyhow::Result<ExitCode> {
    let arguments = args.args.as_deref().map(parse_arguments).transpose()?;
    let command = command(args.command, args.place.executor.is_some())?;
    let watch = Watch::default();
    let process = launch::start(&args.place, &command).await?;
    let name = command.first().map(|program| program.to_string_lossy().into_owned());
    let mut options = Options::new().name(name.unwrap_or_default()).observe(watch.observer());
    if let Some(path) = &args.record {
        let file = File::create(path)
            .with_context(|| format!("cannot write the recording {}", path.display()))?;
        options = options.record(file);
    }
    let transport = FarTransport::with(options, process, &TokioRuntime::current())?;
    let monitor = transport.monitor();

    let mut report = Report::default();
    let inspection = Inspection { call: args.call, arguments, timeout: args.timeout };
    let outcome = inspection.run(transport, &mut report).await;
    finish(&monitor, outcome, &watch, report, args.json).await
}

/// Shows everything there is to show, and says what went wrong, if anything did.
async fn finish(
    monitor: &Monitor,
    outcome: Result<(), Failure>,
    watch: &Watch,
    mut report: Report,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let end = timeout(END_WAIT, monitor.ended()).await.ok();
    report.finish(watch, monitor.stats(), end.as_ref());
    report.error = outcome.err().map(|failure| failure.explain(&report));
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print::print(&report);
    }
    let Some(error) = &report.error else { return Ok(ExitCode::SUCCESS) };
    eprintln!("farpipe: {error}");
    Ok(ExitCode::FAILURE)
}

fn parse_arguments(text: &str) -> anyhow::Result<JsonObject> {
    serde_json::from_str(text).with_context(|| {
        format!(
            "--args is not a JSON object: {text:?}; write it as --args '{{\"name\": \"value\"}}'"
        )
    })
}

/// The command that starts the server; by default, the demo server that is in this very program.
fn command(given: Vec<OsString>, far: bool) -> anyhow::Result<Vec<OsString>> {
    if !given.is_empty() {
        return Ok(given);
    }
    if far {
        bail!("give the command of a server to run behind --executor, as in `-- my-mcp-server`");
    }
    let program = env::current_exe().context("cannot find this program to run its demo server")?;
    Ok(vec![program.into(), "demo".into()])
}

type Client = RunningService<RoleClient, ClientConfig>;

/// What is asked of the server.
struct Inspection {
    call: Option<String>,
    arguments: Option<JsonObject>,
    timeout: Duration,
}

impl Inspection {
    async fn run(self, transport: FarTransport, report: &mut Report) -> Result<(), Failure> {
        let client = self.shake_hands(transport).await?;
        let outcome = self.ask(&client, report).await;
        // Also after a failure the server is given the chance to end by itself.
        let closed = client.cancel().await;
        outcome?;
        closed.map(drop).map_err(|error| Failure::Close(error.to_string()))
    }

    async fn shake_hands(&self, transport: FarTransport) -> Result<Client, Failure> {
        let identity = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        let config = ClientConfig::new(ClientCapabilities::default(), identity);
        match timeout(self.timeout, config.serve(transport)).await {
            Ok(Ok(client)) => Ok(client),
            Ok(Err(error)) => Err(Failure::Handshake(error.to_string())),
            Err(_) => Err(Failure::HandshakeTimeout(self.timeout)),
        }
    }

    async fn ask(&self, client: &Client, report: &mut Report) -> Result<(), Failure> {
        report.server = client.peer_info().map(|info| (*info).clone());
        let offer = Offer::of(client, self.timeout).await?;
        let call = self.check_call(&offer);
        report.offer(offer);
        if let Some(name) = call? {
            let result = self.call(client, name).await?;
            let failed = result.is_error == Some(true);
            report.call = Some(result);
            if failed {
                return Err(Failure::Call(name.to_owned()));
            }
        }
        Ok(())
    }

    /// A tool that is not offered is not called: the server's own error may be of any kind.
    fn check_call(&self, offer: &Offer) -> Result<Option<&str>, Failure> {
        let Some(name) = self.call.as_deref() else { return Ok(None) };
        let mut names = offer.tools.iter().map(|tool| tool.name.as_ref());
        if names.any(|offered| offered == name) {
            return Ok(Some(name));
        }
        let offered = offer.tools.iter().map(|tool| tool.name.to_string()).collect();
        Err(Failure::UnknownTool { name: name.to_owned(), offered })
    }

    async fn call(&self, client: &Client, name: &str) -> Result<CallToolResult, Failure> {
        let mut params = CallToolRequestParams::new(name.to_owned());
        params.arguments.clone_from(&self.arguments);
        offer::ask("tools/call", self.timeout, client.call_tool(params)).await
    }
}
