//! The activation that a network is trained with, and the sigmoids that it is saved with.
//!
//! A sigmoid is a tanh, `sigmoid(x) = (1 + tanh(x / 2)) / 2`, so LeNet with sigmoids is also a network of tanh layers
//! whose outputs are `o = (1 + t) / 2`. A layer of sigmoids computes `sigmoid(w s + b)` from sigmoids s; one of tanh
//! computes `tanh(v t + c)` from `t = 2 s - 1`; both are the same function where
//!
//! ```text
//! w = 4 v,  b = 2 c - 2 sum(v)      with activations as input
//! w = 2 v,  b = 2 c                 in conv1, whose input is pixels
//! ```
//!
//! t lies about zero where s is always positive, and from such inputs gradient descent goes more directly (LeCun et al.
//! 1998, "Efficient BackProp", sections 4.3 and 4.4).

use serde::{Deserialize, Serialize};

use crate::data::Scaling;

use super::Weights;

/// What follows each layer while a network is trained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// The logistic function, as in the saved model.
    #[default]
    Sigmoid,
    /// The hyperbolic tangent; the outputs are brought from -1..1 to 0..1.
    Tanh,
}

impl Weights {
    /// The model of this training, with sigmoids and for raw pixels, that computes what these weights compute with
    /// `activation` on pixels scaled by `scaling`.
    ///
    /// `sum(w (x - mean) / deviation) + b = sum(w / deviation x) + (b - mean / deviation sum(w))` is exact, because
    /// conv1 has no padding, so that each of its sums runs over a whole window of pixels.
    pub fn fold(&self, activation: Activation, scaling: Scaling) -> Self {
        let mut folded = self.clone();
        for (layer, tensors) in folded.tensors_mut().chunks_exact_mut(2).enumerate() {
            let [weights, biases] = tensors else { continue };
            let inputs = weights.len() / biases.len();
            let of_conv1 = layer == 0;
            let (mean, deviation) = match scaling {
                Scaling::Standardise { mean, deviation } if of_conv1 => {
                    (f64::from(mean), f64::from(deviation))
                }
                _ => (0.0, 1.0),
            };
            // w = weight * v, b = bias * c + offset * sum(v).
            let (weight, bias, offset) = match activation {
                Activation::Sigmoid => (1.0, 1.0, 0.0),
                Activation::Tanh if of_conv1 => (2.0, 2.0, 0.0),
                Activation::Tanh => (4.0, 2.0, -2.0),
            };
            let offset = offset - weight * mean / deviation;
            for (weights, b) in weights.chunks_exact_mut(inputs).zip(biases) {
                let sum: f64 = weights.iter().map(|v| f64::from(*v)).sum();
                *b = (bias * f64::from(*b) + offset * sum) as f32;
                for w in weights {
                    *w = (weight / deviation * f64::from(*w)) as f32;
                }
            }
        }
        folded
    }

    /// Initial weights of a network with `activation`, from those of one with sigmoids: scaled to mean the same, with
    /// biases of zero.
    pub fn for_activation(mut self, activation: Activation) -> Self {
        if activation == Activation::Tanh {
            for (index, values) in self.tensors_mut().iter_mut().enumerate() {
                let factor = if index == 0 { 0.5 } else { 0.25 };
                values.iter_mut().for_each(|value| *value *= factor);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sigmoids_on_raw_pixels_stay_and_scaling_changes_conv1_alone() {
        let weights = Weights::initial(3, 4.0);
        assert_eq!(weights.fold(Activation::Sigmoid, Scaling::Raw), weights);
        let folded = weights.fold(Activation::Sigmoid, Scaling::STANDARD);
        assert_eq!(folded.tensors()[2..], weights.tensors()[2..]);
        let sum = |w: &Weights, x: f32| -> f32 {
            w.tensors()[0][..25].iter().map(|w| w * x).sum::<f32>() + w.tensors()[1][0]
        };
        let x = 200.0;
        let scaled = Scaling::STANDARD.apply(&[200])[0];
        assert!((sum(&folded, x) - sum(&weights, scaled)).abs() < 1e-5);
    }

    #[test]
    fn a_layer_of_tanh_becomes_the_layer_of_sigmoids_that_computes_the_same() {
        let mut weights = Weights::initial(5, 1.0);
        weights.tensors_mut()[9].fill(0.25);
        let folded = weights.fold(Activation::Tanh, Scaling::Raw);
        let unit = |w: &Weights, inputs: &[f64]| -> f64 {
            let sum = inputs.iter().zip(&w.tensors()[8][..84]).map(|(x, w)| x * f64::from(*w));
            sum.sum::<f64>() + f64::from(w.tensors()[9][0])
        };
        let t: Vec<f64> = (0..84).map(|i| (f64::from(i) * 0.7).sin()).collect();
        let s: Vec<f64> = t.iter().map(|t| (1.0 + t) / 2.0).collect();
        let tanh = (1.0 + unit(&weights, &t).tanh()) / 2.0;
        let sigmoid = 1.0 / (1.0 + (-unit(&folded, &s)).exp());
        assert!((tanh - sigmoid).abs() < 1e-6, "{tanh} {sigmoid}");
    }

    #[test]
    fn initial_weights_mean_the_same_with_either_activation() {
        let sigmoid = Weights::initial(1, 3.0);
        let tanh = sigmoid.clone().for_activation(Activation::Tanh);
        let folded = tanh.fold(Activation::Tanh, Scaling::Raw);
        for index in [0, 2, 4, 6, 8] {
            assert_eq!(folded.tensors()[index], sigmoid.tensors()[index]);
        }
        assert!(tanh.tensors()[5].iter().all(|bias| *bias == 0.0));
    }
}
