//! The kernels that have a workgroup for each image: `samples` for training, `outputs` for the network's answers alone.

use cubecl::prelude::*;

use super::backward::{back_through_dense, delta_conv2, delta_fc1, delta_fc2, loss};
use super::backward_conv::{back_through_conv2, conv1_gradients, conv2_gradients, delta_conv1};
use super::elements::Four;
use super::forward::{conv1, conv2, dense, outputs as output_layer};
use super::layout::memory::{INPUTS, OUTPUTS};
use super::layout::{
    ALIGNMENT, IMAGE_WORDS, LABEL, THREADS, UNITS, memory, record, state as words,
};
use super::load::{load_convolutions, load_image};
use super::pack::UNCHANGED;
use crate::model::OFFSETS;

/// The bits of what is no number.
const POISON: u32 = 0x7FC0_0000;

/// Loss, right answer and [`record`] of each image from place [`words::NEXT`] on, one for each workgroup.
///
/// `images` as [`images`](super::pack::images) packs them, `places` an order with its transforms, `scores` the losses of the
/// whole pass, then its right answers from [`correct_at`](super::layout::correct_at) on.
#[cube(launch)]
pub fn samples(
    images: &Array<u32>,
    places: &Array<u32>,
    parameters: &Array<Four>,
    records: &mut Array<f32>,
    state: &mut Array<u32>,
    scores: &mut Array<f32>,
    #[comptime] tanh: bool,
    #[comptime] is_poisoned: bool,
) {
    let mut memory = SharedMemory::<f32>::new(memory::LENGTH);
    if is_poisoned {
        poison(&mut memory);
    }
    let next = state[words::NEXT] as usize;
    let place = next + CUBE_POS_X as usize;
    let image = places[2 * place] as usize * IMAGE_WORDS;
    let base = CUBE_POS_X as usize * record::LENGTH;

    load(&mut memory, images, parameters, state, image, places[2 * place + 1]);
    let choices = forward(&mut memory, parameters, tanh);
    keep(&memory, records, base);

    let label = images[image + LABEL] as usize;
    let correct_at = (state[words::COUNT] as usize).div_ceil(ALIGNMENT) * ALIGNMENT + place;
    loss(&mut memory, records, base, scores, place, correct_at, label, tanh);
    delta_fc2(&mut memory, records, base, tanh);
    back_through_dense(
        &mut memory,
        parameters,
        comptime!(OFFSETS[6] / 4),
        comptime!(UNITS[0]),
        comptime!(memory::DELTAS[1]),
        comptime!(UNITS[1]),
        4usize,
    );
    delta_fc1(&mut memory, records, base, tanh);
    back_through_dense(
        &mut memory,
        parameters,
        comptime!(OFFSETS[4] / 4),
        256usize,
        comptime!(memory::DELTAS[0]),
        comptime!(UNITS[0]),
        8usize,
    );
    delta_conv2(&mut memory, tanh);
    conv2_gradients(&mut memory, records, base);
    back_through_conv2(&mut memory);
    delta_conv1(&mut memory, choices, tanh);
    conv1_gradients(&mut memory, records, base);

    if CUBE_POS_X == 0u32 && UNIT_POS == 0u32 {
        state[words::BEGUN] = next as u32;
    }
    if is_poisoned {
        // Whoever wrote behind what is in use has spoilt the result.
        if UNIT_POS < 4u32 && u32::reinterpret(memory[memory::USED + UNIT_POS as usize]) != POISON {
            scores[place] = f32::reinterpret(POISON);
        }
    }
}

/// The ten outputs of each image, one for each workgroup; `state` is needed for the scaling alone.
#[cube(launch)]
pub fn outputs(
    images: &Array<u32>,
    parameters: &Array<Four>,
    state: &Array<u32>,
    outputs: &mut Array<f32>,
    #[comptime] tanh: bool,
    #[comptime] is_poisoned: bool,
) {
    let mut memory = SharedMemory::<f32>::new(memory::LENGTH);
    if is_poisoned {
        poison(&mut memory);
    }
    let image = CUBE_POS_X as usize * IMAGE_WORDS;
    load(&mut memory, images, parameters, state, image, UNCHANGED);
    forward(&mut memory, parameters, tanh);
    if UNIT_POS < 10u32 {
        let class = UNIT_POS as usize;
        outputs[CUBE_POS_X as usize * 10 + class] = memory[OUTPUTS + class];
    }
}

/// The image and the parameters of the convolutions into the memory. Waits for all threads.
#[cube]
fn load(
    memory: &mut SharedMemory<f32>,
    images: &Array<u32>,
    parameters: &Array<Four>,
    state: &Array<u32>,
    image: usize,
    change: u32,
) {
    let mean = f32::reinterpret(state[words::MEAN]);
    let deviation = f32::reinterpret(state[words::DEVIATION]);
    load_image(memory, images, image, change, mean, deviation);
    load_convolutions(memory, parameters);
    sync_cube();
}

/// The way through the network; what `conv1` returns.
#[cube]
fn forward(
    memory: &mut SharedMemory<f32>,
    parameters: &Array<Four>,
    #[comptime] tanh: bool,
) -> u32 {
    let choices = conv1(memory, tanh);
    sync_cube();
    conv2(memory, tanh);
    dense(
        memory,
        parameters,
        tanh,
        comptime!(OFFSETS[4] / 4),
        comptime!(OFFSETS[5] / 4),
        comptime!(INPUTS[0]),
        256usize,
        comptime!(INPUTS[1]),
        comptime!(UNITS[0]),
    );
    dense(
        memory,
        parameters,
        tanh,
        comptime!(OFFSETS[6] / 4),
        comptime!(OFFSETS[7] / 4),
        comptime!(INPUTS[1]),
        comptime!(UNITS[0]),
        comptime!(INPUTS[2]),
        comptime!(UNITS[1]),
    );
    output_layer(memory, parameters, tanh);
    choices
}

/// The inputs of the dense layers into the image's record: they lie in the same order in both.
#[cube]
fn keep(memory: &SharedMemory<f32>, records: &mut Array<f32>, base: usize) {
    let from = comptime!(INPUTS[0]);
    let to = base + comptime!(record::INPUTS[0]);
    let count = comptime!(256 + UNITS[0] + UNITS[1]);
    for value in range_stepped(UNIT_POS as usize, count, THREADS) {
        records[to + value] = memory[from + value];
    }
}

/// Fills the memory with what is no number: whoever reads what nobody wrote then spoils the result.
#[cube]
fn poison(memory: &mut SharedMemory<f32>) {
    for place in range_stepped(UNIT_POS as usize, memory::LENGTH, THREADS) {
        memory[place] = f32::reinterpret(POISON);
    }
    sync_cube();
}
