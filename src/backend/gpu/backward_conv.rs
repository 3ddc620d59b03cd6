//! The way back through the convolutions, for one image by one workgroup in its memory: this image's own gradients. Only
//! the pixels that max-pool chose matter.

use cubecl::prelude::*;

use super::elements::slope;
use super::layout::memory::{CELLS_1, CHOICE_2, DELTA_2, FIELDS, IMAGE, PIXEL, WEIGHTS2};
use super::layout::{CELLS1, PLANE1, THREADS};
use crate::model::OFFSETS;

/// This image's gradients of conv2.
#[cube]
pub fn conv2_gradients(memory: &mut SharedMemory<f32>, records: &mut Array<f32>, base: usize) {
    // Five weights in a row: output channel, input channel, row.
    for unit in range_stepped(UNIT_POS as usize, 480usize, THREADS) {
        let output = unit / 30;
        let input = (unit / 5) % 6;
        let row = unit % 5;
        let mut g0 = 0.0f32;
        let mut g1 = 0.0f32;
        let mut g2 = 0.0f32;
        let mut g3 = 0.0f32;
        let mut g4 = 0.0f32;
        for turn in 0..16usize {
            // The threads of different input channels begin at different cells, and so in different banks of memory.
            let cell = (turn + 3 * input) % 16;
            let delta = memory[DELTA_2 + output * 16 + cell];
            let choice = memory[CHOICE_2 + output * 16 + cell] as usize;
            let y = cell / 4 * 2 + choice / 2 + row;
            let x = CELLS_1 + input * PLANE1 + y * 12 + cell % 4 * 2 + choice % 2;
            g0 = fma(delta, memory[x], g0);
            g1 = fma(delta, memory[x + 1], g1);
            g2 = fma(delta, memory[x + 2], g2);
            g3 = fma(delta, memory[x + 3], g3);
            g4 = fma(delta, memory[x + 4], g4);
        }
        let to = base + comptime!(OFFSETS[2]) + unit * 5;
        records[to] = g0;
        records[to + 1] = g1;
        records[to + 2] = g2;
        records[to + 3] = g3;
        records[to + 4] = g4;
    }
    for channel in range_stepped(UNIT_POS as usize, 16usize, THREADS) {
        let mut sum = 0.0f32;
        for cell in 0..16usize {
            sum += memory[DELTA_2 + channel * 16 + cell];
        }
        records[base + comptime!(OFFSETS[3]) + channel] = sum;
    }
}

/// What reaches conv2's input through each pooling window, 6 x 6 values, summed over the output channels: see
/// [`FIELDS`]. Waits for all threads.
#[cube]
pub fn back_through_conv2(memory: &mut SharedMemory<f32>) {
    // A row of a field: input channel, window, row.
    for unit in range_stepped(UNIT_POS as usize, 576usize, THREADS) {
        let input = unit / 96;
        let cell = (unit / 6) % 16;
        let row = (unit % 6) as u32;
        let mut g0 = 0.0f32;
        let mut g1 = 0.0f32;
        let mut g2 = 0.0f32;
        let mut g3 = 0.0f32;
        let mut g4 = 0.0f32;
        let mut g5 = 0.0f32;
        for output in 0..16usize {
            let choice = memory[CHOICE_2 + output * 16 + cell] as u32;
            // The row of the weights that lies on this row; none where the subtraction wraps around, or 5.
            let tap = row - choice / 2u32;
            let is_right = choice % 2u32 == 1u32;
            let delta = select(tap < 5u32, memory[DELTA_2 + output * 16 + cell], 0.0f32);
            let from = WEIGHTS2 + (output * 6 + input) * 25 + 5 * min(tap, 4u32) as usize;
            let w0 = memory[from];
            let w1 = memory[from + 1];
            let w2 = memory[from + 2];
            let w3 = memory[from + 3];
            let w4 = memory[from + 4];
            g0 = fma(delta, select(is_right, 0.0f32, w0), g0);
            g1 = fma(delta, select(is_right, w0, w1), g1);
            g2 = fma(delta, select(is_right, w1, w2), g2);
            g3 = fma(delta, select(is_right, w2, w3), g3);
            g4 = fma(delta, select(is_right, w3, w4), g4);
            g5 = fma(delta, select(is_right, w4, 0.0f32), g5);
        }
        let to = FIELDS + unit * 6;
        memory[to] = g0;
        memory[to + 1] = g1;
        memory[to + 2] = g2;
        memory[to + 3] = g3;
        memory[to + 4] = g4;
        memory[to + 5] = g5;
    }
    sync_cube();
}

/// conv1's delta where its output was, and [`PIXEL`]; `choices` is what `conv1` returned to this thread. Waits for all
/// threads.
#[cube]
pub fn delta_conv1(memory: &mut SharedMemory<f32>, choices: u32, #[comptime] tanh: bool) {
    let mut shift = 0u32;
    for cell in range_stepped(UNIT_POS as usize, CELLS1, THREADS) {
        let channel = cell / PLANE1;
        let y = ((cell % PLANE1) / 12) as u32;
        let x = (cell % 12) as u32;
        let fields = FIELDS + channel * 576;
        let mut sum = 0.0f32;
        // A field begins at every other row and column, so up to nine of them cover a cell. Where a subtraction wraps
        // around, there is no field.
        for i in 0..3u32 {
            let field_row = y / 2u32 - i;
            let row = y - 2u32 * field_row;
            for j in 0..3u32 {
                let field_column = x / 2u32 - j;
                let column = x - 2u32 * field_column;
                let is_covered =
                    field_row < 4u32 && row < 6u32 && field_column < 4u32 && column < 6u32;
                let place = ((field_row * 4u32 + field_column) * 6u32 + row) * 6u32 + column;
                let place = select(is_covered, place, 0u32) as usize;
                sum += select(is_covered, memory[fields + place], 0.0f32);
            }
        }
        memory[CELLS_1 + cell] = sum * slope(memory[CELLS_1 + cell], tanh);
        let choice = (choices >> shift) & 3u32;
        shift += 2u32;
        let pixel = (2u32 * y + choice / 2u32) * 28u32 + 2u32 * x + choice % 2u32;
        memory[PIXEL + cell] = f32::cast_from(pixel);
    }
    sync_cube();
}

/// This image's gradients of conv1, in eight parts of each sum.
#[cube]
pub fn conv1_gradients(memory: &mut SharedMemory<f32>, records: &mut Array<f32>, base: usize) {
    // Five weights in a row: part, channel, row.
    for unit in range_stepped(UNIT_POS as usize, 240usize, THREADS) {
        let part = unit / 30;
        let channel = (unit % 30) / 5;
        let row = unit % 5;
        let mut g0 = 0.0f32;
        let mut g1 = 0.0f32;
        let mut g2 = 0.0f32;
        let mut g3 = 0.0f32;
        let mut g4 = 0.0f32;
        let first = channel * PLANE1 + part * 18;
        for cell in first..first + 18 {
            let delta = memory[CELLS_1 + cell];
            let x = IMAGE + memory[PIXEL + cell] as usize + row * 28;
            g0 = fma(delta, memory[x], g0);
            g1 = fma(delta, memory[x + 1], g1);
            g2 = fma(delta, memory[x + 2], g2);
            g3 = fma(delta, memory[x + 3], g3);
            g4 = fma(delta, memory[x + 4], g4);
        }
        let to = FIELDS + unit * 5;
        memory[to] = g0;
        memory[to + 1] = g1;
        memory[to + 2] = g2;
        memory[to + 3] = g3;
        memory[to + 4] = g4;
    }
    sync_cube();
    for weight in range_stepped(UNIT_POS as usize, 150usize, THREADS) {
        let mut sum = 0.0f32;
        for part in 0..8usize {
            sum += memory[FIELDS + part * 150 + weight];
        }
        records[base + weight] = sum;
    }
    // By threads that had no weight to add up.
    if UNIT_POS >= 160u32 && UNIT_POS < 166u32 {
        let channel = UNIT_POS as usize - 160;
        let mut s0 = 0.0f32;
        let mut s1 = 0.0f32;
        let mut s2 = 0.0f32;
        let mut s3 = 0.0f32;
        for four in 0..36usize {
            let from = CELLS_1 + channel * PLANE1 + 4 * four;
            s0 += memory[from];
            s1 += memory[from + 1];
            s2 += memory[from + 2];
            s3 += memory[from + 3];
        }
        records[base + comptime!(OFFSETS[1]) + channel] = (s0 + s1) + (s2 + s3);
    }
}
