//! Scaling of pixels for training.

use serde::{Deserialize, Serialize};

/// The scaling of pixels in training. Saved models always expect raw pixels, because
/// [`Weights::fold`](crate::model::Weights::fold) moves the scaling into the weights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scaling {
    /// Unscaled, 0 to 255.
    #[default]
    Raw,
    /// `(x - mean) / deviation`.
    Standardise {
        /// Mean in grey levels.
        mean: f32,
        /// Standard deviation in grey levels.
        deviation: f32,
    },
}

impl Scaling {
    /// Mean 0 and standard deviation 1 over the first 54,000 training images of Fashion-MNIST. The values are constants so
    /// that a recipe does not depend on the data set.
    pub const STANDARD: Self = Self::Standardise { mean: 72.94, deviation: 90.02 };

    /// Returns the inputs of the network for these pixels.
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
    fn standard_scaling_normalises_fashion_mnist() {
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
    fn raw_keeps_values() {
        let pixels: Vec<u8> = (0..=255).collect();
        let expected: Vec<f32> = (0..256).map(|x| x as f32).collect();
        assert_eq!(Scaling::Raw.apply(&pixels), expected);
    }
}
