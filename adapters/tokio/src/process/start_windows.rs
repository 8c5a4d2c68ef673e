//! Starting a job object.

use std::{
    future::poll_fn,
    io,
    process::ExitStatus,
    task::{Context, Poll},
};

use farpipe_driver::process::{Parts, ProcessTree, SpawnError};
use process_wrap::tokio::{ChildWrapper, CommandWrap, JobObject, KillOnDrop};
use tokio::process::Command;

use super::{LocalParts, compat, taken, widen};

/// Starts the command in a job object, which ends with the last handle to it.
pub(super) fn start(command: Command) -> Result<(u32, LocalParts), SpawnError> {
    let mut command = CommandWrap::from(command);
    let parts = command.wrap(JobObject).wrap(KillOnDrop).spawn().and_then(take_apart);
    parts.map_err(|error| SpawnError::new(command.command().as_std(), error))
}

fn take_apart(mut child: Box<dyn ChildWrapper>) -> io::Result<(u32, LocalParts)> {
    let id = taken(child.id())?;
    let (stdin, stdout, stderr) =
        (child.stdin().take(), child.stdout().take(), child.stderr().take());
    let (stdin, stdout, stderr) = compat(stdin, stdout, stderr)?;
    let tree = ProcessTree::new();
    let wait = Box::pin(wait(child, tree.clone()));
    Ok((id, Parts { stdin, stdout, stderr, widen, wait, tree }))
}

async fn wait(mut child: Box<dyn ChildWrapper>, tree: ProcessTree) -> io::Result<ExitStatus> {
    if let Some(status) = wait_unless_killed(&mut *child, &tree).await {
        return status;
    }
    child.start_kill()?;
    child.wait().await
}

async fn wait_unless_killed(
    child: &mut dyn ChildWrapper,
    tree: &ProcessTree,
) -> Option<io::Result<ExitStatus>> {
    let mut exit = child.wait();
    poll_fn(|cx: &mut Context<'_>| match exit.as_mut().poll(cx) {
        Poll::Ready(status) => Poll::Ready(Some(status)),
        Poll::Pending => tree.poll_killed(cx).map(|()| None),
    })
    .await
}
