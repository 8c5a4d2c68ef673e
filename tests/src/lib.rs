//! What the tests of farpipe as a whole share. The tests themselves are in `tests/tests`.

pub mod exec_server;
pub mod life;
pub mod orchestrator;
pub mod peers;
pub mod session;
