//! Any bytes as a Burn record: read or refused, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = lenet::format::mpk::decode(bytes);
});
