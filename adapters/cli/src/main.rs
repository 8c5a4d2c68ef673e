//! `farpipe`: use an MCP server that runs somewhere else as if it were local.

#![forbid(unsafe_code)]

mod args;
mod demo;
mod doctor;
mod inspect;
mod launch;
mod private;
mod raw;
mod recording;
mod run;
mod tell;

use std::{io, process::ExitCode, time::Duration};

use clap::Parser as _;
use tokio::{
    runtime::{Handle, Runtime},
    time::{sleep, timeout},
};
use tracing_subscriber::EnvFilter;

use args::{Args, Command};

/// How long we stay for what an exec-server is still to be told: that a command is to be ended.
const FAREWELL: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let args = Args::parse();
    log_to_stderr();
    let result = Runtime::new().map_err(anyhow::Error::from).and_then(|runtime| {
        let result = runtime.block_on(run(args.command));
        runtime.block_on(take_leave());
        // A blocked read of our own stdin must not keep the program from ending.
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(code) => code,
        Err(error) => {
            tell::failure(tell::whole(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(args) => Ok(run::run(args).await),
        Command::Record(args) => Ok(run::record(args).await),
        Command::Doctor(args) => doctor::run(&args).await,
        Command::Inspect(args) => run::heed_signals(Box::pin(inspect::run(args))).await,
        Command::Replay(args) => recording::replay(&args),
        Command::Explain(args) => recording::explain(&args),
        Command::Demo => demo::serve().await.map(|()| ExitCode::SUCCESS),
    }
}

/// A connection is a task that ends once nothing is left to say on it.
async fn take_leave() {
    let metrics = Handle::current().metrics();
    let silence = async {
        while metrics.num_alive_tasks() > 0 {
            sleep(Duration::from_millis(2)).await;
        }
    };
    // Who does not answer is not waited for: the server ends what nobody comes back for.
    let _ = timeout(FAREWELL, silence).await;
}

/// What the transport logs on its own: that a recording breaks off.
const LOGGED: &str = "farpipe_driver=error";

/// `RUST_LOG` shows more of what it logs; by default the command itself tells what matters.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOGGED));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}
