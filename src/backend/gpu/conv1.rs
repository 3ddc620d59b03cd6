//! Forward pass of conv1 and its max-pool: one workgroup per image, in workgroup memory.

use cubecl::prelude::*;

use super::activation::activate;
use super::layout::THREADS;
use super::layout::memory::{CONV1_CELLS, IMAGE, WEIGHTS};
use super::max_pool::{convolve, maximum};
use crate::model::{Activation, CONV1, OFFSETS, TAPS};

/// Computes conv1, its max-pool and activation. Returns the argmax of each pooling window that this thread has computed, packed
/// into two bits per window.
#[cube]
pub fn conv1(memory: &mut SharedMemory<f32>, #[comptime] activation: Activation) -> u32 {
    let mut argmax = 0u32;
    let mut shift = 0u32;
    for cell in range_stepped(UNIT_POS as usize, comptime!(CONV1.output_len()), THREADS) {
        let channel = cell / comptime!(CONV1.cells());
        let row = (cell % comptime!(CONV1.cells())) / CONV1.pooled;
        let column = cell % CONV1.pooled;
        let from = IMAGE + row * comptime!(2 * CONV1.side) + column * 2;
        let window = convolve(memory, from, WEIGHTS + channel * TAPS, CONV1.side);
        let maximum = maximum(window);
        argmax |= maximum.index << shift;
        shift += 2u32;
        let z = maximum.value + memory[comptime!(WEIGHTS + OFFSETS[1]) + channel];
        memory[CONV1_CELLS + cell] = activate(z, activation);
    }
    argmax
}
