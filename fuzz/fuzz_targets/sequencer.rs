//! See [`farpipe_fuzz::sequencer`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| farpipe_fuzz::sequencer(data));
