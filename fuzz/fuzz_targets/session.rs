//! See [`farpipe_fuzz::session`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| farpipe_fuzz::session(data));
