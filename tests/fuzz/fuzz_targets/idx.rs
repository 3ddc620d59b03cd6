//! Decodes arbitrary bytes as an IDX file, plain or compressed. Decoding must not panic.
#![no_main]

use lenet::data::gzip::Decoded;
use lenet::data::idx::{read_images, read_labels};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let decoded = || Decoded::new(bytes, bytes.len() as u64);
    let _ = decoded().and_then(read_images);
    let _ = decoded().and_then(read_labels);
});
