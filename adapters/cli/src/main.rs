//! `farpipe`: use an MCP server that runs somewhere else as if it were local.

#![forbid(unsafe_code)]

mod args;
mod demo;
mod doctor;
mod inspect;
mod launch;
mod raw;
mod recording;
mod run;

use std::{io, process::ExitCode};

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use args::{Args, Command};

fn main() -> ExitCode {
    let args = Args::parse();
    log_to_stderr();
    let runtime = tokio::runtime::Runtime::new();
    let result = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        let result = runtime.block_on(run(args.command));
        // A blocked read of our own stdin must not keep the program from ending.
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("farpipe: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(args) => Ok(run::run(args).await),
        Command::Record(args) => Ok(run::record(args).await),
        Command::Doctor(args) => doctor::run(&args).await,
        Command::Inspect(args) => inspect::run(args).await,
        Command::Replay(args) => recording::replay(&args),
        Command::Explain(args) => recording::explain(&args),
        Command::Demo => demo::serve().await.map(|()| ExitCode::SUCCESS),
    }
}

/// `RUST_LOG` shows what the transport logs; by default the command itself tells what matters.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("off"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
}
