//! `farpipe run` and `farpipe record` as a client sees them.
#![cfg(unix)]

mod consumers;
mod endings;
mod far;
mod messages;
mod recordings;
mod state;
mod support;
