//! Files that are not for other users: they hold messages, with whatever is secret in them.

use std::{
    fs::{File, OpenOptions},
    io,
    path::Path,
};

/// Makes such a file, or empties the one that is there, whose mode stays as it is.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
