//! Stochastic gradient descent: the rule of one step and how the learning rate changes over a training.
//!
//! One step, for each parameter `w` with its gradient `g` and velocity `v`, as in PyTorch without dampening (Sutskever
//! et al. 2013, equations 1 to 4, in the form of Bengio et al. 2012):
//!
//! ```text
//! g = g + weight_decay * w          weights only, not biases
//! v = momentum * v + g              where there is momentum; or else g itself is the direction
//! d = g + momentum * v              Nesterov;  or else v
//! w = w - rate * d                  rate = learning rate * schedule factor
//! ```
//!
//! [`crate::ops`] has it as an operation on all parameters at once.

use serde::{Deserialize, Serialize};

/// How a step is made, but for its learning rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sgd {
    /// What a velocity keeps of itself at each step; 0 for none.
    pub momentum: f32,
    /// Whether momentum is Nesterov's.
    pub nesterov: bool,
    /// What is added to a weight's gradient, as a multiple of the weight.
    pub weight_decay: f32,
}

impl Sgd {
    /// Whether a step needs a velocity.
    #[must_use]
    pub fn has_velocity(&self) -> bool {
        self.momentum > 0.0
    }
}

/// The course of the learning rate: a factor on it.
///
/// A pure function of the step, where Burn's schedulers count calls: a training that goes on in the middle needs
/// nothing but its step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// 1 at every step.
    #[default]
    Constant,
    /// A straight rise from 0 to 1, then a straight fall to 0 at the last step (Defazio et al. 2023, "When, Why and
    /// How Much? Adaptive Learning Rate Scheduling by Refinement").
    Linear {
        /// The fraction of all steps in which it rises.
        warm_up: f64,
    },
}

impl Schedule {
    /// The factor at step `step` of `steps`, counted from 0: its value in the middle of the step.
    #[must_use]
    pub fn factor(self, step: usize, steps: usize) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Linear { warm_up } => {
                let done = (step as f64 + 0.5) / steps as f64;
                match done < warm_up {
                    true => done / warm_up,
                    false => (1.0 - done) / (1.0 - warm_up),
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
        let schedule = Schedule::Linear { warm_up: 0.1 };
        let factors: Vec<f64> = (0..1000).map(|step| schedule.factor(step, 1000)).collect();
        for (step, expected) in [(0, 0.005), (49, 0.495), (99, 0.995)] {
            assert!((factors[step] - expected).abs() < 1e-12, "{step}");
        }
        for (step, expected) in [(100, 899.5), (324, 675.5), (549, 450.5), (999, 0.5)] {
            let expected = expected / 900.0;
            assert!((factors[step] - expected).abs() < 1e-12, "{step}");
        }
        assert_eq!(Schedule::Linear { warm_up: 0.0 }.factor(0, 1), 0.5);
        assert_eq!(Schedule::Constant.factor(7, 9), 1.0);
    }
}
