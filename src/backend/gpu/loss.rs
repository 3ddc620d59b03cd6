//! The loss of one image and its gradient, as defined in `model/loss.rs`.

use cubecl::prelude::*;

use super::layout::memory::{D_Z, OUTPUTS};
use super::layout::saved;
use crate::model::{self, Activation, CLIP};

/// Computes the loss of an image, whether its prediction is correct, and d_z of fc3. `base` is the start of the image's
/// saved values; `loss_at` and `correct_at` are indices in `results`. Waits for all threads.
#[allow(clippy::manual_range_contains, reason = "kernels do not support ranges")]
#[cube]
pub fn loss(
    memory: &mut SharedMemory<f32>,
    saved: &mut Array<f32>,
    base: usize,
    results: &mut Array<f32>,
    loss_at: usize,
    correct_at: usize,
    label: usize,
    #[comptime] activation: Activation,
) {
    if (UNIT_POS as usize) < model::OUTPUTS {
        let mut sum = 0.0f32;
        let mut best = 0usize;
        for class in 0..model::OUTPUTS {
            sum += clip(memory[OUTPUTS + class]);
            if memory[OUTPUTS + class] > memory[OUTPUTS + best] {
                best = class;
            }
        }
        let class = UNIT_POS as usize;
        let output = memory[OUTPUTS + class];
        let clipped = clip(output);
        let mut d_z = 1.0f32 / sum;
        if class == label {
            d_z -= 1.0f32 / clipped;
        }
        // A clipped output has no gradient.
        if output < CLIP || output > comptime!(1.0 - CLIP) {
            d_z = 0.0f32;
        }
        // For tanh, the output o = (1 + t) / 2 has the derivative (1 - t * t) / 2 = 2 o (1 - o), twice that of the logistic
        // function.
        let slope = output * (1.0f32 - output);
        let is_tanh = comptime!(activation == Activation::Tanh);
        d_z *= if is_tanh { 2.0f32 * slope } else { slope };
        memory[comptime!(D_Z[2]) + class] = d_z;
        saved[base + comptime!(saved::D_Z[2]) + class] = d_z;
        if class == label {
            results[loss_at] = (sum / clipped).ln();
            results[correct_at] = select(best == label, 1.0f32, 0.0f32);
        }
    }
    sync_cube();
}

/// Clips an output. Uses comparisons, which keep NaN; `clamp` may not.
#[cube]
fn clip(output: f32) -> f32 {
    let clipped = select(output < CLIP, CLIP, output);
    select(clipped > comptime!(1.0 - CLIP), comptime!(1.0 - CLIP), clipped)
}
