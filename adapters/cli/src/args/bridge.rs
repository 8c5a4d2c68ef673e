//! The options of `run` and `record`.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::value_parser;

use super::{Place, seconds};

/// Run a command here or far away, with its stdin, stdout and stderr as this program's own.
///
/// Every JSON-RPC message is passed on as it is, byte for byte, both ways. A link that is lost and
/// comes back is not noticed. A call whose answer is lost, damaged, too long, or cannot come any more
/// is answered with a JSON-RPC error that says why; no message is ever sent twice.
///
/// Lines of the command's stdout that are no JSON-RPC go to stderr, marked `[farpipe] stdout: `.
#[derive(Debug, clap::Args)]
#[command(after_long_help = RULES)]
pub(crate) struct Run {
    /// Record the session into this file, for `farpipe replay` and `farpipe explain`.
    ///
    /// It will hold every message as it is, with whatever is secret in it.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,

    /// Keep in this file what it takes to go on with the command; see below.
    #[arg(long, value_name = "FILE", requires = "executor", conflicts_with_all = ["record", "respawn"])]
    pub(crate) state: Option<PathBuf>,

    /// Start the command again when it dies, up to N times in all, and repeat the client's handshake.
    ///
    /// The calls that it had not answered fail: they are not repeated.
    #[arg(long, value_name = "N", default_value = "0", conflicts_with = "record")]
    pub(crate) respawn: u32,

    #[command(flatten)]
    pub(crate) bridge: Bridge,
}

/// `farpipe run`, with everything recorded for `farpipe replay` and `farpipe explain`.
///
/// The recording will hold every message as it is, with whatever is secret in it.
#[derive(Debug, clap::Args)]
#[command(after_long_help = RULES)]
pub(crate) struct Record {
    /// Where the recording goes.
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) bridge: Bridge,
}

/// How a command is bridged.
#[derive(Debug, clap::Args)]
pub(crate) struct Bridge {
    /// How long the answers to what was sent may take after our stdin has ended, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub(crate) drain_timeout: Duration,

    /// How long a message may be, either way, in MiB.
    ///
    /// So much may be kept of one message from the command, and twice that of those for it.
    #[arg(long, value_name = "MIB", default_value = "16", value_parser = value_parser!(u16).range(1..))]
    pub(crate) max_message: u16,

    #[command(flatten)]
    pub(crate) place: Place,

    /// The command.
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

const RULES: &str = "\
The end:
  When our stdin ends, the answers to all calls are awaited (--drain-timeout). Then the command is
  ended: its stdin is closed, after 1 s it is asked to stop, 2 s later it is killed. An exec-server
  cannot close stdin, so there the command is asked to stop at once, after 250 ms without output.
  SIGTERM, SIGINT and SIGHUP end the command the same way, within 2 s; a second one kills it.
  Under nohup, SIGHUP is left alone (on Linux).
  When nobody reads our stdout any more, the command is ended as well.

Exit status:
  the command's own; 128+N if it was ended by signal N, or if that came before it was started
    0  also where the end by SIGINT stands for that of a far command's stdin
    2  the arguments are wrong
  125  farpipe failed: no exec-server, access refused, the link or the session lost for good,
       also in place of 0 where the command had ended well but not all of its output came
  126  the command cannot be started
  127  the command is not there (on this machine)

Environment:
  FARPIPE_TOKEN  the token for the exec-server, where there is no --token-file
  RUST_LOG       what is logged to stderr besides, as in `farpipe=debug`; never a message

Limits:
  A message may have 16 MiB (--max-message). A longer one is not passed on: its call is answered with
  an error. While the client does not read, the command is made to wait; while the command does not read, the client
  is. A client that does not read our stderr for a second loses lines of it, which is told there.

--state FILE (with --executor):
  A new `farpipe run --state FILE` with the same URL and command goes on where a killed one stopped,
  for as long as the exec-server keeps the session (80 s, and 1 MiB of output). The file is replaced
  as a whole before anything is written to the command, and after anything was written to our stdout.
  So no message reaches the command twice, and no output is skipped; what our stdout got after the
  last save, up to 256 KiB, may come a second time. A message that was read from our stdin less than
  one save ago may be lost: its call then has no answer. The client has to go on as well: it must not
  greet the command again. The file holds messages as they are, and
  whoever has it and the token can take the command over. It is removed at the end. It outlives the
  death of this program, not that of the machine. One run at a time uses it: FILE.lock is locked.";
