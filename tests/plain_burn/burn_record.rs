//! `.mpk` files: a plain Burn 0.21 program and this crate read each other's files.

use std::path::Path;

use burn::module::Module;
use burn::nn::activation::{Activation, ActivationConfig};
use burn::nn::conv::Conv2d;
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Dropout, DropoutConfig, Linear, Relu, Sigmoid};
use burn::record::{
    BinFileRecorder, CompactRecorder, DoublePrecisionSettings, FullPrecisionSettings,
    NamedMpkFileRecorder, NamedMpkGzFileRecorder, PrettyJsonFileRecorder,
};
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, TensorData, f16};
use burn_ndarray::NdArray;
use lenet::format::{self, Format, FormatError};
use lenet::model::{LeNet, Weights};

/// A Burn program that does not use this crate. `docs/models-elsewhere.md` shows it.
#[path = "burn_reader.rs"]
mod reader;

pub(super) type B = NdArray<f32>;
pub(super) type Plain = reader::LeNet<B>;
type FileRecorder = NamedMpkFileRecorder<FullPrecisionSettings>;

pub(super) fn values<const D: usize>(tensor: &Tensor<B, D>) -> Vec<f32> {
    tensor.to_data().into_vec().unwrap()
}

pub(super) fn some_weights() -> Weights {
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

/// A network as in other Burn programs: nested, and with fields that have no parameters.
#[derive(Module, Debug)]
struct Nested<B: Backend> {
    net: reader::LeNet<B>,
    pool: MaxPool2d,
    sigmoid: Sigmoid,
    activation: Activation<B>,
    dropout: Dropout,
    nothing: Option<Linear<B>>,
    classes: usize,
}

/// A network with other names and with lists.
#[derive(Module, Debug)]
struct Listed<B: Backend> {
    convolutions: [Conv2d<B>; 2],
    pools: Vec<MaxPool2d>,
    dense: Vec<Linear<B>>,
    relu: (Relu, usize),
}

fn plain_with(weights: &Weights) -> Plain {
    let LeNet { conv1, conv2, fc1, fc2, fc3 } =
        LeNet::<B>::from_weights(weights, &Default::default());
    Plain { conv1, conv2, fc1, fc2, fc3 }
}

#[test]
fn other_burn_modules_are_read() {
    let weights = Weights::initial(2, 1.0);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("net.mpk");
    let pool = MaxPool2dConfig::new([2, 2]).init();
    let nested = Nested {
        net: plain_with(&weights),
        pool: pool.clone(),
        sigmoid: Sigmoid::new(),
        activation: ActivationConfig::Relu.init(&Default::default()),
        dropout: DropoutConfig::new(0.5).init(),
        nothing: None,
        classes: 10,
    };
    nested.save_file(&path, &FileRecorder::new()).unwrap();
    let file = format::read(&path).unwrap();
    assert_eq!(file.weights, weights);
    assert_eq!(file.notes, ["dropped the prefix \"net.\" of the tensor names"]);

    let Plain { conv1, conv2, fc1, fc2, fc3 } = plain_with(&weights);
    let listed = Listed {
        convolutions: [conv1, conv2],
        pools: vec![pool.clone(), pool],
        dense: vec![fc1, fc2, fc3],
        relu: (Relu::new(), 3),
    };
    listed.save_file(&path, &FileRecorder::new()).unwrap();
    let file = format::read(&path).unwrap();
    assert_eq!(file.weights, weights);
    assert!(file.notes[0].ends_with("\"dense.2.weight\" is fc3.weight"), "{:?}", file.notes);
}

#[test]
fn other_precisions_are_read() {
    let weights = Weights::initial(2, 1.0);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("net.mpk");
    plain_with(&weights).save_file(&path, &CompactRecorder::new()).unwrap();
    let half = format::read(&path).unwrap();
    let rounded = weights.values().iter().map(|x| f16::from_f32(*x).to_f32());
    assert!(half.weights.values().iter().copied().eq(rounded));
    assert_eq!(half.notes, [""; 0]);

    let recorder = NamedMpkFileRecorder::<DoublePrecisionSettings>::new();
    plain_with(&weights).save_file(&path, &recorder).unwrap();
    assert_eq!(format::read(&path).unwrap().weights, weights);
}

#[test]
fn other_recorders_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let plain = || plain_with(&Weights::zeros());
    plain()
        .save_file(path("net"), &PrettyJsonFileRecorder::<FullPrecisionSettings>::new())
        .unwrap();
    plain().save_file(path("net"), &BinFileRecorder::<FullPrecisionSettings>::new()).unwrap();
    plain()
        .save_file(path("net"), &NamedMpkGzFileRecorder::<FullPrecisionSettings>::new())
        .unwrap();
    for (name, expected) in [
        ("net.json", "a Burn record that is not in Burn's named MessagePack format"),
        ("net.bin", "a Burn record that is not in Burn's named MessagePack format"),
        ("net.mpk.gz", "a gzip file"),
    ] {
        let error = format::read(&path(name)).unwrap_err().to_string();
        assert!(error.ends_with(&format!("found {expected}")), "{error}");
    }
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
