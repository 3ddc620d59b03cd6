//! Any bytes as a PyTorch file: read or refused, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = lenet::format::torch::decode(bytes);
});
