//! Images for tests, and comparison of numbers.

use lenet::data::{Batches, Image, ImageDataset, Options, Part, Scaling, Transform, load_part};
use lenet::model::{TENSORS, range};

/// Loads images of Fashion-MNIST.
pub fn images(part: Part) -> ImageDataset {
    let options = Options {
        dir: Some(concat!(env!("CARGO_MANIFEST_DIR"), "/data").into()),
        ..Options::default()
    };
    load_part(part, &options).unwrap().0
}

/// Returns `count` images of noise in minibatches. The transforms differ from image to image.
pub fn noise(count: usize, batch_size: usize, scaling: Scaling) -> Batches {
    let mut state = 0x9E37_79B9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let pixels: Vec<Image> =
        (0..count).map(|_| std::array::from_fn(|_| (next() >> 24) as u8)).collect();
    let labels = (0..count).map(|i| (i * 7 % 10) as u8).collect();
    let transform = |i: usize| Transform {
        flip: i % 4 == 1,
        down: (i % 3) as i32 - 1,
        right: (i / 3 % 3) as i32 - 1,
    };
    let images = ImageDataset::new(pixels, labels);
    Batches {
        order: (0..count as u32).rev().collect(),
        transforms: (0..count).map(transform).collect(),
        scaling,
        ..Batches::in_order(&images, batch_size)
    }
}

/// Converts values to `f32`.
pub fn f32s(values: &[f64]) -> Vec<f32> {
    values.iter().map(|x| *x as f32).collect()
}

/// Returns the largest absolute difference between two lists of numbers, or NaN if a difference is NaN.
#[track_caller]
pub fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |largest, x| if x > largest || x.is_nan() { x } else { largest })
}

/// Returns the largest magnitude in a list of numbers.
fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, v| v.abs().max(largest))
}

/// Prints a row of the error table, and fails if the error is above the bound.
///
/// `cargo test --release -- --nocapture | grep '^|'` prints the table.
#[track_caller]
pub fn table(implementation: &str, what: &str, error: f32, bound: f32) {
    println!("| {implementation} | {what} | {error:.1e} | {bound:.0e} |");
    assert!(error <= bound, "{implementation}: {what} differs by {error:e}");
}

/// Returns the largest difference and the name of its tensor. Differences are relative to the largest magnitude of
/// `expected` in the same tensor.
pub fn relative_difference(found: &[f32], expected: &[f32]) -> (f32, &'static str) {
    let mut worst = (0.0, "");
    for (index, spec) in TENSORS.iter().enumerate() {
        let [found, expected] = [found, expected].map(|row| &row[range(index)]);
        let relative = largest_difference(found, expected) / largest(expected).max(1e-12);
        if relative > worst.0 || relative.is_nan() {
            worst = (relative, spec.name);
        }
    }
    worst
}
