//! What becomes of a pixel before the network sees it in training.

use serde::{Deserialize, Serialize};

/// How pixels are scaled in training. A saved model takes raw pixels whatever this is: see
/// [`Weights::fold`](crate::model::Weights::fold).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scaling {
    /// As they are, 0 to 255.
    #[default]
    Raw,
    /// To `(x - mean) / deviation`.
    Standardise {
        /// What is taken away, in grey levels.
        mean: f32,
        /// What the rest is divided by, in grey levels.
        deviation: f32,
    },
}

impl Scaling {
    /// To mean 0 and standard deviation 1 over Fashion-MNIST's first 54,000 training images, whose pixels have
    /// mean 72.94 and standard deviation 90.02. Constants, so that a recipe means the same on any data.
    pub const STANDARD: Self = Self::Standardise { mean: 72.94, deviation: 90.02 };

    /// The network's inputs for these pixels.
    pub fn apply(self, pixels: &[u8]) -> Vec<f32> {
        let pixels = pixels.iter().map(|pixel| f32::from(*pixel));
        match self {
            Self::Raw => pixels.collect(),
            Self::Standardise { mean, deviation } => {
                pixels.map(|x| (x - mean) / deviation).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Options, Part, load_part};

    #[test]
    fn the_training_part_of_fashion_mnist_becomes_standard() {
        let dir = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/data").into());
        let options = Options { dir, ..Options::default() };
        let images = load_part(Part::Train, &options).unwrap().0;
        let (train, _) = images.split(0.1).unwrap();
        let values = Scaling::STANDARD.apply(train.images().as_flattened());
        let mean = |f: &dyn Fn(f64) -> f64| {
            values.iter().map(|x| f(f64::from(*x))).sum::<f64>() / values.len() as f64
        };
        let (mean, square) = (mean(&|x| x), mean(&|x| x * x));
        assert!(mean.abs() < 1e-3, "{mean}");
        assert!((square - 1.0).abs() < 1e-3, "{square}");
    }

    #[test]
    fn raw_pixels_stay_what_they_are() {
        let pixels: Vec<u8> = (0..=255).collect();
        let expected: Vec<f32> = (0..256).map(|x| x as f32).collect();
        assert_eq!(Scaling::Raw.apply(&pixels), expected);
    }
}
