//! Backward pass of conv2: one workgroup per image, in workgroup memory. Only the maximum of each pooling window has a gradient.

use cubecl::prelude::*;

use super::activation::slope;
use super::layout::memory::{
    ARGMAX_CONV2, CONV1_CELLS, D_CONV2, PARTS, PATCH, PATCHES, WEIGHT_CONV2, X,
};
use super::layout::{CONVOLUTIONS, THREADS};
use crate::model::{Activation, CONV2, KERNEL, OFFSETS, TAPS};

/// Computes d_z of conv2 from the eight partial sums that `input_gradient` of fc1 has written. Waits for all threads.
#[cube]
pub fn d_z_conv2(memory: &mut SharedMemory<f32>, #[comptime] activation: Activation) {
    let cells = comptime!(CONV2.output_len());
    for cell in range_stepped(UNIT_POS as usize, cells, THREADS) {
        let mut sums = Sequence::<f32>::new();
        #[unroll]
        for pair in 0..4usize {
            let from = PARTS + cell + comptime!(2 * pair * CONV2.output_len());
            sums.push(memory[from] + memory[from + cells]);
        }
        let sum = (*sums.index(0usize) + *sums.index(1usize))
            + (*sums.index(2usize) + *sums.index(3usize));
        memory[D_CONV2 + cell] = sum * slope(memory[comptime!(X[0]) + cell], activation);
    }
    sync_cube();
}

/// Computes the gradients of conv2's parameters from this image.
#[cube]
pub fn conv2_gradients(memory: &mut SharedMemory<f32>, saved: &mut Array<f32>, base: usize) {
    let cells = comptime!(CONV2.cells());
    // A unit of work is a row of five weights, indexed by output channel, input channel and row.
    let units = comptime!(CONV2.outputs * CONV2.inputs * KERNEL);
    for unit in range_stepped(UNIT_POS as usize, units, THREADS) {
        let output = unit / comptime!(CONV2.inputs * KERNEL);
        let input = (unit / KERNEL) % CONV2.inputs;
        let row = unit % KERNEL;
        let mut g0 = 0.0f32;
        let mut g1 = 0.0f32;
        let mut g2 = 0.0f32;
        let mut g3 = 0.0f32;
        let mut g4 = 0.0f32;
        for turn in 0..cells {
            // Threads of different input channels start at different cells, and therefore in different memory banks.
            let cell = (turn + 3 * input) % cells;
            let d_z = memory[D_CONV2 + output * cells + cell];
            let index = memory[ARGMAX_CONV2 + output * cells + cell] as usize;
            let y = cell / CONV2.pooled * 2 + index / 2 + row;
            let plane = CONV1_CELLS + input * comptime!(CONV2.plane());
            let x = plane + y * CONV2.side + cell % CONV2.pooled * 2 + index % 2;
            g0 = fma(d_z, memory[x], g0);
            g1 = fma(d_z, memory[x + 1], g1);
            g2 = fma(d_z, memory[x + 2], g2);
            g3 = fma(d_z, memory[x + 3], g3);
            g4 = fma(d_z, memory[x + 4], g4);
        }
        let to = base + comptime!(OFFSETS[2]) + unit * KERNEL;
        saved[to] = g0;
        saved[to + 1] = g1;
        saved[to + 2] = g2;
        saved[to + 3] = g3;
        saved[to + 4] = g4;
    }
    for channel in range_stepped(UNIT_POS as usize, CONV2.outputs, THREADS) {
        let mut sum = 0.0f32;
        for cell in 0..cells {
            sum += memory[D_CONV2 + channel * cells + cell];
        }
        saved[base + comptime!(OFFSETS[3]) + channel] = sum;
    }
}

/// Computes the gradient of conv2's input from each pooling window, summed over the output channels; see [`PATCHES`]. Waits for
/// all threads.
#[cube]
pub fn conv2_input_gradient(memory: &mut SharedMemory<f32>) {
    let cells = comptime!(CONV2.cells());
    // A unit of work is a row of a patch, indexed by input channel, window and row.
    let units = comptime!(CONV2.inputs * CONV2.cells() * PATCH);
    for unit in range_stepped(UNIT_POS as usize, units, THREADS) {
        let input = unit / comptime!(CONV2.cells() * PATCH);
        let cell = (unit / PATCH) % cells;
        let row = (unit % PATCH) as u32;
        let mut g0 = 0.0f32;
        let mut g1 = 0.0f32;
        let mut g2 = 0.0f32;
        let mut g3 = 0.0f32;
        let mut g4 = 0.0f32;
        let mut g5 = 0.0f32;
        for output in 0..CONV2.outputs {
            let index = memory[ARGMAX_CONV2 + output * cells + cell] as u32;
            // The row of the kernel for this row of the patch. If the subtraction wraps around or gives 5, no such row exists.
            let kernel_row = row - index / 2u32;
            let is_right = index % 2u32 == 1u32;
            let d_z = memory[D_CONV2 + output * cells + cell];
            let d_z = select(kernel_row < 5u32, d_z, 0.0f32);
            let weights = WEIGHT_CONV2 + (output * CONV2.inputs + input) * TAPS;
            let from = weights + 5 * min(kernel_row, 4u32) as usize;
            let w0 = memory[from];
            let w1 = memory[from + 1];
            let w2 = memory[from + 2];
            let w3 = memory[from + 3];
            let w4 = memory[from + 4];
            g0 = fma(d_z, select(is_right, 0.0f32, w0), g0);
            g1 = fma(d_z, select(is_right, w0, w1), g1);
            g2 = fma(d_z, select(is_right, w1, w2), g2);
            g3 = fma(d_z, select(is_right, w2, w3), g3);
            g4 = fma(d_z, select(is_right, w3, w4), g4);
            g5 = fma(d_z, select(is_right, w4, 0.0f32), g5);
        }
        let to = PATCHES + unit * PATCH;
        memory[to] = g0;
        memory[to + 1] = g1;
        memory[to + 2] = g2;
        memory[to + 3] = g3;
        memory[to + 4] = g4;
        memory[to + 5] = g5;
    }
    sync_cube();
}

// The gradients are at the start of the saved values, in the layout of the parameters.
const _: () = assert!(OFFSETS[3] + CONV2.outputs == CONVOLUTIONS);
