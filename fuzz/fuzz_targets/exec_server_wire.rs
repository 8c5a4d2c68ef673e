//! See [`farpipe_fuzz::exec_server_wire`].

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| farpipe_fuzz::exec_server_wire(data));
