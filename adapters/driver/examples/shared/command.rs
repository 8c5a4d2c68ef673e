//! Which server an example starts.

use std::{env, process::Command};

/// The command of the command line; without one, a small server that is a shell script.
pub(crate) fn server() -> Command {
    let given: Vec<_> = env::args().skip(1).collect();
    let default = ["sh", "-c", include_str!("server.sh")].map(str::to_owned);
    let words = if given.is_empty() { &default[..] } else { &given };
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}
