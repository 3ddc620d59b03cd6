//! Backward pass of conv1: one workgroup per image, in workgroup memory. Only the maximum of each pooling window has a gradient.

use cubecl::prelude::*;

use super::activation::slope;
use super::layout::THREADS;
use super::layout::memory::{CONV1_CELLS, IMAGE, PATCH, PATCHES, PIXEL_CONV1};
use crate::model::{Activation, CONV1, CONV2, KERNEL, OFFSETS, TAPS};

/// Partial sums per weight.
const PARTS: usize = 8;

/// Replaces the activations of conv1 by d_z, and fills [`PIXEL_CONV1`]. `argmax` is the result of `conv1` in this thread. Waits
/// for all threads.
#[cube]
pub fn d_z_conv1(memory: &mut SharedMemory<f32>, argmax: u32, #[comptime] activation: Activation) {
    let mut shift = 0u32;
    for cell in range_stepped(UNIT_POS as usize, comptime!(CONV1.output_len()), THREADS) {
        let channel = cell / comptime!(CONV1.cells());
        let y = ((cell % comptime!(CONV1.cells())) / CONV1.pooled) as u32;
        let x = (cell % CONV1.pooled) as u32;
        let patches = PATCHES + channel * comptime!(CONV2.cells() * PATCH * PATCH);
        let mut sum = 0.0f32;
        // Patches have six rows and columns and start at every other row and column, so up to nine patches cover a cell. Where
        // no patch exists, the subtraction wraps around to a large number, which `is_covered` rejects.
        for i in 0..3u32 {
            let patch_row = y / 2u32 - i;
            let row = y - 2u32 * patch_row;
            for j in 0..3u32 {
                let patch_column = x / 2u32 - j;
                let column = x - 2u32 * patch_column;
                let is_covered =
                    patch_row < 4u32 && row < 6u32 && patch_column < 4u32 && column < 6u32;
                let index = ((patch_row * 4u32 + patch_column) * 6u32 + row) * 6u32 + column;
                let index = select(is_covered, index, 0u32) as usize;
                sum += select(is_covered, memory[patches + index], 0.0f32);
            }
        }
        memory[CONV1_CELLS + cell] = sum * slope(memory[CONV1_CELLS + cell], activation);
        let index = (argmax >> shift) & 3u32;
        shift += 2u32;
        let side = comptime!(CONV1.side as u32);
        let pixel = (2u32 * y + index / 2u32) * side + 2u32 * x + index % 2u32;
        memory[PIXEL_CONV1 + cell] = f32::cast_from(pixel);
    }
    sync_cube();
}

/// Computes the gradients of conv1's parameters from this image, each as the sum of [`PARTS`] partial sums.
#[cube]
pub fn conv1_gradients(memory: &mut SharedMemory<f32>, saved: &mut Array<f32>, base: usize) {
    // A unit of work computes one partial sum for one kernel row (five weights). Units are ordered by part, channel, row.
    let rows = comptime!(CONV1.outputs * KERNEL);
    for unit in range_stepped(UNIT_POS as usize, comptime!(PARTS * CONV1.outputs * KERNEL), THREADS)
    {
        let part = unit / rows;
        let channel = (unit % rows) / KERNEL;
        let row = unit % KERNEL;
        let mut g0 = 0.0f32;
        let mut g1 = 0.0f32;
        let mut g2 = 0.0f32;
        let mut g3 = 0.0f32;
        let mut g4 = 0.0f32;
        let cells = comptime!(CONV1.cells() / PARTS);
        let first = channel * comptime!(CONV1.cells()) + part * cells;
        for cell in first..first + cells {
            let d_z = memory[CONV1_CELLS + cell];
            let x = IMAGE + memory[PIXEL_CONV1 + cell] as usize + row * CONV1.side;
            g0 = fma(d_z, memory[x], g0);
            g1 = fma(d_z, memory[x + 1], g1);
            g2 = fma(d_z, memory[x + 2], g2);
            g3 = fma(d_z, memory[x + 3], g3);
            g4 = fma(d_z, memory[x + 4], g4);
        }
        let to = PATCHES + unit * KERNEL;
        memory[to] = g0;
        memory[to + 1] = g1;
        memory[to + 2] = g2;
        memory[to + 3] = g3;
        memory[to + 4] = g4;
    }
    sync_cube();
    let weights = comptime!(CONV1.outputs * TAPS);
    for weight in range_stepped(UNIT_POS as usize, weights, THREADS) {
        let mut sum = 0.0f32;
        for part in 0..PARTS {
            sum += memory[PATCHES + part * weights + weight];
        }
        saved[base + weight] = sum;
    }
    // Six of the threads that had no weight to sum compute the gradients of the biases.
    if UNIT_POS >= 160u32 && UNIT_POS < 166u32 {
        let channel = UNIT_POS as usize - 160;
        let mut s0 = 0.0f32;
        let mut s1 = 0.0f32;
        let mut s2 = 0.0f32;
        let mut s3 = 0.0f32;
        for four in 0..comptime!(CONV1.cells() / 4) {
            let from = CONV1_CELLS + channel * comptime!(CONV1.cells()) + 4 * four;
            s0 += memory[from];
            s1 += memory[from + 1];
            s2 += memory[from + 2];
            s3 += memory[from + 3];
        }
        saved[base + comptime!(OFFSETS[1]) + channel] = (s0 + s1) + (s2 + s3);
    }
}

const _: () = assert!(CONV1.outputs * TAPS <= 160 && CONV1.outputs == 6);
