//! Optimizers: the update rules of a training step, and the learning-rate schedules.
//!
//! A step updates each parameter `w` with gradient `g` and velocity `v` as in PyTorch without dampening (Sutskever et al. 2013,
//! equations 1 to 4, in the form of Bengio et al. 2012):
//!
//! ```text
//! g = g + weight_decay * w          weights only, not biases
//! v = momentum * v + g              with momentum; without momentum, d = g
//! d = g + momentum * v              with Nesterov momentum; otherwise d = v
//! w = w - learning_rate * d         learning_rate = base learning rate * schedule factor
//! ```
//!
//! With [`Muon`], the weights of conv2, fc1 and fc2 move along the orthogonalised `d` instead.

use serde::{Deserialize, Serialize};

use crate::model::{CONV2, FC1, FC2, TAPS};

/// The update rule of a step, except for the learning rate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sgd {
    /// Momentum; 0 for none.
    pub momentum: f32,
    /// Whether the momentum is Nesterov's.
    pub nesterov: bool,
    /// Weight decay: this multiple of a weight is added to its gradient.
    pub weight_decay: f32,
    /// Update rule of the large matrices, or `None` if they are updated like the other parameters.
    pub muon: Option<Muon>,
}

impl Sgd {
    /// Returns the number of values that the optimizer keeps for each parameter: one (the velocity) with momentum, otherwise
    /// none.
    pub fn slots(&self) -> usize {
        usize::from(self.momentum > 0.0)
    }
}

/// Orthogonalised momentum for large matrices: the step has the same length in every direction (Jordan et al. 2024, "Muon: An
/// optimizer for hidden layers in neural networks").
///
/// For a matrix `w` with R rows and C columns and its direction `d`:
///
/// ```text
/// x = d / |d|                                                  Frobenius norm
/// x = x (a + b g + c g g),  g = transpose(x) x                 ROUNDS times; if d = U S V', x approaches U V'
/// w = w - learning_rate * (sqrt(max(R, C) / min(R, C)) * x + weight_decay * w)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Muon {
    /// Weight decay, decoupled from the gradient.
    pub weight_decay: f32,
}

impl Muon {
    /// The coefficients a, b and c. Of the polynomials that keep singular values near 1, the one with these coefficients is the
    /// steepest at 0 (Jordan et al.).
    pub const COEFFICIENTS: [f32; 3] = [3.4445, -4.7750, 2.0315];
    /// Number of Newton-Schulz iterations. With two iterations, the accuracy of the tuned recipe after four epochs is 0.005
    /// lower; a fourth iteration does not raise the accuracy.
    pub const ROUNDS: usize = 3;
    /// Lower bound of the norm by which a direction is divided.
    pub const LEAST_NORM: f32 = 1e-7;

    /// Returns whether Muon updates tensor `index` of [`crate::model::TENSORS`].
    pub fn updates(index: usize) -> bool {
        MATRICES.iter().any(|matrix| matrix.tensor == index)
    }

    /// Returns `sqrt(max(R, C) / min(R, C))`, the factor by which the orthogonal matrix is multiplied.
    pub fn scale(matrix: Matrix) -> f32 {
        let Matrix { rows, columns, .. } = matrix;
        (rows.max(columns) as f32 / rows.min(columns) as f32).sqrt()
    }
}

/// A weight viewed as a matrix, row-major in the layout of [`crate::model::Weights`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matrix {
    /// Index in [`crate::model::TENSORS`].
    pub tensor: usize,
    /// Rows: output channels of conv2, or inputs of a dense layer.
    pub rows: usize,
    /// Columns: weights of one output channel of conv2, or outputs of a dense layer.
    pub columns: usize,
}

/// The weights that [`Muon`] updates: those of conv2, fc1 and fc2.
pub const MATRICES: [Matrix; 3] = [
    Matrix { tensor: 2, rows: CONV2.outputs, columns: CONV2.inputs * TAPS },
    Matrix { tensor: 4, rows: FC1.inputs, columns: FC1.outputs },
    Matrix { tensor: 6, rows: FC2.inputs, columns: FC2.outputs },
];

/// The learning-rate schedule: a factor of the base learning rate.
///
/// The factor is a pure function of the step. Burn's schedulers count their calls instead, so a checkpoint would have to store
/// that count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// 1 at every step.
    #[default]
    Constant,
    /// Linear warm-up from 0 to 1, then linear decay to 0 at the last step (Defazio et al. 2023, "When, Why and How Much?
    /// Adaptive Learning Rate Scheduling by Refinement").
    Linear {
        /// Fraction of all steps spent on the warm-up.
        warm_up: f64,
    },
}

impl Schedule {
    /// Returns the factor at step `step` of `steps`, counted from 0. The schedule is evaluated in the middle of the step.
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
    fn linear_schedule_warms_up_and_decays() {
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

    #[test]
    fn plain_sgd_has_no_slots() {
        assert_eq!(Sgd::default().slots(), 0);
        assert_eq!(Sgd { momentum: 0.9, ..Sgd::default() }.slots(), 1);
    }
}
