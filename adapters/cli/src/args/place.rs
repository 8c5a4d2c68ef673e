//! Where a command runs, and in which environment.

use std::{env, ffi::OsString, path::PathBuf};

use clap::ValueEnum;
use farpipe_exec_server::Inherit;

/// Where the command runs, and in which environment.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Where the command runs")]
pub(crate) struct Place {
    /// Run the command behind the exec-server at this URL, ws:// or wss://, instead of here.
    ///
    /// Nothing of this machine goes along: the program is looked up in the far PATH.
    #[arg(long, value_name = "URL")]
    pub(crate) executor: Option<String>,

    /// The command's working directory: a path, or a file: URI.
    ///
    /// Default: where this program runs, or where the exec-server does.
    #[arg(long, value_name = "URI")]
    pub(crate) cwd: Option<String>,

    /// Set a variable in the command's environment; without a value, the one that it has here.
    ///
    /// Can be given several times. `NAME` alone keeps a secret out of the list of processes.
    #[arg(long, value_name = "NAME[=VALUE]", value_parser = variable)]
    pub(crate) env: Vec<(String, OsString)>,

    /// Which variables of the exec-server's own environment the command gets [default: core].
    ///
    /// Even with `all` the server holds back those whose names look like secrets.
    #[arg(long, value_enum, requires = "executor", hide_default_value = true)]
    pub(crate) inherit: Option<Inherited>,

    #[command(flatten)]
    pub(crate) token: TokenSource,
}

/// Where the token for an exec-server is found.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct TokenSource {
    /// A file with the token for the exec-server. Without it, `FARPIPE_TOKEN` is used if it is set.
    ///
    /// Sent as `Authorization: Bearer`. Whitespace around it does not count. The file is read again
    /// whenever a lost link is restored.
    #[arg(long, value_name = "FILE", requires = "executor")]
    pub(crate) token_file: Option<PathBuf>,
}

/// What is inherited from the exec-server's environment.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Inherited {
    /// What programs need to run at all: PATH, HOME and the like.
    Core,
    /// Everything.
    All,
    /// Nothing.
    None,
}

impl From<Inherited> for Inherit {
    fn from(inherited: Inherited) -> Self {
        match inherited {
            Inherited::Core => Self::Core,
            Inherited::All => Self::All,
            Inherited::None => Self::None,
        }
    }
}

fn variable(text: &str) -> Result<(String, OsString), String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, value.into()),
        None => (
            text,
            env::var_os(text)
                .ok_or_else(|| format!("{text} is not set here; give {text}=VALUE"))?,
        ),
    };
    if name.is_empty() {
        return Err("a variable needs a name before the `=`".into());
    }
    Ok((name.into(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_without_a_value_is_the_one_of_here() {
        assert_eq!(variable("A=b=c"), Ok(("A".into(), "b=c".into())));
        assert_eq!(variable("A="), Ok(("A".into(), OsString::new())));
        let path = env::var_os("PATH").unwrap();
        assert_eq!(variable("PATH"), Ok(("PATH".into(), path)));
        assert!(variable("FARPIPE_IS_NOT_SET").unwrap_err().contains("FARPIPE_IS_NOT_SET=VALUE"));
        assert!(variable("=b").is_err());
    }
}
