//! Initial weights, drawn on the host so that a seed gives the same weights on every backend.

use crate::random::{self, Purpose};

use super::{Activation, OUTPUTS, TENSORS, Weights};

impl Weights {
    /// Draws Glorot uniform weights and sets all biases to zero, as Keras does.
    ///
    /// A weight is uniform in `[-limit, limit)`, `limit = gain * sqrt(6 / (fan_in + fan_out))`; both fans of a convolution are
    /// multiplied by the size of its window, 25 (Glorot and Bengio 2010, equation 16). Keras uses a gain of 1, which suits
    /// tanh. For sigmoids, whose slope at zero is a quarter of tanh's, the usual advice is a gain of 4.
    pub fn initial(seed: u64, gain: f32) -> Self {
        let mut stream = random::stream(seed, Purpose::Weights, 0);
        let mut weights = Self::zeros();
        for (index, spec) in TENSORS.iter().enumerate() {
            let [outputs, inputs, window @ ..] = spec.shape else {
                continue;
            };
            let window: usize = window.iter().product();
            let limit = gain * (6.0 / ((inputs + outputs) * window) as f32).sqrt();
            let tensor = weights.tensor_mut(index);
            for drawn in 0..spec.numel() {
                // Values are drawn in PyTorch's order: a dense layer's are drawn as [out, in] but stored as [in, out].
                let position = match spec.shape.len() {
                    2 => drawn % inputs * outputs + drawn / inputs,
                    _ => drawn,
                };
                tensor[position] = (2.0 * random::uniform(&mut stream) - 1.0) * limit;
            }
        }
        weights
    }

    /// Converts initial weights for sigmoids into weights of a network with `activation` that computes the same function.
    ///
    /// All biases must be zero.
    pub fn for_activation(mut self, activation: Activation) -> Self {
        if activation == Activation::Tanh {
            for index in 0..TENSORS.len() {
                let factor = if index == 0 { 0.5 } else { 0.25 };
                self.tensor_mut(index).iter_mut().for_each(|value| *value *= factor);
            }
        }
        self
    }

    /// Removes the outputs from number `classes` on, for a data set with fewer than ten classes.
    ///
    /// The weights of such an output are zero, and its pre-activation is its bias, which is `NO_CLASS` for sigmoids. The output
    /// is far below the bound [`CLIP`](super::CLIP) of the loss: it adds 1e-7 to the sum of the outputs and, because it is
    /// clipped, has no gradient. No step changes these parameters, because the weight decay of a weight of zero is zero, and
    /// biases have none.
    pub fn with_outputs(mut self, classes: usize, activation: Activation) -> Self {
        let bias = match activation {
            Activation::Sigmoid => NO_CLASS,
            Activation::Tanh => NO_CLASS / 2.0,
        };
        for row in self.tensor_mut(FC3_WEIGHT).chunks_exact_mut(OUTPUTS) {
            row[classes.min(OUTPUTS)..].fill(0.0);
        }
        self.tensor_mut(FC3_WEIGHT + 1)[classes.min(OUTPUTS)..].fill(bias);
        self
    }
}

/// Pre-activation of an output without a class. The sigmoid of -50 is 2e-22, and its computation does not overflow.
const NO_CLASS: f32 = -50.0;

/// Index in [`TENSORS`] of the weight of fc3, which is stored as [in, out].
const FC3_WEIGHT: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Scaling;

    #[test]
    fn initial_weights_fill_glorot_interval() {
        let limits =
            [0.185_164, 0.0, 0.104_447, 0.0, 0.126_323, 0.0, 0.171_499, 0.0, 0.252_646, 0.0];
        let weights = Weights::initial(7, 1.0);
        for (index, (spec, limit)) in TENSORS.iter().zip(limits).enumerate() {
            let values = weights.tensor(index);
            let largest = values.iter().fold(0.0f32, |a, v| a.max(v.abs()));
            assert!(largest <= limit, "{spec:?}: {largest} is over {limit}");
            assert!(largest >= 0.97 * limit, "{spec:?}: only {largest} of {limit}");
            let mean = values.iter().sum::<f32>() / values.len() as f32;
            assert!(
                mean.abs() <= 4.0 * limit / (3.0 * values.len() as f32).sqrt(),
                "{spec:?}: mean {mean}"
            );
        }
    }

    #[test]
    fn saved_model_lacks_removed_outputs() {
        for activation in [Activation::Sigmoid, Activation::Tanh] {
            let weights = Weights::initial(1, 3.0).for_activation(activation);
            let saved = weights.with_outputs(3, activation).fold(activation, Scaling::Raw);
            assert_eq!(saved.tensor(9)[3..], [NO_CLASS; 7]);
            assert!(saved.tensor(8).chunks_exact(OUTPUTS).all(|row| row[3..] == [0.0; 7]));
        }
    }

    #[test]
    fn gain_scales_initial_weights() {
        assert_eq!(Weights::initial(1, 1.0), Weights::initial(1, 1.0));
        assert_ne!(Weights::initial(1, 1.0), Weights::initial(2, 1.0));
        let (one, four) = (Weights::initial(1, 1.0), Weights::initial(1, 4.0));
        for (a, b) in one.values().iter().zip(four.values()) {
            assert!((4.0 * a - b).abs() <= 1e-6);
        }
    }

    #[test]
    fn initial_function_is_activation_independent() {
        let sigmoid = Weights::initial(1, 3.0);
        let tanh = sigmoid.clone().for_activation(Activation::Tanh);
        let folded = tanh.fold(Activation::Tanh, Scaling::Raw);
        for index in [0, 2, 4, 6, 8] {
            assert_eq!(folded.tensor(index), sigmoid.tensor(index));
        }
        assert!(tanh.tensor(5).iter().all(|bias| *bias == 0.0));
    }
}
