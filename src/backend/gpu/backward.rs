//! The way back through the dense layers, for one image by one workgroup in its memory: loss and deltas. These layers'
//! gradients are sums over images and are left to `weights`.

use cubecl::prelude::*;

use super::elements::{Four, read_four, slope};
use super::layout::memory::{DELTA_2, OUTPUTS, PARTS, WEIGHTS_FC3};
use super::layout::{CELLS2, THREADS, memory, record};
use crate::model::CLIP;

/// By comparisons, which keep what is no number; `clamp` may not.
#[cube]
fn clip(output: f32) -> f32 {
    let clipped = select(output < CLIP, CLIP, output);
    select(clipped > comptime!(1.0 - CLIP), comptime!(1.0 - CLIP), clipped)
}

/// Loss, right answer and fc3's delta. `base` is where this image's record begins, `loss_at` and `correct_at` are its
/// places in `scores`. Waits for all threads.
#[allow(clippy::manual_range_contains, reason = "a kernel has no ranges to ask")]
#[cube]
pub fn loss(
    memory: &mut SharedMemory<f32>,
    records: &mut Array<f32>,
    base: usize,
    scores: &mut Array<f32>,
    loss_at: usize,
    correct_at: usize,
    label: usize,
    #[comptime] tanh: bool,
) {
    if UNIT_POS < 10u32 {
        let mut sum = 0.0f32;
        let mut best = 0usize;
        for class in 0..10usize {
            sum += clip(memory[OUTPUTS + class]);
            if memory[OUTPUTS + class] > memory[OUTPUTS + best] {
                best = class;
            }
        }
        let class = UNIT_POS as usize;
        let output = memory[OUTPUTS + class];
        let clipped = clip(output);
        let mut delta = 1.0f32 / sum;
        if class == label {
            delta -= 1.0f32 / clipped;
        }
        // What was clipped has no influence.
        if output < CLIP || output > comptime!(1.0 - CLIP) {
            delta = 0.0f32;
        }
        // An output of (1 + t) / 2 has half the slope of its t, which is twice that of a logistic function.
        let slope = output * (1.0f32 - output);
        delta *= if tanh { 2.0f32 * slope } else { slope };
        memory[comptime!(memory::DELTAS[2]) + class] = delta;
        records[base + comptime!(record::DELTAS[2]) + class] = delta;
        if class == label {
            scores[loss_at] = (sum / clipped).ln();
            scores[correct_at] = select(best == label, 1.0f32, 0.0f32);
        }
    }
    sync_cube();
}

/// fc2's delta. Waits for all threads.
#[cube]
pub fn delta_fc2(
    memory: &mut SharedMemory<f32>,
    records: &mut Array<f32>,
    base: usize,
    #[comptime] tanh: bool,
) {
    for unit in range_stepped(UNIT_POS as usize, 84usize, THREADS) {
        let mut sum = 0.0f32;
        for class in 0..10usize {
            let weight = memory[WEIGHTS_FC3 + unit * 10 + class];
            sum = fma(weight, memory[comptime!(memory::DELTAS[2]) + class], sum);
        }
        let delta = sum * slope(memory[comptime!(memory::INPUTS[2]) + unit], tanh);
        memory[comptime!(memory::DELTAS[1]) + unit] = delta;
        records[base + comptime!(record::DELTAS[1]) + unit] = delta;
    }
    sync_cube();
}

/// The gradient of a dense layer's inputs, in `parts` parts of each sum: part p of input i lies at `PARTS + p * inputs + i`.
/// `weights` counts fours of parameters. Waits for all threads.
#[cube]
pub fn back_through_dense(
    memory: &mut SharedMemory<f32>,
    parameters: &Array<Four>,
    #[comptime] weights: usize,
    #[comptime] inputs: usize,
    #[comptime] deltas: usize,
    #[comptime] outputs: usize,
    #[comptime] parts: usize,
) {
    let fours = comptime!(outputs / 4);
    for unit in range_stepped(UNIT_POS as usize, comptime!(inputs * parts), THREADS) {
        let input = unit / parts;
        let part = unit % parts;
        let mut sum = Four::new(0.0f32);
        for four in range_stepped(part, fours, parts) {
            let delta = read_four(memory, deltas + 4 * four);
            sum = fma(parameters[weights + input * fours + four], delta, sum);
        }
        memory[PARTS + part * inputs + input] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
    sync_cube();
}

/// fc1's delta, from four parts of each sum. Waits for all threads.
#[cube]
pub fn delta_fc1(
    memory: &mut SharedMemory<f32>,
    records: &mut Array<f32>,
    base: usize,
    #[comptime] tanh: bool,
) {
    for unit in range_stepped(UNIT_POS as usize, 120usize, THREADS) {
        let from = PARTS + unit;
        let sum = (memory[from] + memory[from + 120]) + (memory[from + 240] + memory[from + 360]);
        let delta = sum * slope(memory[comptime!(memory::INPUTS[1]) + unit], tanh);
        memory[comptime!(memory::DELTAS[0]) + unit] = delta;
        records[base + comptime!(record::DELTAS[0]) + unit] = delta;
    }
    sync_cube();
}

/// conv2's delta, from eight parts of each sum. Waits for all threads.
#[cube]
pub fn delta_conv2(memory: &mut SharedMemory<f32>, #[comptime] tanh: bool) {
    for cell in range_stepped(UNIT_POS as usize, CELLS2, THREADS) {
        let mut sums = Sequence::<f32>::new();
        #[unroll]
        for pair in 0..4usize {
            let from = PARTS + cell + comptime!(2 * pair * CELLS2);
            sums.push(memory[from] + memory[from + CELLS2]);
        }
        let sum = (*sums.index(0usize) + *sums.index(1usize))
            + (*sums.index(2usize) + *sums.index(3usize));
        let slope = slope(memory[comptime!(memory::INPUTS[0]) + cell], tanh);
        memory[DELTA_2 + cell] = sum * slope;
    }
    sync_cube();
}
