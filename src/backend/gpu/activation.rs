//! The activations and their derivatives.

use cubecl::prelude::*;

use crate::model::Activation;

/// Computes the activation of x. Uses exp for tanh as well, because the tanh of some drivers returns NaN for large values.
#[cube]
pub fn activate(x: f32, #[comptime] activation: Activation) -> f32 {
    if comptime!(activation == Activation::Tanh) {
        1.0f32 - 2.0f32 / (1.0f32 + (2.0f32 * x).exp())
    } else {
        1.0f32 / (1.0f32 + (-x).exp())
    }
}

/// Computes the derivative of the activation from its value y.
#[cube]
pub fn slope(y: f32, #[comptime] activation: Activation) -> f32 {
    if comptime!(activation == Activation::Tanh) { 1.0f32 - y * y } else { y * (1.0f32 - y) }
}
