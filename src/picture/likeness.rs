//! Whether a 28x28 image could come from the training data, by three plain figures.

use crate::data::{Image, PIXELS, SIDE};

/// Figures of an image, in grey values from 0 to 255.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Features {
    /// Mean of all pixels.
    pub mean: f64,
    /// Standard deviation of all pixels.
    pub contrast: f64,
    /// Mean of the outermost frame, which is one pixel wide.
    pub border: f64,
}

impl Features {
    /// Those of `image`.
    #[must_use]
    pub fn of(image: &Image) -> Self {
        let count = PIXELS as f64;
        let values = || image.iter().copied().map(f64::from);
        let mean = values().sum::<f64>() / count;
        let variance = values().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        let last = SIDE - 1;
        let frame = (0..PIXELS).filter(|pixel| {
            let (row, column) = (pixel / SIDE, pixel % SIDE);
            row == 0 || row == last || column == 0 || column == last
        });
        let (sum, length) = frame
            .fold((0.0, 0.0), |(sum, length), pixel| (sum + f64::from(image[pixel]), length + 1.0));
        Self { mean, contrast: variance.sqrt(), border: sum / length }
    }
}

/// The range of a figure over the training images.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// The figure in words.
    pub name: &'static str,
    /// The figure itself.
    pub feature: fn(&Features) -> f64,
    /// Smallest value that is not odd.
    pub least: f64,
    /// Largest value that is not odd.
    pub most: f64,
}

/// Between the percentiles 0.1 and 99.9 over Fashion-MNIST's 60,000 training images, rounded outwards; a test
/// counts how many of them fall outside. A border can only be too bright.
pub const RANGES: [Range; 3] = [
    Range { name: "mean brightness", feature: |features| features.mean, least: 11.0, most: 168.0 },
    Range { name: "contrast", feature: |features| features.contrast, least: 25.0, most: 117.0 },
    Range {
        name: "brightness of the border",
        feature: |features| features.border,
        least: 0.0,
        most: 55.0,
    },
];

/// What is odd about `image`, each in a few words; nothing for all but a few of the training images.
#[must_use]
pub fn doubts(image: &Image) -> Vec<String> {
    let features = Features::of(image);
    let odd = RANGES.iter().filter_map(|range| {
        let value = (range.feature)(&features);
        let Range { name, least, most, .. } = range;
        (!(*least..=*most).contains(&value))
            .then(|| format!("{name} {value:.0} (training images: {least} to {most})"))
    });
    odd.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{self, Options, Part};

    #[test]
    fn figures_are_those_done_by_hand() {
        let mut image = [0; PIXELS];
        image[..SIDE].fill(216);
        let features = Features::of(&image);
        assert!((features.mean - 216.0 / 28.0).abs() < 1e-9);
        assert!((features.border - 216.0 * 28.0 / 108.0).abs() < 1e-9);
        let contrast = 216.0 * (27.0f64).sqrt() / 28.0;
        assert!((features.contrast - contrast).abs() < 1e-9);
    }

    #[test]
    fn what_never_occurs_is_odd() {
        assert_eq!(doubts(&[0; PIXELS]).len(), 2);
        assert_eq!(doubts(&[255; PIXELS]).len(), 3);
    }

    #[test]
    fn the_ranges_hold_all_but_a_few_training_images_and_not_more() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/data").into();
        let options = Options { dir: Some(dir), ..Options::default() };
        let (images, _) = data::load_part(Part::Train, &options).unwrap();
        let features: Vec<_> = images.images().iter().map(Features::of).collect();
        for range in &RANGES {
            let below = features.iter().filter(|f| (range.feature)(f) < range.least).count();
            let above = features.iter().filter(|f| (range.feature)(f) > range.most).count();
            assert!(below <= 60 && above <= 60, "{}: {below}, {above}", range.name);
            assert!(above >= 30, "{}: {above} above", range.name);
            assert!(range.least == 0.0 || below >= 30, "{}: {below} below", range.name);
        }
        assert!(features.iter().all(|f| f.border < 108.0));
    }
}
