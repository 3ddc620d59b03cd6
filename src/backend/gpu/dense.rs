//! Forward and backward pass of the dense layers: one workgroup per image, in workgroup memory.
//!
//! The update phase computes these layers' parameter gradients: products of `x` and `d_z`, summed over images.

use cubecl::prelude::*;

use super::activation::{activate, slope};
use super::fours::{Four, read_float, read_four, write_four};
use super::layout::memory::{D_Z, OUTPUTS, PARTS, WEIGHT_FC3, X};
use super::layout::{THREADS, saved};
use crate::model::{Activation, DenseShape, FC1, FC2, FC3, OFFSETS};

/// Number of partial sums per output of fc3, and number of inputs per partial sum.
const FC3_PARTS: usize = 14;
const FC3_PART: usize = FC3.inputs / FC3_PARTS;

/// Computes fc1 if `layer` is 0, or fc2 if `layer` is 1. Each thread sums a part of the inputs for four outputs, and the parts
/// are added in order. Waits for all threads.
#[cube]
pub fn dense(
    memory: &mut SharedMemory<f32>,
    parameters: &Array<Four>,
    #[comptime] activation: Activation,
    #[comptime] layer: usize,
) {
    let DenseShape { inputs, outputs } = comptime!(shape(layer));
    let weights = comptime!(OFFSETS[4 + 2 * layer] / 4);
    let biases = comptime!(OFFSETS[5 + 2 * layer]);
    let fours = comptime!(outputs / 4);
    let parts = comptime!(THREADS / fours);
    let part = UNIT_POS as usize / fours;
    let four = UNIT_POS as usize % fours;
    if part < parts {
        let mut sum = Four::new(0.0f32);
        for i in range_stepped(part, inputs, parts) {
            let x = Four::new(memory[comptime!(X[layer]) + i]);
            sum = fma(parameters[weights + i * fours + four], x, sum);
        }
        write_four(memory, PARTS + part * outputs + 4 * four, sum);
    }
    sync_cube();
    for output in range_stepped(UNIT_POS as usize, outputs, THREADS) {
        let mut sum = read_float(parameters, biases + output);
        for part in 0..parts {
            sum += memory[PARTS + part * outputs + output];
        }
        memory[comptime!(X[layer + 1]) + output] = activate(sum, activation);
    }
    sync_cube();
}

/// Returns the shape of fc1 or fc2.
const fn shape(layer: usize) -> DenseShape {
    match layer {
        0 => FC1,
        _ => FC2,
    }
}

/// Computes fc3, whose outputs are mapped to 0..1, and keeps its weight at [`WEIGHT_FC3`]. Waits for all threads.
#[cube]
pub fn fc3(
    memory: &mut SharedMemory<f32>,
    parameters: &Array<Four>,
    #[comptime] activation: Activation,
) {
    let units = comptime!(FC3_PARTS * FC3.outputs);
    for unit in range_stepped(UNIT_POS as usize, units, THREADS) {
        let part = unit / FC3.outputs;
        let output = unit % FC3.outputs;
        let mut sum = 0.0f32;
        for i in part * FC3_PART..part * FC3_PART + FC3_PART {
            let index = i * FC3.outputs + output;
            let weight = read_float(parameters, comptime!(OFFSETS[8]) + index);
            memory[WEIGHT_FC3 + index] = weight;
            sum = fma(weight, memory[comptime!(X[2]) + i], sum);
        }
        memory[PARTS + unit] = sum;
    }
    sync_cube();
    if (UNIT_POS as usize) < FC3.outputs {
        let output = UNIT_POS as usize;
        let mut sum = read_float(parameters, comptime!(OFFSETS[9]) + output);
        for part in 0..FC3_PARTS {
            sum += memory[PARTS + part * FC3.outputs + output];
        }
        let y = activate(sum, activation);
        let is_tanh = comptime!(activation == Activation::Tanh);
        memory[OUTPUTS + output] = if is_tanh { (1.0f32 + y) / 2.0f32 } else { y };
    }
    sync_cube();
}

/// Computes d_z of fc2 from d_z of fc3. Waits for all threads.
#[cube]
pub fn d_z_fc2(
    memory: &mut SharedMemory<f32>,
    saved: &mut Array<f32>,
    base: usize,
    #[comptime] activation: Activation,
) {
    for unit in range_stepped(UNIT_POS as usize, FC2.outputs, THREADS) {
        let mut sum = 0.0f32;
        for class in 0..FC3.outputs {
            let weight = memory[WEIGHT_FC3 + unit * FC3.outputs + class];
            sum = fma(weight, memory[comptime!(D_Z[2]) + class], sum);
        }
        let d_z = sum * slope(memory[comptime!(X[2]) + unit], activation);
        memory[comptime!(D_Z[1]) + unit] = d_z;
        saved[base + comptime!(saved::D_Z[1]) + unit] = d_z;
    }
    sync_cube();
}

/// Computes the input gradient of fc1 or fc2 from that layer's d_z, as `parts` partial sums: part p of input i is at
/// `PARTS + p * inputs + i`. Waits for all threads.
#[cube]
pub fn input_gradient(
    memory: &mut SharedMemory<f32>,
    parameters: &Array<Four>,
    #[comptime] layer: usize,
    #[comptime] parts: usize,
) {
    let DenseShape { inputs, outputs } = comptime!(shape(layer));
    let weights = comptime!(OFFSETS[4 + 2 * layer] / 4);
    let fours = comptime!(outputs / 4);
    for unit in range_stepped(UNIT_POS as usize, comptime!(inputs * parts), THREADS) {
        let input = unit / parts;
        let part = unit % parts;
        let mut sum = Four::new(0.0f32);
        for four in range_stepped(part, fours, parts) {
            let d_z = read_four(memory, comptime!(D_Z[layer]) + 4 * four);
            sum = fma(parameters[weights + input * fours + four], d_z, sum);
        }
        memory[PARTS + part * inputs + input] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
    sync_cube();
}

/// Computes d_z of fc1 from the four partial sums that [`input_gradient`] of fc2 has written. Waits for all threads.
#[cube]
pub fn d_z_fc1(
    memory: &mut SharedMemory<f32>,
    saved: &mut Array<f32>,
    base: usize,
    #[comptime] activation: Activation,
) {
    let count = FC1.outputs;
    for unit in range_stepped(UNIT_POS as usize, count, THREADS) {
        let from = PARTS + unit;
        let sum = (memory[from] + memory[from + count])
            + (memory[from + 2 * count] + memory[from + 3 * count]);
        let d_z = sum * slope(memory[comptime!(X[1]) + unit], activation);
        memory[comptime!(D_Z[0]) + unit] = d_z;
        saved[base + comptime!(saved::D_Z[0]) + unit] = d_z;
    }
    sync_cube();
}

const _: () = assert!(FC3.inputs == FC3_PARTS * FC3_PART);
