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
//! With [`Muon`] the weights of conv2, fc1 and fc2, as matrices, go along `d` made orthogonal instead. [`crate::backend`] has
//! the step as an operation on all parameters at once.

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
    /// How the large matrices move, if another way.
    pub muon: Option<Muon>,
}

/// Steps of large matrices that are equally long in every direction (Jordan et al. 2024, "Muon: An optimizer for hidden
/// layers in neural networks").
///
/// For a matrix `w` of R inputs and C outputs whose velocity gives the direction `d`:
///
/// ```text
/// x = d / |d|                                                  Frobenius norm
/// x = x (a + b g + c g g),  g = transpose(x) x                 so many times: x nears U V', where d = U S V'
/// w = w - rate * (sqrt(max(R, C) / min(R, C)) * x + weight_decay * w)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Muon {
    /// What a weight loses at each step, as a multiple of the rate and the weight.
    pub weight_decay: f32,
}

impl Muon {
    /// a, b and c: the steepest at 0 of those that keep singular values about 1 (Jordan et al.).
    pub const COEFFICIENTS: [f32; 3] = [3.4445, -4.7750, 2.0315];
    /// Rounds. With two, tuned is 0.005 less accurate after four epochs, with four no more.
    pub const ROUNDS: usize = 3;
    /// The least that a direction is divided by, for one that is 0.
    pub const LEAST_NORM: f32 = 1e-7;

    /// Whether it moves tensor `index` of [`crate::model::TENSORS`].
    pub fn moves(index: usize) -> bool {
        MATRICES.iter().any(|matrix| matrix.tensor == index)
    }

    /// The factor on the orthogonal matrix.
    pub fn scale(matrix: Matrix) -> f32 {
        let Matrix { rows, columns, .. } = matrix;
        (rows.max(columns) as f32 / rows.min(columns) as f32).sqrt()
    }
}

/// A weight as a matrix, row-major as it lies in [`crate::model::OFFSETS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matrix {
    /// Its index in [`crate::model::TENSORS`].
    pub tensor: usize,
    /// Rows: outputs of conv2, inputs of a dense layer.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
}

/// The weights that [`Muon`] moves: those of conv2, fc1 and fc2.
pub const MATRICES: [Matrix; 3] = [
    Matrix { tensor: 2, rows: 16, columns: 150 },
    Matrix { tensor: 4, rows: 256, columns: 120 },
    Matrix { tensor: 6, rows: 120, columns: 84 },
];

impl Sgd {
    /// Whether a step needs a velocity.
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
