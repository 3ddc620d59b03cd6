//! Whether a 28x28 image could come from the training data, by three plain figures.

use crate::data::{Image, PIXELS, SIDE};

/// The range of a figure over the training images, in grey values from 0 to 255.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// The figure in words.
    pub name: &'static str,
    /// Smallest value that is not odd.
    pub least: f64,
    /// Largest value that is not odd.
    pub most: f64,
}

/// Between the percentiles 0.1 and 99.9 over Fashion-MNIST's 60,000 training images, rounded outwards; a test
/// counts how many of them fall outside. A border can only be too bright.
pub const RANGES: [Range; 3] = [
    Range { name: "mean brightness", least: 11.0, most: 168.0 },
    Range { name: "contrast", least: 25.0, most: 117.0 },
    Range { name: "brightness of the border", least: 0.0, most: 55.0 },
];

/// The figures of which [`RANGES`] has the ranges: mean and standard deviation of all pixels, and the mean of the
/// outermost frame, which is one pixel wide.
pub fn statistics(image: &Image) -> [f64; 3] {
    let mean = mean(image.iter().map(|grey| f64::from(*grey)));
    let variance = self::mean(image.iter().map(|grey| (f64::from(*grey) - mean).powi(2)));
    let is_edge = |at: usize| at == 0 || at == SIDE - 1;
    let frame = (0..PIXELS).filter(|pixel| is_edge(pixel / SIDE) || is_edge(pixel % SIDE));
    [mean, variance.sqrt(), self::mean(frame.map(|pixel| f64::from(image[pixel])))]
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// What is odd about `image`, each in a few words; nothing for all but a few of the training images.
pub fn warnings(image: &Image) -> Vec<String> {
    let figures = RANGES.iter().zip(statistics(image));
    let odd = figures.filter(|(range, value)| !(range.least..=range.most).contains(value));
    odd.map(|(Range { name, least, most }, value)| {
        format!("{name} {value:.0} (training images: {least} to {most})")
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{self, Options, Part};

    #[test]
    fn figures_are_those_done_by_hand_and_what_never_occurs_is_odd() {
        let mut image = [0; PIXELS];
        image[..SIDE].fill(216);
        let by_hand = [216.0 / 28.0, 216.0 * 27.0_f64.sqrt() / 28.0, 216.0 * 28.0 / 108.0];
        for (figure, expected) in statistics(&image).iter().zip(by_hand) {
            assert!((figure - expected).abs() < 1e-9, "{figure}, {expected}");
        }
        assert_eq!(warnings(&[0; PIXELS]).len(), 2);
        assert_eq!(warnings(&[255; PIXELS]).len(), 3);
    }

    #[test]
    fn the_ranges_hold_all_but_a_few_training_images_and_not_more() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/data").into();
        let options = Options { dir: Some(dir), ..Options::default() };
        let (images, _) = data::load_part(Part::Train, &options).unwrap();
        let figures: Vec<_> = images.images().iter().map(statistics).collect();
        for (index, Range { name, least, most }) in RANGES.iter().enumerate() {
            let below = figures.iter().filter(|figures| figures[index] < *least).count();
            let above = figures.iter().filter(|figures| figures[index] > *most).count();
            assert!(below <= 60 && (30..=60).contains(&above), "{name}: {below}, {above}");
            assert!(*least == 0.0 || below >= 30, "{name}: {below} below");
        }
        assert!(figures.iter().all(|[.., border]| *border < 108.0));
    }
}
