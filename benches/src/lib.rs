//! Works, who does them, and what it takes them: for criterion and for `compare`. For Unix only.

#![cfg(unix)]

pub mod bench;
pub mod chart;
pub mod clock;
pub mod compare;
pub mod exec_server;
pub mod growth;
pub mod input;
pub mod latency;
pub mod memory;
pub mod naive;
pub mod race;
pub mod row;
pub mod work;
pub mod works;
