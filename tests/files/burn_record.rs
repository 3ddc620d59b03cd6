//! `.mpk` files: a plain Burn 0.21 program and this crate read each other's files, and other content is rejected.

use std::path::Path;

use burn::module::Module;
use burn::record::{FullPrecisionSettings, NamedMpkFileRecorder};
use burn::tensor::{Tensor, TensorData};
use burn_ndarray::NdArray;
use lenet::format::{self, Format, FormatError, mpk};
use lenet::model::{LeNet, TENSORS, Weights};

/// A Burn program that does not use this crate. `docs/models-elsewhere.md` shows it.
#[path = "burn_reader.rs"]
mod reader;

type B = NdArray<f32>;
type Plain = reader::LeNet<B>;
type FileRecorder = NamedMpkFileRecorder<FullPrecisionSettings>;

fn values<const D: usize>(tensor: &Tensor<B, D>) -> Vec<f32> {
    tensor.to_data().into_vec().unwrap()
}

fn some_weights() -> Weights {
    let mut weights = Weights::zeros();
    for (index, value) in weights.values_mut().iter_mut().enumerate() {
        *value = (index % 1000) as f32 - 500.0;
    }
    weights
}

#[test]
fn docs_example_matches_tested_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/models-elsewhere.md");
    let page = std::fs::read_to_string(path).unwrap();
    let block = format!("```rust\n{}```\n", include_str!("burn_reader.rs"));
    assert!(page.contains(&block));
}

#[test]
fn plain_burn_computes_equal_outputs() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.mpk");
    let weights = Weights::initial(1, 1.0);
    format::write(&path, &weights.clone().into()).unwrap();

    let device = Default::default();
    let plain = Plain::load(path, &device).unwrap();
    let pixels = (0..2 * 28 * 28).map(|pixel| (pixel % 256) as f32).collect();
    let images = Tensor::<B, 4>::from_data(TensorData::new(pixels, [2, 1, 28, 28]), &device);
    let expected = LeNet::<B>::from_weights(&weights, &device).forward(images.clone());
    for (output, expected) in values(&plain.forward(images)).iter().zip(values(&expected)) {
        assert!((output - expected).abs() < 1e-6, "{output}, {expected}");
    }
}

#[test]
fn plain_burn_reads_lenet_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.mpk");
    let weights = some_weights();
    format::write(&path, &weights.clone().into()).unwrap();

    let device = Default::default();
    let plain = Plain::load(path, &device).unwrap();
    let [conv1, conv1_bias, .., fc3, fc3_bias] = &format::to_torch(&weights);
    assert_eq!(&values(&plain.conv1.weight.val()), conv1);
    assert_eq!(&values(&plain.conv1.bias.unwrap().val()), conv1_bias);
    assert_eq!(&values(&plain.fc3.weight.val().transpose()), fc3);
    assert_eq!(&values(&plain.fc3.bias.unwrap().val()), fc3_bias);
    // Burn's dense layer computes output o with row o of the weight in PyTorch's layout.
    let mut one_hot = vec![0.0; 256];
    one_hot[3] = 1.0;
    let input = Tensor::<B, 2>::from_data(TensorData::new(one_hot, [1, 256]), &device);
    let output = values(&plain.fc1.forward(input));
    let [.., fc1, fc1_bias, _, _, _, _] = &format::to_torch(&weights);
    for (row, value) in output.iter().enumerate() {
        assert_eq!(*value, fc1[row * 256 + 3] + fc1_bias[row]);
    }
}

#[test]
fn lenet_reads_plain_burn_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("plain.mpk");
    let device = Default::default();
    let plain = Plain::init(&device);
    // Read the weights before saving: Burn draws random weights at first access, and a clone draws different ones.
    let expected = [
        values(&plain.conv1.weight.val()),
        values(&plain.conv2.bias.as_ref().unwrap().val()),
        values(&plain.fc3.weight.val().transpose()),
    ];
    plain.save_file(&path, &FileRecorder::new()).unwrap();

    let file = format::read(&path).unwrap();
    let [conv1, _, _, conv2_bias, .., fc3, _] = &format::to_torch(&file.weights);
    assert_eq!([conv1, conv2_bias, fc3], expected.each_ref());

    let bytes = format::encode(Format::Mpk, &file).unwrap();
    let again = format::decode(Path::new("x.mpk"), &bytes).unwrap();
    assert_eq!(bytes, format::encode(Format::Mpk, &again).unwrap());
    assert_ne!(bytes, std::fs::read(&path).unwrap(), "Burn's ids are random");
}

#[test]
fn missing_bias_is_rejected() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("plain.mpk");
    let mut plain = Plain::init(&Default::default());
    plain.conv1.bias = None;
    plain.save_file(&path, &FileRecorder::new()).unwrap();

    let message = format::read(&path).unwrap_err().to_string();
    assert!(message.ends_with("conv1.bias is missing"), "{message}");
}

#[test]
fn module_weights_round_trip() {
    let weights = some_weights();
    let module = LeNet::<B>::from_weights(&weights, &Default::default());
    assert_eq!(module.to_weights(), weights);
}

#[test]
fn non_finite_weights_are_not_written() {
    let mut weights = some_weights();
    weights.tensor_mut(9)[3] = f32::INFINITY;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.mpk");
    let error = format::write(&path, &weights.into()).unwrap_err();
    assert!(matches!(error, FormatError::Content { .. }), "{error}");
    assert!(
        error.to_string().ends_with("fc3.bias: value 3 is inf, not a finite number"),
        "{error}"
    );
    assert!(!path.exists());
}

/// Returns the positions of all bytes of a record except the values of its tensors.
fn structural_bytes(record: &[u8]) -> Vec<usize> {
    let mut positions = Vec::new();
    let mut at = 0;
    let mut tensors = TENSORS.iter();
    while at < record.len() {
        positions.push(at);
        at += 1;
        if record[..at].ends_with(b"\xa5bytes") {
            // A byte string starts with a marker, followed by its length in one, two or four bytes.
            let marker = match record[at] {
                0xc4 => 2,
                0xc5 => 3,
                _ => 5,
            };
            positions.extend(at..at + marker);
            at += marker + 4 * tensors.next().expect("ten tensors").numel();
        }
    }
    positions
}

#[test]
fn changed_structure_is_rejected_or_equal() {
    let original = some_weights();
    let record = format::encode(Format::Mpk, &original.clone().into()).unwrap();
    let positions = structural_bytes(&record);
    assert!((900..1300).contains(&positions.len()), "{}", positions.len());
    let mut changed = record.clone();
    let (mut rejected, mut equal) = (0, 0);
    // A MessagePack marker for each type of value.
    let markers = *b"\x00\x7f\x80\x9f\xa0\xc0\xc1\xc3\xc4\xc6\xcf\xd9\xdb\xdd\xdf\xff";
    for position in positions {
        let flips = (0..8).map(|bit| record[position] ^ (1 << bit));
        for value in flips.chain(markers) {
            changed[position] = value;
            match mpk::decode(&changed) {
                Err(_) => rejected += 1,
                Ok(weights) => {
                    assert_eq!(weights, original, "byte {position} as {value:#04x}");
                    equal += 1;
                }
            }
        }
        changed[position] = record[position];
    }
    // Changes are accepted only in texts that the reader ignores: the ids of 13 characters each, and about 140 characters
    // of metadata.
    assert!(equal < rejected / 3, "{equal} of {rejected}");
}

#[test]
fn oversized_lengths_are_rejected() {
    let bombs: [&[u8]; 5] = [
        b"\xdf\xff\xff\xff\xff\xa4item\xdf\xff\xff\xff\xff",
        b"\x83\xdb\xff\xff\xff\xff",
        b"\x83\xa4item\x85\xa3fc1\x82\xa6weight\x82\xa5param\x83\xa5bytes\xc6\xff\xff\xff\xff",
        b"\x83\xa4item\x85\xa3fc1\x82\xa6weight\x82\xa5param\x83\xa5shape\xdd\x40\0\0\0",
        &[0x91; 100_000],
    ];
    for bomb in bombs {
        mpk::decode(bomb).unwrap_err();
    }
}
