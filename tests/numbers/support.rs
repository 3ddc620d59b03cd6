//! Images, and differences of numbers.

use lenet::data::{Batches, Image, ImageDataset, Options, Part, Scaling, Transform, load_part};
use lenet::model::{TENSORS, range};

/// Images of Fashion-MNIST.
pub fn images(part: Part) -> ImageDataset {
    let options = Options {
        dir: Some(concat!(env!("CARGO_MANIFEST_DIR"), "/data").into()),
        ..Options::default()
    };
    load_part(part, &options).unwrap().0
}

/// A pass over `count` images of noise, each changed another way.
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
    let change = |i: usize| Transform {
        flip: i % 4 == 1,
        down: (i % 3) as i32 - 1,
        right: (i / 3 % 3) as i32 - 1,
    };
    let images = ImageDataset::new(pixels, labels);
    Batches {
        order: (0..count as u32).rev().collect(),
        transforms: (0..count).map(change).collect(),
        scaling,
        ..Batches::in_order(&images, batch_size)
    }
}

/// The largest difference of two lists of numbers.
#[track_caller]
pub fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, |largest, x| if x > largest || x.is_nan() { x } else { largest })
}

/// The largest magnitude in a list of numbers.
pub fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, v| v.abs().max(largest))
}

/// A row of the table of errors, printed; and the failure if this one is too large.
///
/// `cargo test --release -- --nocapture | grep '^|'` prints the table.
#[track_caller]
pub fn table(implementation: &str, what: &str, error: f32, bound: f32) {
    println!("| {implementation} | {what} | {error:.1e} | {bound:.0e} |");
    assert!(error <= bound, "{implementation}: {what} differs by {error:e}");
}

/// The largest difference in a tensor of two rows of parameters, as a multiple of the largest of `expected` there, of the
/// tensor where it is worst.
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
