//! Labelled images in memory as a Burn [`Dataset`], and the validation split.

use std::ops::Range;
use std::sync::Arc;

use burn::data::dataset::Dataset;

use super::datasets::{DatasetInfo, UNKNOWN};
use super::idx::{Image, PIXELS};

/// One image with its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// The pixels, 0 to 255, row by row.
    pub pixels: [u8; PIXELS],
    /// The class, 0 to 9.
    pub label: u8,
}

/// Consecutive images with their labels. Clones share the images.
#[derive(Debug, Clone)]
pub struct ImageDataset {
    info: DatasetInfo,
    images: Arc<Vec<Image>>,
    labels: Arc<Vec<u8>>,
    range: Range<usize>,
}

/// A validation split that is not possible.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the message explains each field")]
pub enum SplitError {
    /// The fraction is negative, at least one, or NaN.
    #[error("invalid validation split {0}: expected a number that is at least 0 and less than 1")]
    Fraction(f64),
    /// All images would be held out for validation.
    #[error("validation split {fraction} of {count} images leaves no images for training")]
    NothingLeft {
        fraction: f64,
        /// Number of images.
        count: usize,
    },
}

impl ImageDataset {
    /// Creates a data set from images and their labels, with the description [`UNKNOWN`].
    ///
    /// # Panics
    /// Panics if the numbers of images and labels differ.
    pub fn new(images: Vec<Image>, labels: Vec<u8>) -> Self {
        assert_eq!(images.len(), labels.len(), "each image has a label");
        let range = 0..images.len();
        Self { info: UNKNOWN.clone(), images: Arc::new(images), labels: Arc::new(labels), range }
    }

    /// Returns these images with the description `info`.
    pub fn with_info(self, info: &DatasetInfo) -> Self {
        Self { info: info.clone(), ..self }
    }

    /// Returns the description of the data set to which the images belong.
    pub fn info(&self) -> &DatasetInfo {
        &self.info
    }

    /// Returns the images, in the order of the labels.
    pub fn images(&self) -> &[Image] {
        &self.images[self.range.clone()]
    }

    /// Returns the labels, 0 to 9.
    pub fn labels(&self) -> &[u8] {
        &self.labels[self.range.clone()]
    }

    /// Splits off the last floor(n * `fraction`) of the n images for validation, unshuffled. Returns the training
    /// images, then the validation images.
    ///
    /// # Errors
    /// Returns an error if `fraction` is not in [0, 1), or if no image is left to train with.
    pub fn split(&self, fraction: f64) -> Result<(Self, Self), SplitError> {
        if !(0.0..1.0).contains(&fraction) {
            return Err(SplitError::Fraction(fraction));
        }
        let count = self.range.len();
        // The product 100 * 0.29 is 28.999999999999996 in floating point, but the user means 29.
        let product = count as f64 * fraction;
        let nearest = product.round();
        let exact = (product - nearest).abs() < 1e-6;
        let validation = if exact { nearest } else { product.floor() } as usize;
        if validation >= count {
            return Err(SplitError::NothingLeft { fraction, count });
        }
        Ok(self.split_at(count - validation))
    }

    /// Returns the first `count` images and the others.
    ///
    /// # Panics
    /// Panics if there are fewer than `count` images.
    pub fn split_at(&self, count: usize) -> (Self, Self) {
        assert!(count <= self.range.len(), "there are enough images");
        let middle = self.range.start + count;
        let part = |range| Self { range, ..self.clone() };
        (part(self.range.start..middle), part(middle..self.range.end))
    }
}

impl Dataset<Item> for ImageDataset {
    fn get(&self, index: usize) -> Option<Item> {
        Some(Item { pixels: *self.images().get(index)?, label: *self.labels().get(index)? })
    }

    fn len(&self) -> usize {
        self.range.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns `count` images whose first two pixels hold their index.
    fn dataset(count: usize) -> ImageDataset {
        let images = (0..count).map(|index| {
            let mut image = [0; PIXELS];
            image[..2].copy_from_slice(&(index as u16).to_be_bytes());
            image
        });
        let labels = (0..count).map(|index| (index % 10) as u8);
        ImageDataset::new(images.collect(), labels.collect())
    }

    fn sizes(count: usize, fraction: f64) -> (usize, usize) {
        let (train, validation) = dataset(count).split(fraction).unwrap();
        (train.len(), validation.len())
    }

    #[test]
    fn split_rounds_down_exact_products() {
        assert_eq!(sizes(60_000, 0.1), (54_000, 6_000));
        assert_eq!(sizes(100, 0.29), (71, 29));
        assert_eq!(sizes(1000, 0.7), (300, 700));
        assert_eq!(sizes(99, 0.1), (90, 9));
        assert_eq!(sizes(5, 0.1), (5, 0));
        assert_eq!(sizes(7, 0.0), (7, 0));
        for percent in 0..100 {
            assert_eq!(sizes(1000, f64::from(percent) / 100.0).1, 10 * percent as usize);
        }
    }

    #[test]
    fn split_takes_last_images_in_order() {
        let (train, validation) = dataset(20).split(0.25).unwrap();
        assert_eq!(train.get(0).unwrap().pixels[1], 0);
        assert_eq!(train.get(14).unwrap().pixels[1], 14);
        assert_eq!(train.get(15), None);
        assert_eq!(validation.get(0).unwrap().pixels[1], 15);
        assert_eq!(validation.get(4).unwrap().label, 9);
        assert_eq!(validation.get(5), None);
    }

    #[test]
    fn split_rejects_empty_training_part() {
        for fraction in [1.0, 1.5, -0.1, f64::NAN, f64::INFINITY] {
            let error = dataset(10).split(fraction).unwrap_err();
            assert!(matches!(error, SplitError::Fraction(_)), "{fraction}");
        }
        let error = dataset(10).split(0.999_999_999_9).unwrap_err();
        assert!(matches!(error, SplitError::NothingLeft { count: 10, .. }));
    }
}
