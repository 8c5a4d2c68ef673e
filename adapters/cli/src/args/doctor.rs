//! The options of `doctor`.

use super::TokenSource;

/// Check an exec-server: can it be reached and used, how far away is it, what does it keep?
///
/// Starts `seq` there for a moment, to see how much of its output the server keeps for a lost link.
#[derive(Debug, clap::Args)]
#[command(after_long_help = OUTPUT)]
pub(crate) struct Doctor {
    /// The URL of the exec-server, ws:// or wss://.
    #[arg(long, value_name = "URL")]
    pub(crate) executor: String,

    #[command(flatten)]
    pub(crate) token: TokenSource,

    /// Print one JSON object; see below.
    #[arg(long)]
    pub(crate) json: bool,
}

const OUTPUT: &str = "\
Exit status: 0 if no check failed (a warning is no failure), 1 otherwise.

--json prints one object. These members stay as they are; others may be added:
  executor    the URL
  ok          whether no check failed
  checks      for each check, in this order: reachable, access, version, round_trip, retention, replay
    name, status (ok, warn, fail or skipped), message, advice (what to do, or null)
  version     what the server calls its version, or null
  platform    its operating system, or null
  round_trip  {samples, min_ms, median_ms}, or null
  retention   {written_bytes, kept_bytes, kept_events}, or null";
