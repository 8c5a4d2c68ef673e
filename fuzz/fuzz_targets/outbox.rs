//! See [`farpipe_fuzz::outbox`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| farpipe_fuzz::outbox(data));
