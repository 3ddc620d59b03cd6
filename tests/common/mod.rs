//! Small, learnable IDX data sets for tests, computed from a formula.
//!
//! LeNet with sigmoids learns slowly: the classic recipe with batch size 4 (learning rate 0.9, 300 images) stays at chance level
//! for 15 epochs and classifies all of 100 test images correctly after 24.

// Each test program includes this module and uses only a part of it.
#![allow(dead_code)]

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};

/// Height and width of the images.
pub const SIDE: usize = 28;

/// Returns an image of `class`: eight of the sixteen cells of a 4x4 grid are bright, the others are black. Any two classes share
/// four bright cells (Walsh functions). `index` changes the texture of the bright cells.
pub fn image(class: u8, index: usize) -> Vec<u8> {
    (0..SIDE * SIDE)
        .map(|pixel| {
            let (row, column) = (pixel / SIDE, pixel % SIDE);
            let cell = (4 * (row / 7) + column / 7) as u8;
            let bright = (cell & (class + 1)).count_ones() % 2 == 1;
            let texture = (31 * index + 17 * row + 7 * column) % 96;
            if bright { 160 + texture as u8 } else { 0 }
        })
        .collect()
}

/// Returns the class of image `index`. Any ten consecutive images contain one image of each class.
pub fn class(index: usize) -> u8 {
    (7 * index % 10) as u8
}

/// Returns an IDX file of images. `header` is written as given, even if it contradicts `pixels`.
pub fn idx_images(header: [u32; 4], pixels: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = header.iter().flat_map(|n| n.to_be_bytes()).collect();
    bytes.extend(pixels);
    bytes
}

/// Returns an IDX file of labels. `header` is written as given, even if it contradicts `labels`.
pub fn idx_labels(header: [u32; 2], labels: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = header.iter().flat_map(|n| n.to_be_bytes()).collect();
    bytes.extend(labels);
    bytes
}

/// Returns `count` images, starting with number `first`, as an IDX file.
pub fn images(first: usize, count: usize) -> Vec<u8> {
    let pixels: Vec<u8> =
        (first..first + count).flat_map(|index| image(class(index), index)).collect();
    idx_images([0x0803, count as u32, 28, 28], &pixels)
}

/// Returns the labels of `count` images, starting with number `first`, as an IDX file.
pub fn labels(first: usize, count: usize) -> Vec<u8> {
    let labels: Vec<u8> = (first..first + count).map(class).collect();
    idx_labels([0x0801, count as u32], &labels)
}

/// Compresses `bytes` to one gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Writes the four files of a data set with `train` training images and `test` test images to `dir`, which must exist. The test
/// images are numbered from the end of the training images, so the two parts are disjoint.
pub fn write_dataset(dir: &Path, train: usize, test: usize) {
    let write = |name: &str, bytes: &[u8]| fs::write(dir.join(name), gzip(bytes)).unwrap();
    write("train-images-idx3-ubyte.gz", &images(0, train));
    write("train-labels-idx1-ubyte.gz", &labels(0, train));
    write("t10k-images-idx3-ubyte.gz", &images(train, test));
    write("t10k-labels-idx1-ubyte.gz", &labels(train, test));
}
