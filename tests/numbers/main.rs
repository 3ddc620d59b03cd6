//! What the network computes, on every implementation of its operations, against Keras' own figures and plain loops in f64.
#![cfg(feature = "ndarray")]
#![allow(clippy::unwrap_used)]

mod agreement;
mod digests;
mod goldens;
#[path = "../common/implementation.rs"]
mod implementation;
#[path = "../common/plain.rs"]
mod plain;
mod resume;
mod steps;

use lenet::data::{
    Change, Image, ImageDataset, LabelledImages, Options, Part, Pass, Scaling, load_part,
};

/// Images of Fashion-MNIST.
fn images(part: Part) -> ImageDataset {
    let options = Options {
        dir: Some(concat!(env!("CARGO_MANIFEST_DIR"), "/data").into()),
        ..Options::default()
    };
    ImageDataset::new(load_part(part, &options).unwrap().0)
}

/// A pass over `count` images of noise, each changed another way.
fn noise(count: usize, batch_size: usize, scaling: Scaling) -> Pass {
    let mut state = 0x9E37_79B9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let pixels: Vec<Image> = (0..count)
        .map(|_| std::array::from_fn(|_| (next() >> 24) as u8))
        .collect();
    let labels = (0..count).map(|i| (i * 7 % 10) as u8).collect();
    let change = |i: usize| Change {
        flip: i % 4 == 1,
        down: (i % 3) as i32 - 1,
        right: (i / 3 % 3) as i32 - 1,
    };
    let images = ImageDataset::new(LabelledImages::new(pixels, labels).unwrap());
    Pass {
        order: (0..count as u32).rev().collect(),
        changes: (0..count).map(change).collect(),
        scaling,
        ..Pass::in_order(&images, batch_size)
    }
}

/// The largest difference of two lists of numbers.
#[track_caller]
fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |largest, x| {
        if x > largest || x.is_nan() {
            x
        } else {
            largest
        }
    })
}

/// The largest magnitude in a list of numbers.
fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, v| v.abs().max(largest))
}
