//! Small IDX data sets for tests: made of a formula, learnable, the same every time.

// Each test file is a program of its own and takes what it needs.
#![allow(dead_code)]

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};

/// Height and width of the images.
pub const SIDE: usize = 28;

/// An image of `class`: on a black ground one bright cell of a grid of two rows and five columns, 14 by 5
/// pixels, lies where the class says. `index` moves it by a pixel and changes its brightness.
pub fn image(class: u8, index: usize) -> Vec<u8> {
    let (top, left) = (14 * usize::from(class / 5), 5 * usize::from(class % 5));
    let shift = index % 3;
    let cell = |row: usize, column: usize| {
        (top..top + 14).contains(&row) && (left + shift..left + shift + 5).contains(&column)
    };
    (0..SIDE * SIDE)
        .map(|pixel| {
            let (row, column) = (pixel / SIDE, pixel % SIDE);
            let texture = (31 * index + 17 * row + 7 * column) % 96;
            if cell(row, column) {
                160 + texture as u8
            } else {
                0
            }
        })
        .collect()
}

/// The class of image `index`: every ten images hold each class once.
pub fn class(index: usize) -> u8 {
    (7 * index % 10) as u8
}

/// The bytes of an IDX file of images; the header's numbers are free to lie.
pub fn idx_images(header: [u32; 4], pixels: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = header.iter().flat_map(|n| n.to_be_bytes()).collect();
    bytes.extend(pixels);
    bytes
}

/// The bytes of an IDX file of labels; the header's numbers are free to lie.
pub fn idx_labels(header: [u32; 2], labels: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = header.iter().flat_map(|n| n.to_be_bytes()).collect();
    bytes.extend(labels);
    bytes
}

/// `count` images from number `first` on, as an IDX file.
pub fn images(first: usize, count: usize) -> Vec<u8> {
    let pixels: Vec<u8> = (first..first + count)
        .flat_map(|index| image(class(index), index))
        .collect();
    idx_images([0x0803, count as u32, 28, 28], &pixels)
}

/// The labels of `count` images from number `first` on, as an IDX file.
pub fn labels(first: usize, count: usize) -> Vec<u8> {
    let labels: Vec<u8> = (first..first + count).map(class).collect();
    idx_labels([0x0801, count as u32], &labels)
}

/// `bytes` as one gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Writes the four files of a data set of `train` and `test` images into `dir`, which must exist. The test
/// images go on where the training images end, so none is in both.
pub fn write_dataset(dir: &Path, train: usize, test: usize) {
    let write = |name: &str, bytes: &[u8]| fs::write(dir.join(name), gzip(bytes)).unwrap();
    write("train-images-idx3-ubyte.gz", &images(0, train));
    write("train-labels-idx1-ubyte.gz", &labels(0, train));
    write("t10k-images-idx3-ubyte.gz", &images(train, test));
    write("t10k-labels-idx1-ubyte.gz", &labels(train, test));
}
