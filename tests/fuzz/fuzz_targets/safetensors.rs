//! Any bytes as a safetensors file: read or refused, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = lenet::format::safetensors::decode(bytes);
});
