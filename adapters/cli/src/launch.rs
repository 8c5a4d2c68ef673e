//! Starting a command, here or far away.

use std::{
    env,
    ffi::OsString,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use farpipe_driver::Executor;
use farpipe_exec_server::{
    AttachError, ConnectError, ExecServer, Options, ProcessSpec, RemoteProcess, StartError, Ticket,
    Token,
};
use farpipe_tokio::{LocalProcess, SpawnError, TokioRuntime};
use tokio::process::Command;

use crate::args::{Place, TokenSource};

/// The variable that holds a token.
const TOKEN: &str = "FARPIPE_TOKEN";

/// Our own failures, as `env`, `nohup` and container tools report theirs.
pub(crate) const FAILED: u8 = 125;

/// Why a command does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    #[error("{url}: {source}")]
    Connect { url: String, source: ConnectError },
    #[error(transparent)]
    Start(StartError),
    #[error(
        "cannot start `{program}` behind the exec-server: {message}; check that it is installed there and on the far PATH{}",
        directory.as_deref().map_or_else(String::new, |directory| format!(", and that {directory} is a directory there"))
    )]
    SpawnFar { program: String, directory: Option<String>, message: String },
    #[error(transparent)]
    Attach(#[from] AttachError),
    #[error("--cwd {given}: {why}")]
    Cwd { given: String, why: &'static str },
    #[error("the value of {name} (--env) is not Unicode, and cannot be sent to an exec-server")]
    Env { name: String },
    #[error("the token file {} cannot be read: {source}", path.display())]
    TokenFile { path: PathBuf, source: io::Error },
    #[error("{TOKEN} is not Unicode")]
    TokenVariable,
    #[error("stopped by signal {0}")]
    Signalled(i32),
}

impl LaunchError {
    /// Whether the command that another farpipe has started is gone for good.
    pub(crate) const fn is_end_of_command(&self) -> bool {
        matches!(self, Self::Connect { source: ConnectError::SessionUnknown(_), .. })
    }

    /// What the shell and its tools say in such a case.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Spawn(SpawnError::NotFound { .. }) => 127,
            Self::Spawn(_) | Self::SpawnFar { .. } => 126,
            Self::Cwd { .. }
            | Self::Env { .. }
            | Self::TokenFile { .. }
            | Self::TokenVariable
            | Self::Connect { source: ConnectError::Url(_) | ConnectError::Token, .. }
            | Self::Start(StartError::NotUnicode { .. } | StartError::Cwd { .. }) => 2,
            Self::Signalled(signal) => signal_status(*signal),
            _ => FAILED,
        }
    }
}

/// What a shell makes of an end by a signal.
pub(crate) fn signal_status(signal: i32) -> u8 {
    u8::try_from(signal.saturating_add(128)).unwrap_or(FAILED)
}

/// Starts a command where it is wanted.
pub(crate) async fn start(
    place: &Place,
    command: &[OsString],
) -> Result<Box<dyn Executor>, LaunchError> {
    let Some(url) = &place.executor else { return Ok(Box::new(start_here(place, command)?)) };
    Ok(Box::new(start_far(url, place, command, options(&place.token)?).await?))
}

/// Starts a command behind an exec-server.
pub(crate) async fn start_far(
    url: &str,
    place: &Place,
    command: &[OsString],
    options: Options,
) -> Result<RemoteProcess, LaunchError> {
    let spec = spec(place, command)?;
    let started = connect(url, options).await?.start(&spec).await;
    started.map_err(|error| not_started(error, place, command))
}

fn not_started(error: StartError, place: &Place, command: &[OsString]) -> LaunchError {
    let StartError::Spawn { message } = error else { return LaunchError::Start(error) };
    let program = command.first().map(|program| program.to_string_lossy().into_owned());
    let (program, directory) = (program.unwrap_or_default(), place.cwd.clone());
    LaunchError::SpawnFar { program, directory, message }
}

/// Takes over a command that another farpipe has started.
pub(crate) async fn take_over(
    url: &str,
    options: Options,
    ticket: &Ticket,
) -> Result<RemoteProcess, LaunchError> {
    let resumed = ExecServer::resume(url, options, ticket, &TokioRuntime::current()).await;
    let server = resumed.map_err(|source| LaunchError::Connect { url: url.into(), source })?;
    Ok(server.attach(ticket)?)
}

/// Opens a session with an exec-server.
pub(crate) async fn connect(url: &str, options: Options) -> Result<ExecServer, LaunchError> {
    let connected = ExecServer::connect(url, options, &TokioRuntime::current()).await;
    connected.map_err(|source| LaunchError::Connect { url: url.into(), source })
}

/// The options of a connection, with the token.
pub(crate) fn options(token: &TokenSource) -> Result<Options, LaunchError> {
    let options = Options::default();
    if let Some(path) = &token.token_file {
        return Ok(options.token(token_file(path)?));
    }
    Ok(match token_variable()? {
        Some(token) => options.token(token),
        None => options,
    })
}

/// A signed token expires: whoever renews the file need not start us again.
fn token_file(path: &Path) -> Result<Token, LaunchError> {
    let first = read_token(path)
        .map_err(|source| LaunchError::TokenFile { path: path.to_owned(), source })?;
    if !path.is_file() {
        // A pipe, as of `<(command)`, is read only once.
        return Ok(first.into());
    }
    let (path, newest) = (path.to_owned(), Mutex::new(first));
    Ok(Token::from_fn(move || {
        let mut newest = newest.lock().unwrap_or_else(PoisonError::into_inner);
        // While it is being replaced it may be missing, or empty.
        if let Ok(token) = read_token(&path) {
            *newest = token;
        }
        newest.clone()
    }))
}

fn read_token(path: &Path) -> io::Result<String> {
    let text = fs::read_to_string(path)?;
    match text.trim() {
        "" => Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty")),
        token => Ok(token.to_owned()),
    }
}

fn token_variable() -> Result<Option<String>, LaunchError> {
    let Some(token) = env::var_os(TOKEN).filter(|token| !token.is_empty()) else { return Ok(None) };
    let token = token.into_string().map_err(|_| LaunchError::TokenVariable)?;
    Ok(Some(token.trim().to_owned()))
}

fn start_here(place: &Place, command: &[OsString]) -> Result<LocalProcess, LaunchError> {
    let (program, args) = command
        .split_first()
        .map_or_else(Default::default, |(program, args)| (program.clone(), args));
    let mut command = Command::new(program);
    command.args(args).envs(place.env.iter().map(|(name, value)| (name, value)));
    if let Some(cwd) = &place.cwd {
        command.current_dir(local_path(cwd)?);
    }
    Ok(LocalProcess::spawn(command)?)
}

/// What is asked of an exec-server.
pub(crate) fn spec(place: &Place, command: &[OsString]) -> Result<ProcessSpec, LaunchError> {
    let mut words = command.iter();
    let mut spec = ProcessSpec::new(words.next().cloned().unwrap_or_default()).args(words);
    if let Some(cwd) = &place.cwd {
        spec = spec.cwd(uri(cwd)?);
    }
    if let Some(inherit) = place.inherit {
        spec = spec.inherit(inherit.into());
    }
    for (name, value) in &place.env {
        let value = value.to_str().ok_or_else(|| LaunchError::Env { name: name.clone() })?;
        spec = spec.env(name, value);
    }
    Ok(spec)
}

/// A path of a Unix system as a URI; a URI as it is.
fn uri(cwd: &str) -> Result<String, LaunchError> {
    if cwd.starts_with("file:") {
        return Ok(cwd.to_owned());
    }
    if !cwd.starts_with('/') {
        let why = "behind an exec-server it is an absolute path or a URI such as file:///srv/work";
        return Err(LaunchError::Cwd { given: cwd.into(), why });
    }
    let mut uri = "file://".to_owned();
    for byte in cwd.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            _ => drop(write!(uri, "%{byte:02X}")),
        }
    }
    Ok(uri)
}

/// A path, also of a URI that needs no decoding.
fn local_path(cwd: &str) -> Result<&Path, LaunchError> {
    let Some(rest) = cwd.strip_prefix("file:") else { return Ok(Path::new(cwd)) };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if !path.starts_with('/') || path.contains('%') {
        let why = "on this machine, give it as a path";
        return Err(LaunchError::Cwd { given: cwd.into(), why });
    }
    Ok(Path::new(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_directory_is_a_uri() {
        assert_eq!(uri("file:///a%20b").unwrap(), "file:///a%20b");
        assert_eq!(uri("/srv/a b/ü").unwrap(), "file:///srv/a%20b/%C3%BC");
        assert!(uri("srv").unwrap_err().to_string().contains("file:///srv/work"));
    }

    #[test]
    fn a_local_directory_may_be_a_uri() {
        assert_eq!(local_path("a b").unwrap(), Path::new("a b"));
        assert_eq!(local_path("file:///srv/work").unwrap(), Path::new("/srv/work"));
        assert!(local_path("file:///a%20b").is_err());
        assert!(local_path("file://host/a").is_err());
    }
}
