//! The works, by mechanism.

pub mod decode;
pub mod end_to_end;
pub mod framing;
pub mod outbox;
pub mod sequencing;
pub mod session;

use crate::work::Lazy;

/// All of them, in the order of the data's way.
pub fn all() -> Vec<Lazy> {
    [
        framing::works(),
        sequencing::works(),
        decode::works(),
        outbox::works(),
        session::works(),
        end_to_end::works(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// A size as a name.
pub(crate) fn size(bytes: usize) -> String {
    match bytes {
        MIB.. => format!("{} MiB", bytes / MIB),
        KIB.. => format!("{} KiB", bytes / KIB),
        _ => format!("{bytes} B"),
    }
}
