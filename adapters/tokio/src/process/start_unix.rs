//! Starting a process group.

use std::io;

use farpipe_driver::process::{Parts, ProcessTree, SpawnError};
use tokio::process::{Child, Command};

use super::{LocalParts, compat, taken, widen};

/// Starts the command as the leader of a process group.
///
/// `process-wrap` could do the same, but its wait goes on until every member of the group that has
/// become our child is gone: as PID 1 of a container, an exit would show only after the last
/// descendant's.
pub(super) fn start(mut command: Command) -> Result<(u32, LocalParts), SpawnError> {
    command.process_group(0).kill_on_drop(true);
    let parts = command.spawn().and_then(take_apart);
    parts.map_err(|error| SpawnError::new(command.as_std(), error))
}

fn take_apart(mut child: Child) -> io::Result<(u32, LocalParts)> {
    let id = taken(child.id())?;
    let (stdin, stdout, stderr) =
        compat(child.stdin.take(), child.stdout.take(), child.stderr.take())?;
    let wait = Box::pin(async move { child.wait().await });
    Ok((id, Parts { stdin, stdout, stderr, widen, wait, tree: ProcessTree::of_leader(id) }))
}
