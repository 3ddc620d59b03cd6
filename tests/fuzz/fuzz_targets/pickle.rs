//! Decodes arbitrary bytes as the pickle of a PyTorch file with a storage. Decoding must not panic.
#![no_main]

#[path = "../../common/zip.rs"]
mod zip;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = lenet::format::torch::decode(&zip::zipped(&[("m/data.pkl", bytes), ("m/data/0", &[0; 24])]));
});
