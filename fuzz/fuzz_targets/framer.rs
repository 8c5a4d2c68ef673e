//! See [`farpipe_fuzz::framer`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| farpipe_fuzz::framer(data));
