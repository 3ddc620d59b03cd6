//! The activation of a network in training, and the conversion to the saved form with sigmoids.
//!
//! A sigmoid is a scaled and shifted tanh: `sigmoid(x) = (1 + tanh(x / 2)) / 2`. LeNet with sigmoids is therefore also a
//! network of tanh layers with the outputs `o = (1 + t) / 2`. A sigmoid layer computes `sigmoid(w s + b)` from sigmoids s, and
//! a tanh layer computes `tanh(v t + c)` from `t = 2 s - 1`. The two layers are equivalent if
//!
//! ```text
//! w = 4 v,  b = 2 c - 2 sum(v)      for layers whose inputs are activations
//! w = 2 v,  b = 2 c                 for conv1, whose inputs are pixels
//! ```
//!
//! Training with tanh converges faster because t is centred around zero, whereas s is always positive (LeCun et al. 1998,
//! "Efficient BackProp", sections 4.3 and 4.4).

use serde::{Deserialize, Serialize};

use crate::data::Scaling;

use super::{TENSORS, Weights, range};

/// Activation function after each layer during training.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// The logistic function, as in the saved model.
    #[default]
    Sigmoid,
    /// The hyperbolic tangent. The network maps its outputs from -1..1 to 0..1.
    Tanh,
}

impl Weights {
    /// Converts weights trained with `activation` on scaled pixels into the saved form: sigmoids on raw pixels.
    ///
    /// `sum(w (x - mean) / deviation) + b = sum(w / deviation x) + (b - mean / deviation sum(w))` is exact because conv1 has no
    /// padding, so each of its sums covers a complete window of pixels.
    pub fn fold(&self, activation: Activation, scaling: Scaling) -> Self {
        let mut folded = self.clone();
        for layer in 0..TENSORS.len() / 2 {
            let (weight, bias) = (range(2 * layer), range(2 * layer + 1));
            let [weights, biases] = folded
                .values_mut()
                .get_disjoint_mut([weight, bias])
                .expect("the ranges of two tensors do not overlap");
            let is_conv1 = layer == 0;
            let (mean, deviation) = match scaling {
                Scaling::Standardise { mean, deviation } if is_conv1 => {
                    (f64::from(mean), f64::from(deviation))
                }
                _ => (0.0, 1.0),
            };
            // w = weight * v, b = bias * c + offset * sum(v).
            let (weight, bias, offset) = match activation {
                Activation::Sigmoid => (1.0, 1.0, 0.0),
                Activation::Tanh if is_conv1 => (2.0, 2.0, 0.0),
                Activation::Tanh => (4.0, 2.0, -2.0),
            };
            let offset = offset - weight * mean / deviation;
            let (outputs, inputs) = (biases.len(), weights.len() / biases.len());
            let is_dense = TENSORS[2 * layer].shape.len() == 2;
            for (output, b) in biases.iter_mut().enumerate() {
                let mut sum = 0.0;
                for input in 0..inputs {
                    let index =
                        if is_dense { input * outputs + output } else { output * inputs + input };
                    sum += f64::from(weights[index]);
                    weights[index] = (weight / deviation * f64::from(weights[index])) as f32;
                }
                *b = (bias * f64::from(*b) + offset * sum) as f32;
            }
        }
        folded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_folds_into_conv1_only() {
        let weights = Weights::initial(3, 4.0);
        assert_eq!(weights.fold(Activation::Sigmoid, Scaling::Raw), weights);
        let folded = weights.fold(Activation::Sigmoid, Scaling::STANDARD);
        let others = range(2).start;
        assert_eq!(folded.values()[others..], weights.values()[others..]);
        let sum = |w: &Weights, x: f32| -> f32 {
            w.tensor(0)[..25].iter().map(|w| w * x).sum::<f32>() + w.tensor(1)[0]
        };
        let x = 200.0;
        let scaled = Scaling::STANDARD.apply(&[200])[0];
        assert!((sum(&folded, x) - sum(&weights, scaled)).abs() < 1e-5);
    }

    #[test]
    fn tanh_layer_folds_into_sigmoid_layer() {
        let mut weights = Weights::initial(5, 1.0);
        weights.tensor_mut(9).fill(0.25);
        let folded = weights.fold(Activation::Tanh, Scaling::Raw);
        // The pre-activation of fc3's first output.
        let unit = |w: &Weights, inputs: &[f64]| -> f64 {
            let column = w.tensor(8).iter().step_by(10);
            let sum = inputs.iter().zip(column).map(|(x, w)| x * f64::from(*w));
            sum.sum::<f64>() + f64::from(w.tensor(9)[0])
        };
        let t: Vec<f64> = (0..84).map(|i| (f64::from(i) * 0.7).sin()).collect();
        let s: Vec<f64> = t.iter().map(|t| (1.0 + t) / 2.0).collect();
        let tanh = (1.0 + unit(&weights, &t).tanh()) / 2.0;
        let sigmoid = 1.0 / (1.0 + (-unit(&folded, &s)).exp());
        assert!((tanh - sigmoid).abs() < 1e-6, "{tanh} {sigmoid}");
    }
}
