//! Decodes arbitrary bytes as a Burnpack file. Decoding must not panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = lenet::format::bpk::decode(bytes);
});
