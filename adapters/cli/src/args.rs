//! The command line.

mod bridge;
mod doctor;
mod place;

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};

pub(crate) use self::{
    bridge::{Bridge, Record, Run},
    doctor::Doctor,
    place::{Place, TokenSource},
};

/// Use an MCP server that runs somewhere else as if it were local.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(Run),
    Record(Record),
    Inspect(Inspect),
    Doctor(Doctor),
    /// Print the events of a recorded session, one a line.
    Replay(Recorded),
    /// Tell the story of a recorded session: gaps, replays, losses, who waited, why it ended.
    Explain(Recorded),
    /// Run the built-in demo server on stdin and stdout.
    #[command(hide = true)]
    Demo,
}

/// Start an MCP server, show what it offers, and stop it again.
///
/// Exits with 0 if the server answered (and the call, if any, succeeded), and with 1 otherwise.
#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// Call this tool.
    #[arg(long, value_name = "TOOL")]
    pub(crate) call: Option<String>,

    /// The arguments of the call, a JSON object.
    #[arg(long, value_name = "JSON", requires = "call")]
    pub(crate) args: Option<String>,

    /// Print one JSON object: server, tools, resources, prompts, call, stderr, stats, end.
    #[arg(long)]
    pub(crate) json: bool,

    /// Record the session into this file, for `farpipe replay` and `farpipe explain`.
    ///
    /// It will hold every message as it is, with whatever is secret in it.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,

    /// How long the handshake, and then every single request, may take, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) timeout: Duration,

    #[command(flatten)]
    pub(crate) place: Place,

    /// The server's command; without it, a small demo server that is built in.
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// A recorded session.
#[derive(Debug, clap::Args)]
pub(crate) struct Recorded {
    /// What `--record` has written.
    pub(crate) file: PathBuf,

    /// Show what is whole of a recording that is damaged or cut off.
    #[arg(long)]
    pub(crate) until_damage: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_servers_own_options_are_left_to_it() {
        let args = ["farpipe", "inspect", "--json", "--", "server", "--json", "-x"];
        let Command::Inspect(inspect) = Args::try_parse_from(args).unwrap().command else {
            panic!()
        };
        assert!(inspect.json);
        assert_eq!(inspect.command, ["server", "--json", "-x"]);
    }

    #[test]
    fn arguments_need_a_call() {
        assert!(Args::try_parse_from(["farpipe", "inspect", "--args", "{}"]).is_err());
    }
}
