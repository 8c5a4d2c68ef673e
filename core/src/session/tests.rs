//! The session against the stories that real users told.

mod calls;
mod catching_up;
mod checkpoint;
mod counters;
mod harness;
mod life;
mod order;
mod replay;
mod room;
mod stdin;
mod streams;
mod whole;
