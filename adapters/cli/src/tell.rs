//! What we say on our own stdout and stderr. Neither may be there any more.

use std::{
    fmt::Display,
    io::{self, StdoutLock, Write as _},
};

/// Says on stderr what went wrong. If nobody hears it, the exit status still tells.
pub(crate) fn failure(what: impl Display) {
    let _ = writeln!(io::stderr(), "farpipe: {what}");
}

/// Writes to stdout. A reader that has seen enough (`| head`) is no failure.
pub(crate) fn on_stdout(
    write: impl FnOnce(&mut StdoutLock<'static>) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// An error and its causes: some errors say what their cause says, and some leave that to it.
pub(crate) fn whole(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |told, cause| {
        match (told.is_empty(), told.contains(&cause)) {
            (true, _) => cause,
            (false, true) => told,
            (false, false) => format!("{told}: {cause}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow!("refused").context("the server: refused").context("no link");
        assert_eq!(whole(&error), "no link: the server: refused");
    }
}
