//! A session and its pump in a world that the test moves by hand.

mod ends;
mod leftover;
mod pump;
mod support;
