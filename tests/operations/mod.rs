//! One suite for every implementation of the network's operations: a function a test, generic over the backend.
//!
//! Each takes the device to compute on, prints the largest error that it found, and fails where that is too large.
//! `cargo test --release --test gpu -- --nocapture --test-threads 1 | grep '^|'` prints the table of a GPU.

// Each test target is a program of its own and takes what it needs.
#![allow(dead_code)]

pub mod goldens;
pub mod odd;
pub mod oracle;
pub mod training;

use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{Tensor, TensorPrimitive};
use lenet::data::{ImageDataset, Options, Part, load_part};
use lenet::model::{TENSORS, range};

/// The images of a file of the real data set.
pub fn images(part: Part) -> ImageDataset {
    let options = Options {
        dir: Some(concat!(env!("CARGO_MANIFEST_DIR"), "/data").into()),
        ..Options::default()
    };
    ImageDataset::new(load_part(part, &options).unwrap().0)
}

/// A tensor of these numbers, as an operation takes it.
pub fn upload<B: Backend>(values: &[f32], device: &B::Device) -> FloatTensor<B> {
    let tensor = Tensor::<B, 1>::from_floats(values, device);
    tensor.into_primitive().tensor()
}

/// The numbers of what an operation returned.
pub fn read<B: Backend>(primitive: FloatTensor<B>) -> Vec<f32> {
    // Of any rank: only its numbers are wanted.
    let shape = burn::tensor::TensorMetadata::shape(&primitive);
    let data = match shape.num_dims() {
        1 => Tensor::<B, 1>::from_primitive(TensorPrimitive::Float(primitive)).into_data(),
        _ => Tensor::<B, 2>::from_primitive(TensorPrimitive::Float(primitive)).into_data(),
    };
    data.convert::<f32>().into_vec().unwrap()
}

/// The largest absolute value.
pub fn largest(values: &[f32]) -> f32 {
    values
        .iter()
        .fold(0.0, |largest, value| largest.max(value.abs()))
}

/// The largest absolute difference; not a number where one of the values is none.
pub fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |largest, next| match next.is_nan() {
        true => next,
        false => largest.max(next),
    })
}

/// A row of the table, and the failure if `error` is above `bound`.
pub fn check<B: Backend>(device: &B::Device, what: &str, error: f32, bound: f32) {
    println!("| {} | {what} | {error:.1e} | {bound:.0e} |", B::name(device));
    assert!(error <= bound, "{what}: {error:e} is above {bound:e}");
}

/// The largest difference in each tensor of two rows of parameters, as a multiple of the largest of `expected` there, and
/// the worst of the ten.
pub fn relative_difference(found: &[f32], expected: &[f32]) -> (f32, &'static str) {
    let mut worst = (0.0, "");
    for (index, spec) in TENSORS.iter().enumerate() {
        let (found, expected) = (&found[range(index)], &expected[range(index)]);
        let relative = difference(found, expected) / largest(expected).max(f32::MIN_POSITIVE);
        if !(relative <= worst.0) {
            worst = (relative, spec.name);
        }
    }
    worst
}
