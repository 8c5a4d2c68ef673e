//! Why a process could not be started.

use std::{io, path::PathBuf, process::Command};

use farpipe_core::InvalidLimits;

/// Only programs are found by their bare name there.
const SCRIPTS: &str =
    if cfg!(windows) { "; a script needs its extension, as in `npx.cmd`" } else { "" };

/// Why a process could not be started, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// There is no such program.
    #[error(
        "cannot start `{program}`: not found; check that `{program}` is installed and on PATH{SCRIPTS}"
    )]
    NotFound {
        /// The program as it was asked for.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The directory to start it in is not there.
    #[error("cannot start `{program}`: its working directory {} is not a directory", directory.display())]
    NoDirectory {
        /// The program as it was asked for.
        program: String,
        /// The directory as it was asked for.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The program may not be run.
    #[error("cannot start `{program}`: permission denied; check that it is an executable file")]
    PermissionDenied {
        /// The program as it was asked for.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused for another reason.
    #[error("cannot start `{program}`: {source}")]
    Other {
        /// The program as it was asked for.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// There is no runtime in this thread to wait for the process. The caller's mistake.
    #[error("cannot start `{program}` outside an async runtime; call this from one of its tasks")]
    NoRuntime {
        /// The program as it was asked for.
        program: String,
    },
    /// The limits would keep the session from moving. The caller's mistake.
    #[error(transparent)]
    Limits(#[from] InvalidLimits),
}

impl SpawnError {
    /// Explains why `command` failed to start with `source`.
    ///
    /// ```
    /// use std::process::Command;
    /// use farpipe_driver::process::SpawnError;
    ///
    /// let mut command = Command::new("no-such-mcp-server");
    /// let refusal = command.spawn().unwrap_err();
    /// let error = SpawnError::new(&command, refusal);
    /// assert!(matches!(error, SpawnError::NotFound { .. }));
    /// assert!(error.to_string().contains("`no-such-mcp-server` is installed and on PATH"));
    /// ```
    pub fn new(command: &Command, source: io::Error) -> Self {
        let program = Self::program(command);
        // Before everything else: a missing directory shows as a missing program.
        if let Some(directory) = command.get_current_dir().filter(|path| !path.is_dir()) {
            return Self::NoDirectory { program, directory: directory.to_owned(), source };
        }
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { program, source },
            io::ErrorKind::PermissionDenied => Self::PermissionDenied { program, source },
            _ => Self::Other { program, source },
        }
    }

    /// Says that `command` was started where no runtime is.
    pub fn no_runtime(command: &Command) -> Self {
        Self::NoRuntime { program: Self::program(command) }
    }

    fn program(command: &Command) -> String {
        command.get_program().to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explain(command: &Command, kind: io::ErrorKind) -> SpawnError {
        SpawnError::new(command, kind.into())
    }

    #[test]
    fn a_missing_directory_is_not_taken_for_a_missing_program() {
        let mut command = Command::new("cat");
        command.current_dir("/no/such/directory");
        let error = explain(&command, io::ErrorKind::NotFound).to_string();
        assert!(error.contains("`cat`") && error.contains("/no/such/directory"), "{error}");
    }

    #[test]
    fn every_error_names_the_program() {
        let command = Command::new("server");
        for kind in
            [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied, io::ErrorKind::OutOfMemory]
        {
            let error = explain(&command, kind).to_string();
            assert!(error.contains("`server`"), "{error}");
        }
        assert!(SpawnError::no_runtime(&command).to_string().contains("`server`"));
    }
}
