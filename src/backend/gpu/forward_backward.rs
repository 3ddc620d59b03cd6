//! The forward/backward phase of a step: forward and backward pass of the images, with one workgroup per image.

use cubecl::prelude::*;

use super::conv1::conv1;
use super::conv1_backward::{conv1_gradients, d_z_conv1};
use super::conv2::conv2;
use super::conv2_backward::{conv2_gradients, conv2_input_gradient, d_z_conv2};
use super::dense::{d_z_fc1, d_z_fc2, dense, fc3, input_gradient};
use super::fours::Four;
use super::layout::memory::{OUTPUTS, X};
use super::layout::{ALIGNMENT, IMAGE_WORDS, LABEL, THREADS, epoch as words, memory, saved};
use super::load::load;
use super::loss::loss;
use super::pack::UNCHANGED;
use crate::model::{self, Activation, FC1, FC2, FC3};

/// Bits of a NaN.
const POISON: u32 = 0x7FC0_0000;

/// Computes the results and saved values of the images that start at index [`words::NEXT`] of the order, one image per workgroup.
///
/// `images` and `order` are packed by [`super::pack`]; `results` has the losses of all images of the epoch and,
/// starting at [`correct_at`](super::layout::correct_at), their correctness.
#[cube(launch)]
pub fn forward_backward(
    images: &Array<u32>,
    order: &Array<u32>,
    parameters: &Array<Four>,
    saved: &mut Array<f32>,
    epoch: &mut Array<u32>,
    results: &mut Array<f32>,
    #[comptime] activation: Activation,
    #[comptime] is_poisoned: bool,
) {
    let mut memory = SharedMemory::<f32>::new(memory::LENGTH);
    if is_poisoned {
        poison(&mut memory);
    }
    let next = epoch[words::NEXT] as usize;
    let index = next + CUBE_POS_X as usize;
    let image = order[2 * index] as usize * IMAGE_WORDS;
    let base = CUBE_POS_X as usize * saved::LENGTH;

    load(&mut memory, images, parameters, epoch, image, order[2 * index + 1]);
    let argmax = forward_pass(&mut memory, parameters, activation);
    save_activations(&memory, saved, base);

    let label = images[image + LABEL] as usize;
    let correct_at = (epoch[words::COUNT] as usize).div_ceil(ALIGNMENT) * ALIGNMENT + index;
    loss(&mut memory, saved, base, results, index, correct_at, label, activation);
    d_z_fc2(&mut memory, saved, base, activation);
    input_gradient(&mut memory, parameters, 1usize, 4usize);
    d_z_fc1(&mut memory, saved, base, activation);
    input_gradient(&mut memory, parameters, 0usize, 8usize);
    d_z_conv2(&mut memory, activation);
    conv2_gradients(&mut memory, saved, base);
    conv2_input_gradient(&mut memory);
    d_z_conv1(&mut memory, argmax, activation);
    conv1_gradients(&mut memory, saved, base);

    if CUBE_POS_X == 0u32 && UNIT_POS == 0u32 {
        epoch[words::CURRENT] = next as u32;
    }
    if is_poisoned {
        // If anything was written past the end of the used memory, make the loss NaN.
        if UNIT_POS < 4u32 && u32::reinterpret(memory[memory::USED + UNIT_POS as usize]) != POISON {
            results[index] = f32::reinterpret(POISON);
        }
    }
}

/// Computes the outputs of each image, one image per workgroup. `epoch` is only read for the scaling of pixels.
#[cube(launch)]
pub fn forward(
    images: &Array<u32>,
    parameters: &Array<Four>,
    epoch: &Array<u32>,
    outputs: &mut Array<f32>,
    #[comptime] activation: Activation,
    #[comptime] is_poisoned: bool,
) {
    let mut memory = SharedMemory::<f32>::new(memory::LENGTH);
    if is_poisoned {
        poison(&mut memory);
    }
    let image = CUBE_POS_X as usize * IMAGE_WORDS;
    load(&mut memory, images, parameters, epoch, image, UNCHANGED);
    forward_pass(&mut memory, parameters, activation);
    let class = UNIT_POS as usize;
    if class < model::OUTPUTS {
        outputs[CUBE_POS_X as usize * model::OUTPUTS + class] = memory[OUTPUTS + class];
    }
}

/// Computes all layers, conv1 to fc3. Returns the packed argmax of conv1's pooling windows; see [`conv1()`].
#[cube]
fn forward_pass(
    memory: &mut SharedMemory<f32>,
    parameters: &Array<Four>,
    #[comptime] activation: Activation,
) -> u32 {
    let argmax = conv1(memory, activation);
    sync_cube();
    conv2(memory, activation);
    dense(memory, parameters, activation, 0usize);
    dense(memory, parameters, activation, 1usize);
    fc3(memory, parameters, activation);
    argmax
}

/// Copies x of the dense layers to the saved values, where they have the same order.
#[cube]
fn save_activations(memory: &SharedMemory<f32>, saved: &mut Array<f32>, base: usize) {
    let from = comptime!(X[0]);
    let to = base + comptime!(saved::X[0]);
    let count = comptime!(FC1.inputs + FC2.inputs + FC3.inputs);
    for value in range_stepped(UNIT_POS as usize, count, THREADS) {
        saved[to + value] = memory[from + value];
    }
}

/// Fills workgroup memory with NaN, so that reading uninitialised memory poisons the result.
#[cube]
fn poison(memory: &mut SharedMemory<f32>) {
    for index in range_stepped(UNIT_POS as usize, memory::LENGTH, THREADS) {
        memory[index] = f32::reinterpret(POISON);
    }
    sync_cube();
}
