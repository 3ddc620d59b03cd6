//! Decodes arbitrary bytes as a Burn record. Decoding must not panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = lenet::format::mpk::decode(bytes);
});
