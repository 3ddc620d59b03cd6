//! Scaling of the input, moved into the first layer.

use crate::data::Scaling;

use super::Weights;

impl Weights {
    /// The weights that do to raw pixels what these do to scaled ones.
    ///
    /// `sum(w (x - mean) / deviation) + b = sum(w / deviation x) + (b - mean / deviation sum(w))`: exact, because
    /// conv1 has no padding, so that each of its sums runs over a whole window of pixels.
    #[must_use]
    pub fn for_raw_pixels(&self, scaling: Scaling) -> Self {
        let mut folded = self.clone();
        if let Scaling::Standardise { mean, deviation } = scaling {
            let (mean, deviation) = (f64::from(mean), f64::from(deviation));
            let [weight, bias, ..] = folded.tensors_mut();
            let window = weight.len() / bias.len();
            for (weights, bias) in weight.chunks_exact_mut(window).zip(bias) {
                let sum: f64 = weights.iter().map(|w| f64::from(*w)).sum();
                *bias = (f64::from(*bias) - mean / deviation * sum) as f32;
                for w in weights {
                    *w = (f64::from(*w) / deviation) as f32;
                }
            }
        }
        folded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_weights_stay_and_only_conv1_is_folded() {
        let weights = Weights::initial(3, 4.0);
        assert_eq!(weights.for_raw_pixels(Scaling::Raw), weights);
        let folded = weights.for_raw_pixels(Scaling::STANDARD);
        assert_eq!(folded.tensors()[2..], weights.tensors()[2..]);
        let sum = |w: &Weights, x: f32| -> f32 {
            w.tensors()[0][..25].iter().map(|w| w * x).sum::<f32>() + w.tensors()[1][0]
        };
        let x = 200.0;
        let scaled = Scaling::STANDARD.apply(&[200])[0];
        assert!((sum(&folded, x) - sum(&weights, scaled)).abs() < 1e-5);
    }
}
