//! See [`farpipe_fuzz::checkpoint`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| farpipe_fuzz::checkpoint(data));
