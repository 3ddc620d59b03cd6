//! Forward pass of conv2 and its max-pool: one workgroup per image, in workgroup memory.

use cubecl::prelude::*;

use super::activation::activate;
use super::layout::THREADS;
use super::layout::memory::{ARGMAX_CONV2, CONV1_CELLS, PARTS, WEIGHT_CONV2, WEIGHTS, X};
use super::max_pool::{Window, convolve, maximum};
use crate::model::{Activation, CONV2, OFFSETS, TAPS};

/// Values of the output.
const CELLS: usize = CONV2.output_len();

/// Computes conv2, its max-pool and activation; the result is x of fc1. Waits for all threads.
///
/// Each input channel is summed separately. With one sum over all 150 products of an output, rounding selects another maximum
/// in some windows, and after twenty steps conv1's weights are off by 3e-3.
#[cube]
pub fn conv2(memory: &mut SharedMemory<f32>, #[comptime] activation: Activation) {
    for unit in range_stepped(UNIT_POS as usize, comptime!(2 * CELLS), THREADS) {
        // A unit of work sums one cell over half of its input channels.
        let half = unit / CELLS;
        let cell = unit % CELLS;
        let channel = cell / comptime!(CONV2.cells());
        let row = (cell / CONV2.pooled) % CONV2.pooled;
        let from = CONV1_CELLS + row * comptime!(2 * CONV2.side) + cell % CONV2.pooled * 2;
        let mut a = 0.0f32;
        let mut b = 0.0f32;
        let mut c = 0.0f32;
        let mut d = 0.0f32;
        let inputs = comptime!(CONV2.inputs / 2);
        for input in half * inputs..half * inputs + inputs {
            let weights = WEIGHT_CONV2 + (channel * CONV2.inputs + input) * TAPS;
            let plane = from + input * comptime!(CONV2.plane());
            let window = convolve(memory, plane, weights, CONV2.side);
            a += window.a;
            b += window.b;
            c += window.c;
            d += window.d;
        }
        let to = PARTS + half * comptime!(4 * CELLS) + cell;
        memory[to] = a;
        memory[to + CELLS] = b;
        memory[to + comptime!(2 * CELLS)] = c;
        memory[to + comptime!(3 * CELLS)] = d;
    }
    sync_cube();
    for cell in range_stepped(UNIT_POS as usize, CELLS, THREADS) {
        let from = PARTS + cell;
        let window = Window {
            a: memory[from] + memory[from + comptime!(4 * CELLS)],
            b: memory[from + CELLS] + memory[from + comptime!(5 * CELLS)],
            c: memory[from + comptime!(2 * CELLS)] + memory[from + comptime!(6 * CELLS)],
            d: memory[from + comptime!(3 * CELLS)] + memory[from + comptime!(7 * CELLS)],
        };
        let maximum = maximum(window);
        let bias = memory[comptime!(WEIGHTS + OFFSETS[3]) + cell / comptime!(CONV2.cells())];
        memory[comptime!(X[0]) + cell] = activate(maximum.value + bias, activation);
        memory[ARGMAX_CONV2 + cell] = f32::cast_from(maximum.index);
    }
    sync_cube();
}
