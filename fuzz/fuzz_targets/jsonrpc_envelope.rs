//! See [`farpipe_fuzz::jsonrpc_envelope`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| farpipe_fuzz::jsonrpc_envelope(data));
