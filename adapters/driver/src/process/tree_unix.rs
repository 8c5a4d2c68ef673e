//! Signals to a process group.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process_group, test_kill_process_group},
};

use crate::Terminator;

/// A process and its descendants, as far as they can be signalled together: a process group.
///
/// A number is never signalled once it may belong to somebody else. While the leader has not been
/// waited for, the system keeps its number. Afterwards it keeps it as long as the group has
/// members, which [`leader_reaped`](Self::leader_reaped) checks; and the group is killed once at
/// most, because a member can neither survive that nor fork past it.
///
/// Clones stand for the same tree. No method blocks, and none needs a runtime.
///
/// ```
/// # #[cfg(unix)] {
/// use std::{os::unix::process::CommandExt, process::{Command, Stdio}};
/// use farpipe_driver::process::ProcessTree;
///
/// let mut child = Command::new("cat").stdin(Stdio::piped()).process_group(0).spawn()?;
/// let tree = ProcessTree::of_leader(child.id());
/// tree.kill();
/// assert!(!child.wait()?.success());
/// # }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ProcessTree {
    // Held across the system call, so that nobody retires the number between check and signal.
    group: Arc<Mutex<Option<Pid>>>,
}

impl ProcessTree {
    /// The group that the process `pid` was started as the leader of.
    pub fn of_leader(pid: u32) -> Self {
        Self { group: Arc::new(Mutex::new(group_of(pid))) }
    }

    /// Asks every process of the tree to stop, with SIGTERM.
    pub fn interrupt(&self) {
        signal(&mut self.lock(), |pid| kill_process_group(pid, Signal::TERM));
    }

    /// Ends every process of the tree at once, with SIGKILL. Nothing is signalled any more
    /// afterwards.
    pub fn kill(&self) {
        let mut group = self.lock();
        signal(&mut group, |pid| kill_process_group(pid, Signal::KILL));
        *group = None;
    }

    /// To be called as soon as the leader has been waited for: its number is free unless the
    /// group has other members.
    pub fn leader_reaped(&self) {
        signal(&mut self.lock(), test_kill_process_group);
    }

    /// A handle that [kills](Self::kill) the tree.
    pub fn terminator(&self) -> Terminator {
        let tree = self.clone();
        Terminator::new(move || tree.kill())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Pid>> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn signal(group: &mut Option<Pid>, send: impl FnOnce(Pid) -> Result<(), Errno>) {
    let Some(pid) = *group else { return };
    match send(pid) {
        Err(Errno::SRCH) => *group = None,
        Err(error) => tracing::debug!(%error, "the process group could not be signalled"),
        Ok(()) => {}
    }
}

/// Signalling group 0 would hit ourselves, and group 1 every process there is.
fn group_of(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().filter(|&pid| pid > 1).and_then(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        os::unix::process::{CommandExt, ExitStatusExt},
        process::{Child, ChildStdout, Command, Stdio},
        sync::mpsc,
        thread,
        time::Duration,
    };

    use super::*;

    fn start(script: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]).process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.spawn().unwrap()
    }

    fn wait_for_end_of(mut pipe: ChildStdout) {
        let (ended, end) = mpsc::channel();
        thread::spawn(move || ended.send(io::copy(&mut pipe, &mut io::sink())));
        end.recv_timeout(Duration::from_secs(20)).expect("somebody still holds the pipe").unwrap();
    }

    fn is_retired(tree: &ProcessTree) -> bool {
        tree.group.lock().unwrap().is_none()
    }

    #[test]
    fn numbers_that_mean_everybody_are_never_signalled() {
        for pid in [0, 1, u32::MAX, i32::MAX as u32 + 1] {
            assert_eq!(group_of(pid), None, "{pid}");
        }
        assert!(group_of(2).is_some());
    }

    #[test]
    fn interrupt_and_kill_send_their_signals() {
        let mut child = start("exec cat");
        ProcessTree::of_leader(child.id()).interrupt();
        assert_eq!(child.wait().unwrap().signal(), Some(15));

        let mut child = start("exec cat");
        ProcessTree::of_leader(child.id()).kill();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
    }

    #[test]
    fn a_killed_tree_is_never_signalled_again() {
        let mut child = start("exec cat");
        let tree = ProcessTree::of_leader(child.id());
        tree.kill();
        assert!(is_retired(&tree));
        tree.kill();
        tree.interrupt();
        child.wait().unwrap();
    }

    #[test]
    fn an_empty_group_is_retired_when_its_leader_is_reaped() {
        let mut child = start("exit 0");
        let tree = ProcessTree::of_leader(child.id());
        child.wait().unwrap();
        tree.leader_reaped();
        assert!(is_retired(&tree));
    }

    #[test]
    fn a_group_outlives_its_leader_while_it_has_members() {
        // The descendant holds stdout, so its end shows as the end of the pipe.
        let mut child = start("sleep 600 & exit 0");
        let stdout = child.stdout.take().unwrap();
        let tree = ProcessTree::of_leader(child.id());
        child.wait().unwrap();
        tree.leader_reaped();
        assert!(!is_retired(&tree));
        tree.kill();
        wait_for_end_of(stdout);
    }
}
