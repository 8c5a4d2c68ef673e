//! stdin is the accepted sends, in order, once.

use farpipe_core::{Delivery, Seq};

use super::super::{Run, facts};
use crate::{Produced, Violation, violation::ensure};

/// Every message is unlike any other, so there is only one way to read stdin.
pub(super) fn check(run: &Run) -> Result<(), Violation> {
    let mut rest = run.executor.stdin();
    let produced = run.executor.produced();
    let all_taken = facts::cursor(&run.session) == produced.len() as Seq;
    let closed = all_taken && produced.last() == Some(&Produced::Closed);
    let mut half = None;
    for (sent, settled) in run.sent.iter().zip(&run.settled) {
        let arrived = rest.strip_prefix(&sent.line[..]);
        match &settled.delivery {
            Delivery::Accepted => {
                ensure!(arrived.is_some(), "{settled:?} has not arrived, or not in its place");
            }
            // The process may have read it and ended before the answer came.
            Delivery::Rejected(_) => {
                ensure!(arrived.is_none() || closed, "{settled:?} has arrived");
            }
            _ => {}
        }
        if arrived.is_none() && !rest.is_empty() && sent.line.starts_with(rest) {
            half = Some(rest.len());
        }
        rest = arrived.unwrap_or(rest);
    }
    ensure!(
        rest.is_empty() || half == Some(rest.len()),
        "stdin has what nobody sent there: {:?}",
        String::from_utf8_lossy(rest)
    );
    Ok(())
}
