//! See [`farpipe_fuzz::stream`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| farpipe_fuzz::stream(data));
