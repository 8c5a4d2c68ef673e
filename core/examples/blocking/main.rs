//! The core driven by hand: `std::process` and blocking threads, no async at all.
//! `cargo run -p farpipe-core --example blocking -- npx -y @modelcontextprotocol/server-everything`

mod process;

use std::{env, error::Error, ops::ControlFlow, process::Command, time::Instant};

use farpipe_core::{Capabilities, Event, JsonRpc, Kind, Limits, Session, Timestamp};
use serde_json::Value;

use crate::process::Process;

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"blocking","version":"1.0"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
const LIST_TOOLS: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut process = Process::start(&mut command())?;
    // The standard library has no way to ask a process to stop.
    let capabilities = Capabilities { interrupt: false, ..Capabilities::local() };
    let mut session = Session::new(JsonRpc, capabilities, Limits::default())?;
    let origin = Instant::now();
    let now = || Timestamp::from_origin(origin.elapsed());

    session.send(INITIALIZE.into())?;
    loop {
        while let Some(action) = session.poll_action() {
            process.start_action(action)?;
        }
        if let Some(event) = session.poll_event() {
            if application(&mut session, event, now())?.is_break() {
                return Ok(());
            }
            continue;
        }
        // Nothing is left to do before something happens, or time has passed.
        let deadline = session.poll_timeout().map(|timeout| timeout.at.saturating_since(now()));
        let input = process.next_input(deadline)?;
        session.handle(now(), input);
    }
}

/// Shows who the server is and what it offers, then closes it.
fn application(
    session: &mut Session<JsonRpc>,
    event: Event<<JsonRpc as farpipe_core::Decode>::Message>,
    now: Timestamp,
) -> Result<ControlFlow<()>> {
    match event {
        Event::Message(answer) if answer.kind() == Kind::Response => {
            let result: Value = answer.decode_result()?;
            if answer.id() == Some(&1.into()) {
                println!(
                    "{} {}",
                    text(&result, "/serverInfo/name"),
                    text(&result, "/serverInfo/version")
                );
                session.send(INITIALIZED.into())?;
                session.send(LIST_TOOLS.into())?;
            } else {
                for tool in result["tools"].as_array().into_iter().flatten() {
                    println!("  tool {}", text(tool, "/name"));
                }
                session.close(now);
            }
        }
        Event::End(end) => {
            println!("{end}");
            return Ok(ControlFlow::Break(()));
        }
        _ => {}
    }
    Ok(ControlFlow::Continue(()))
}

/// The command of the command line; without one, a small server that is a shell script.
fn command() -> Command {
    let given: Vec<_> = env::args().skip(1).collect();
    let script = include_str!("../../../adapters/driver/examples/shared/server.sh");
    let default = ["sh", "-c", script].map(str::to_owned);
    let words = if given.is_empty() { &default[..] } else { &given };
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("?")
}
