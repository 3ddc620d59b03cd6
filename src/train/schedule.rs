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
    /// A straight rise from zero, then a straight fall to zero at the last step (Defazio et al. 2023, "When, Why and
    /// How Much? Adaptive Learning Rate Scheduling by Refinement").
    Linear {
        /// The rise's share of all steps.
        warm_up: f64,
    },
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
        let (Self::Linear { warm_up } | Self::Cosine { warm_up }) = self else {
            return 1.0;
        };
        let done = (step as f64 + 0.5) / steps as f64;
        if done < warm_up {
            return done / warm_up;
        }
        let fallen = (done - warm_up) / (1.0 - warm_up);
        match self {
            Self::Cosine { .. } => 0.5 * (1.0 + (PI * fallen).cos()),
            _ => 1.0 - fallen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_evenly_to_its_height_and_falls_to_zero() {
        let warm_up = 0.1;
        // A quarter down: 3/4 on the line, (1 + cos(pi / 4)) / 2 on the cosine.
        let falls = [
            (Schedule::Linear { warm_up }, 0.75),
            (Schedule::Cosine { warm_up }, 0.853_553_390_593_273_7),
        ];
        for (schedule, quarter) in falls {
            let shares: Vec<f64> = (0..1000).map(|step| schedule.share(step, 1000)).collect();
            assert!((shares[0] - 0.005).abs() < 1e-12, "{}", shares[0]);
            assert!((shares[49] - 0.495).abs() < 1e-12);
            assert!(shares[..100].is_sorted());
            assert!(shares[100] > 0.999 && shares[100] <= 1.0);
            assert!(shares[100..].iter().rev().is_sorted());
            let between = (shares[324] + shares[325]) / 2.0;
            assert!((between - quarter).abs() < 1e-5, "{between}");
            assert!(
                (shares[549] + shares[550] - 1.0).abs() < 1e-12,
                "half way down"
            );
            assert!(shares[999] > 0.0 && shares[999] < 1e-3);
            // One step in all, and no rise.
            let warm_up = 0.0;
            let at_once = match schedule {
                Schedule::Linear { .. } => Schedule::Linear { warm_up },
                _ => Schedule::Cosine { warm_up },
            };
            assert_eq!(at_once.share(0, 1), 0.5);
        }
        assert_eq!(Schedule::Constant.share(7, 9), 1.0);
    }
}
