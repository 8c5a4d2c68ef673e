//! See [`farpipe_fuzz::rmcp_decode`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| farpipe_fuzz::rmcp_decode(data));
