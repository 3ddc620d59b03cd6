//! Detection of 28x28 images that are unlike the training data, by three simple statistics.

use crate::data::{Image, PIXELS, SIDE};

/// The usual range of a statistic over the training images, in grey values from 0 to 255.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// The name of the statistic.
    pub name: &'static str,
    /// The smallest usual value.
    pub min: f64,
    /// The largest usual value.
    pub max: f64,
}

/// The 0.1th and 99.9th percentiles over the 60,000 training images of Fashion-MNIST, rounded outwards. A test counts
/// the images outside these ranges. A border can only be too bright, so its minimum is 0.
pub const RANGES: [Range; 3] = [
    Range { name: "mean brightness", min: 11.0, max: 168.0 },
    Range { name: "contrast", min: 25.0, max: 117.0 },
    Range { name: "brightness of the border", min: 0.0, max: 55.0 },
];

/// Computes the statistics of [`RANGES`]: mean and standard deviation of all pixels, and the mean of the border, a frame one
/// pixel wide.
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

/// Describes the statistics of `image` that are outside their usual range when rounded. The result is empty for all but a few
/// training images.
pub fn warnings(image: &Image) -> Vec<String> {
    let values = RANGES.iter().zip(statistics(image).map(f64::round));
    let unusual = values.filter(|(range, value)| !(range.min..=range.max).contains(value));
    unusual
        .map(|(Range { name, min, max }, value)| {
            format!("{name} {value:.0} (training images: {min} to {max})")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{self, Options, Part};

    #[test]
    fn statistics_match_hand_computed_values() {
        let mut image = [0; PIXELS];
        image[..SIDE].fill(216);
        let expected = [216.0 / 28.0, 216.0 * 27.0_f64.sqrt() / 28.0, 216.0 * 28.0 / 108.0];
        for (value, expected) in statistics(&image).iter().zip(expected) {
            assert!((value - expected).abs() < 1e-9, "{value}, {expected}");
        }
        // The border is as wide as 108 pixels: 55.49 is shown as 55, which is in the range.
        let border = |sum: usize| {
            let mut image: Image = std::array::from_fn(|pixel| 120 * (pixel % 2) as u8);
            let is_edge = |at: usize| at == 0 || at == SIDE - 1;
            let frame = (0..PIXELS).filter(|pixel| is_edge(pixel / SIDE) || is_edge(pixel % SIDE));
            for (place, pixel) in frame.enumerate() {
                image[pixel] = (sum / 108 + usize::from(place < sum % 108)) as u8;
            }
            warnings(&image)
        };
        assert_eq!(border(5993), [""; 0]);
        assert_eq!(border(5994), ["brightness of the border 56 (training images: 0 to 55)"]);
        assert_eq!(warnings(&[0; PIXELS]).len(), 2);
        assert_eq!(warnings(&[255; PIXELS]).len(), 3);
    }

    #[test]
    fn ranges_are_percentiles_of_training_images() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/data").into();
        let options = Options { dir: Some(dir), ..Options::default() };
        let (images, _) = data::load_part(Part::Train, &options).unwrap();
        let statistics: Vec<_> = images.images().iter().map(statistics).collect();
        for (index, Range { name, min, max }) in RANGES.iter().enumerate() {
            let below = statistics.iter().filter(|values| values[index] < *min).count();
            let above = statistics.iter().filter(|values| values[index] > *max).count();
            assert!(below <= 60 && (30..=60).contains(&above), "{name}: {below}, {above}");
            assert!(*min == 0.0 || below >= 30, "{name}: {below} below");
        }
        assert!(statistics.iter().all(|[.., border]| *border < 108.0));
    }
}
