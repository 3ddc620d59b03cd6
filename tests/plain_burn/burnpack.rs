//! Burnpack files: burn-store and this crate read each other's files, and contradictory ones are rejected.

use std::path::Path;

use burn::tensor::Bytes;
use burn_store::{BurnpackStore, ModuleSnapshot};
use lenet::format::{self, Format, bpk};
use lenet::model::Weights;

use super::burn_record::{Plain, some_weights, values};

/// A program on Burn 0.22 wrote this file.
const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/model.bpk");

#[test]
fn burnpack_files_are_read() {
    let file = format::read(Path::new(MODEL)).unwrap();
    assert_eq!(file.notes, [""; 0]);
    let bytes = format::encode(Format::Bpk, &file).unwrap();
    assert_eq!(format::encode(Format::Bpk, &file).unwrap(), bytes);
    assert_eq!(format::decode(Path::new("m"), &bytes).unwrap(), file);
}

#[test]
fn burn_store_reads_lenet_files() {
    let weights = Weights::initial(2, 1.0);
    let bytes = format::encode(Format::Bpk, &weights.clone().into()).unwrap();
    let mut store = BurnpackStore::from_bytes(Some(Bytes::from_bytes_vec(bytes)));
    let mut plain = Plain::init(&Default::default());
    let result = plain.load_from(&mut store).unwrap();
    assert!(result.is_success() && result.unused.is_empty(), "{result:?}");
    assert_eq!(values(&plain.fc1.weight.val()), weights.tensor(4));
}

/// burn-store 0.21 reads beyond the heap when it loads the first two of these files.
#[test]
fn contradictory_burnpack_files_are_rejected() {
    let bytes = format::encode(Format::Bpk, &some_weights().into()).unwrap();
    let replaced = |from: &[u8], to: &[u8]| {
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        [&bytes[..at], to, &bytes[at + from.len()..]].concat()
    };
    let message = |bytes: &[u8]| bpk::decode(bytes).unwrap_err().to_string();
    let text = message(&replaced(b"cF32eshape\x81\x06", b"cF64eshape\x81\x06"));
    assert_eq!(text, "conv1.bias: expected size 6 values of 8 bytes, found 24 bytes");
    let text = message(&replaced(b"\x82\x19\x03\x00\x19\x03\x18", b"\x82\x19\x03\x00\x19\x03\x04"));
    assert_eq!(text, "conv1.bias: expected size 6 values of 4 bytes, found 4 bytes");
    let text = message(&replaced(b"\x82\x19\x03\x00\x19\x03\x18", b"\x82\x19\x03\x18\x19\x03\x00"));
    assert!(text.contains("end offset"), "{text}");
    let text = message(&[&bytes[..], &[0; 256]].concat());
    assert_eq!(text, "tensors overlap, or bytes follow the last one");
    let text = message(&bytes[..bytes.len() - 1]);
    assert!(text.contains("out of bounds"), "{text}");
    // The bytes of conv1.bias are also those of conv1.weight.
    let text = message(&replaced(b"\x82\x19\x03\x00\x19\x03\x18", b"\x82\x19\x00\x00\x19\x00\x18"));
    assert_eq!(text, "tensors overlap, or bytes follow the last one");
    // The metadata has conv1.bias twice.
    let at = |name: &[u8]| bytes.windows(name.len()).position(|window| window == name).unwrap();
    let start = at(b"jconv1.bias");
    let others = [at(b"lconv1.weight"), at(b"lconv2.weight"), at(b"jconv2.bias")];
    let end = others.into_iter().filter(|other| *other > start).min().unwrap();
    let entry = &bytes[start..end];
    let length = u32::from_le_bytes(bytes[6..10].try_into().unwrap()) as usize;
    let mut twice = replaced(b"gtensors\xaa", &[b"gtensors\xab", entry].concat());
    twice.truncate(10 + length + entry.len());
    twice[6..10].copy_from_slice(&((length + entry.len()) as u32).to_le_bytes());
    twice.resize(twice.len().next_multiple_of(256), 0);
    twice.extend(&bytes[(10 + length).next_multiple_of(256)..]);
    let text = message(&twice);
    assert_eq!(text, "not a valid Burnpack file: \"conv1.bias\" occurs twice");
}
