//! Names the type of arbitrary bytes, and decodes them as a model of that type. Neither may panic.
#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = lenet::format::decode(Path::new("model"), bytes);
});
