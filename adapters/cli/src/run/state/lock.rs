//! One farpipe at a time goes on with a command.

use std::{fs::File, path::Path};

use anyhow::{Context as _, bail};
use fs4::{FileExt, TryLockError};

use super::beside;
use crate::private;

/// Keeps others from the state until it is dropped. The system does that for a program that is killed.
///
/// The state itself is replaced again and again, so what is locked is a file beside it. It is not
/// removed at the end: somebody may have just opened it, to lock a file that is not there any more.
pub(in super::super) struct Lock {
    _file: File,
}

impl Lock {
    pub(in super::super) fn take(state: &Path) -> anyhow::Result<Self> {
        let path = beside(state, ".lock");
        let cannot = || format!("the state {} cannot be locked", state.display());
        let file = private::create(&path).with_context(cannot)?;
        // Not `file.try_lock()`: that would be the standard library's, which is newer than our Rust.
        match FileExt::try_lock(&file) {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => bail!(
                "another `farpipe run` is using the state {}; wait for its end, or give another file",
                state.display()
            ),
            Err(TryLockError::Error(error)) => Err(error).with_context(cannot),
        }
    }
}
