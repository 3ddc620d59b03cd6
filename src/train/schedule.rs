//! How the learning rate changes over a training.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// The course of the learning rate, as a share of the recipe's.
///
/// A pure function of the step, where Burn's schedulers count calls: a training that goes on in the middle needs
/// nothing but its step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// The same at every step.
    #[default]
    Constant,
    /// A straight rise from zero, then half a cosine down to zero at the last step (Loshchilov and Hutter 2017,
    /// equation 5, without restarts).
    Cosine {
        /// The rise's share of all steps.
        warm_up: f64,
    },
}

impl Schedule {
    /// The share at step `step` of `steps`, counted from 0.
    #[must_use]
    pub fn share(self, step: usize, steps: usize) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Cosine { warm_up } => {
                let done = (step as f64 + 0.5) / steps as f64;
                if done < warm_up {
                    done / warm_up
                } else {
                    0.5 * (1.0 + (PI * (done - warm_up) / (1.0 - warm_up)).cos())
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_evenly_to_its_height_and_falls_to_zero() {
        let cosine = Schedule::Cosine { warm_up: 0.1 };
        let shares: Vec<f64> = (0..1000).map(|step| cosine.share(step, 1000)).collect();
        assert!((shares[0] - 0.005).abs() < 1e-12, "{}", shares[0]);
        assert!((shares[49] - 0.495).abs() < 1e-12);
        assert!(shares[..100].is_sorted());
        assert!(shares[100] > 0.999_99 && shares[100] <= 1.0);
        assert!(shares[100..].iter().rev().is_sorted());
        assert!(
            (shares[549] + shares[550] - 1.0).abs() < 1e-12,
            "half way down"
        );
        assert!(shares[999] > 0.0 && shares[999] < 1e-5);
        assert_eq!(Schedule::Constant.share(7, 9), 1.0);
        // One step in all, and no rise.
        assert_eq!(Schedule::Cosine { warm_up: 0.0 }.share(0, 1), 0.5);
    }
}
