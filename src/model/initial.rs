//! Initial weights: drawn on the host, so that a seed means the same start on every backend.

use crate::random::{self, Purpose};

use super::{TENSORS, Weights};

impl Weights {
    /// Glorot uniform weights and zero biases, as Keras draws them.
    ///
    /// A weight is uniform in `[-limit, limit)`, `limit = gain * sqrt(6 / (fan_in + fan_out))`; a convolution's
    /// fans count its whole window (Glorot and Bengio 2010, equation 16). `gain` is 1 in Keras. That limit is
    /// made for tanh; 4 times as much is the usual advice for sigmoids, whose slope at zero is a quarter of it.
    pub fn initial(seed: u64, gain: f32) -> Self {
        let mut stream = random::stream(seed, Purpose::Weights, 0);
        Self::new(TENSORS.map(|spec| match spec.shape {
            [outputs, inputs, window @ ..] => {
                let window: usize = window.iter().product();
                let limit = gain * (6.0 / ((inputs + outputs) * window) as f32).sqrt();
                (0..spec.numel())
                    .map(|_| (2.0 * random::uniform(&mut stream) - 1.0) * limit)
                    .collect()
            }
            _ => vec![0.0; spec.numel()],
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_fill_glorots_interval_and_biases_are_zero() {
        let limits =
            [0.185_164, 0.0, 0.104_447, 0.0, 0.126_323, 0.0, 0.171_499, 0.0, 0.252_646, 0.0];
        for ((spec, values), limit) in Weights::initial(7, 1.0).iter().zip(limits) {
            let largest = values.iter().fold(0.0f32, |a, v| a.max(v.abs()));
            assert!(largest <= limit, "{spec}: {largest} is over {limit}");
            assert!(largest >= 0.97 * limit, "{spec}: only {largest} of {limit}");
            let mean = values.iter().sum::<f32>() / values.len() as f32;
            assert!(
                mean.abs() <= 4.0 * limit / (3.0 * values.len() as f32).sqrt(),
                "{spec}: mean {mean}"
            );
        }
    }

    #[test]
    fn a_seed_is_a_start_and_the_gain_a_factor() {
        assert_eq!(Weights::initial(1, 1.0), Weights::initial(1, 1.0));
        assert_ne!(Weights::initial(1, 1.0), Weights::initial(2, 1.0));
        let (one, four) = (Weights::initial(1, 1.0), Weights::initial(1, 4.0));
        for (a, b) in one.tensors().iter().flatten().zip(four.tensors().iter().flatten()) {
            assert!((4.0 * a - b).abs() <= 1e-6);
        }
    }
}
