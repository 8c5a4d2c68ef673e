//! Sessions with shell scripts on tokio.

use farpipe_driver::Handle;
use farpipe_tests::session::{Lines, patient, sh};

pub(crate) fn spawn(script: &str) -> Handle<Lines> {
    farpipe_tokio::spawn_with(Lines, patient(), sh(script)).unwrap()
}
