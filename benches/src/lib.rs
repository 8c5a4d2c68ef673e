//! Inputs, yardsticks and the report of the benchmarks.

pub mod input;
pub mod measured;
pub mod naive;
pub mod table;
