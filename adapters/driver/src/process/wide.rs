//! Pipes for processes that write a lot.

use std::io;

/// What the pipe of a process's stdout may hold, in bytes, once the process has filled it.
///
/// Reader and writer of a full pipe take turns, and each turn costs a wake-up. Four times what a pipe
/// holds by default halves the time of large outputs on an idle machine, and more gains no more. Only
/// stdout gets it, and not before a read has found its pipe full: on Linux all pipes of a user share
/// one budget (`/proc/sys/fs/pipe-user-pages-soft`), of which sessions with short messages take none.
#[cfg(target_os = "linux")]
pub const WIDE_PIPE: usize = 256 * 1024;

/// Makes a pipe hold [`WIDE_PIPE`] bytes. The system may refuse it, and nothing is lost by that.
#[cfg(target_os = "linux")]
pub fn widen(pipe: impl std::os::fd::AsFd) -> io::Result<()> {
    rustix::pipe::fcntl_setpipe_size(pipe, WIDE_PIPE)?;
    Ok(())
}

/// Pipes stay as they are: only Linux has a way to change them.
#[cfg(not(target_os = "linux"))]
pub fn widen<P>(_: P) -> io::Result<()> {
    Ok(())
}
