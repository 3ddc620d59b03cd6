//! The kernels that have four threads for each parameter: its gradient, as a sum over images in an order that the
//! batch's size alone decides, and its step of gradient descent.

use cubecl::prelude::*;

use super::elements::{is_between, rate};
use super::layout::{CONVOLUTIONS, VELOCITY, record, state as words};
use super::muon;
use crate::model::{OFFSETS, PARAMETERS};
use crate::optim::Sgd;

/// Threads of a workgroup.
pub const THREADS: usize = 128;
/// Threads of a parameter; each sums a part of the images.
const PARTS: usize = 4;
/// Parameters of a workgroup.
const SHARE: usize = THREADS / PARTS;
/// Workgroups for all parameters.
pub const WORKGROUPS: usize = PARAMETERS.div_ceil(SHARE);
/// Images whose values a thread asks for before it adds the first: memory answers late.
const AT_ONCE: usize = 8;

/// A whole step for a batch whose `records` are all there: gradients, then the update in place of `parameters`, which
/// have their velocity at [`VELOCITY`] if there is one.
#[cube(launch)]
pub fn weights(
    parameters: &mut Array<f32>,
    records: &Array<f32>,
    state: &mut Array<u32>,
    #[comptime] rule: Rule,
) {
    let mut parts = SharedMemory::<f32>::new(THREADS);
    let begin = state[words::BEGUN] as usize;
    let batch_size = state[words::BATCH] as usize;
    let images = min(batch_size, state[words::COUNT] as usize - begin);
    let parameter = CUBE_POS_X as usize * SHARE + UNIT_POS as usize % SHARE;
    let sum = sum_over_images(&mut parts, records, parameter, images);
    if is_first_part() && parameter < PARAMETERS {
        let gradient = sum / f32::cast_from(images);
        let rate = f32::reinterpret(state[words::RATES + begin / batch_size]);
        descend(parameters, state, parameter, gradient, rate, rule);
        if parameter == 0 {
            state[words::NEXT] = (begin + images) as u32;
        }
    }
}

/// The gradient of the mean loss of a batch of which `samples` has done another part, of at most `chunk` images: its
/// sum over the images so far, and with the last of them their mean.
#[cube(launch)]
pub fn gradients(
    gradients: &mut Array<f32>,
    records: &Array<f32>,
    state: &mut Array<u32>,
    #[comptime] chunk: usize,
) {
    let mut parts = SharedMemory::<f32>::new(THREADS);
    let begin = state[words::BEGUN] as usize;
    let batch_size = state[words::BATCH] as usize;
    let first = begin / batch_size * batch_size;
    let in_batch = min(batch_size, state[words::COUNT] as usize - first);
    let images = min(chunk, first + in_batch - begin);
    let parameter = CUBE_POS_X as usize * SHARE + UNIT_POS as usize % SHARE;
    let mut sum = sum_over_images(&mut parts, records, parameter, images);
    if is_first_part() && parameter < PARAMETERS {
        if begin > first {
            sum += gradients[parameter];
        }
        if begin + images == first + in_batch {
            sum /= f32::cast_from(in_batch);
        }
        gradients[parameter] = sum;
        if parameter == 0 {
            state[words::NEXT] = (begin + images) as u32;
        }
    }
}

/// A step of gradient descent by the batch whose last part `gradients` has done, in place of `parameters` and their
/// velocity.
#[cube(launch)]
pub fn update(
    parameters: &mut Array<f32>,
    gradients: &Array<f32>,
    state: &Array<u32>,
    #[comptime] rule: Rule,
) {
    let parameter = ABSOLUTE_POS;
    if parameter < PARAMETERS {
        descend(parameters, state, parameter, gradients[parameter], rate(state), rule);
    }
}

/// A copy of as many floats as there are parameters, into a buffer that has room behind them.
#[cube(launch)]
pub fn copy(from: &Array<f32>, to: &mut Array<f32>) {
    if ABSOLUTE_POS < PARAMETERS {
        to[ABSOLUTE_POS] = from[ABSOLUTE_POS];
    }
}

/// Whether this thread is the one of its parameter that has the whole sum.
#[cube]
fn is_first_part() -> bool {
    (UNIT_POS as usize) < SHARE
}

/// What of a rule decides which code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rule {
    pub has_velocity: bool,
    is_nesterov: bool,
    pub has_muon: bool,
}

impl From<Sgd> for Rule {
    fn from(sgd: Sgd) -> Self {
        Self {
            has_velocity: sgd.has_velocity(),
            is_nesterov: sgd.nesterov,
            has_muon: sgd.muon.is_some(),
        }
    }
}

/// The rule of [`Sgd`]; biases do not decay. What [`Muon`](crate::optim::Muon) moves gets its direction alone.
#[cube]
fn descend(
    parameters: &mut Array<f32>,
    state: &Array<u32>,
    parameter: usize,
    gradient: f32,
    rate: f32,
    #[comptime] rule: Rule,
) {
    let mut to = 0usize;
    if comptime!(rule.has_muon) {
        to = muon::direction(parameter);
    }
    let has_muon = to > 0;
    let value = parameters[parameter];
    let has_none = is_bias(parameter) || has_muon;
    let decay = select(has_none, 0.0f32, f32::reinterpret(state[words::DECAY]));
    let gradient = gradient + decay * value;
    let mut direction = gradient;
    if comptime!(rule.has_velocity) {
        let momentum = f32::reinterpret(state[words::MOMENTUM]);
        let velocity = momentum * parameters[VELOCITY + parameter] + gradient;
        parameters[VELOCITY + parameter] = velocity;
        direction = velocity;
        if comptime!(rule.is_nesterov) {
            direction = gradient + momentum * velocity;
        }
    }
    if has_muon {
        parameters[to] = direction;
    } else {
        parameters[parameter] = value - rate * direction;
    }
}

#[cube]
fn is_bias(parameter: usize) -> bool {
    let mut is_bias = parameter >= comptime!(OFFSETS[9]);
    #[unroll]
    for layer in 0..4usize {
        let from = comptime!(OFFSETS[2 * layer + 1]);
        let to = comptime!(OFFSETS[2 * layer + 2]);
        is_bias = is_bias || is_between(parameter, from, to);
    }
    is_bias
}

/// The sum of a parameter's gradients over the first `images` records; whole for the threads of the first part, which
/// must be the ones to use it. Waits for all threads.
#[cube]
fn sum_over_images(
    parts: &mut SharedMemory<f32>,
    records: &Array<f32>,
    parameter: usize,
    images: usize,
) -> f32 {
    let part = UNIT_POS as usize / SHARE;
    let mut sum = 0.0f32;
    if parameter < CONVOLUTIONS {
        sum = sum_of_values(records, parameter, part, images);
    } else if parameter < comptime!(OFFSETS[5]) {
        let place = parameter - comptime!(OFFSETS[4]);
        sum = sum_of_products(records, place, part, images, 0usize, 120usize);
    } else if parameter < comptime!(OFFSETS[6]) {
        let delta = comptime!(record::DELTAS[0]) + parameter - comptime!(OFFSETS[5]);
        sum = sum_of_values(records, delta, part, images);
    } else if parameter < comptime!(OFFSETS[7]) {
        let place = parameter - comptime!(OFFSETS[6]);
        sum = sum_of_products(records, place, part, images, 1usize, 84usize);
    } else if parameter < comptime!(OFFSETS[8]) {
        let delta = comptime!(record::DELTAS[1]) + parameter - comptime!(OFFSETS[7]);
        sum = sum_of_values(records, delta, part, images);
    } else if parameter < comptime!(OFFSETS[9]) {
        let place = parameter - comptime!(OFFSETS[8]);
        sum = sum_of_products(records, place, part, images, 2usize, 10usize);
    } else if parameter < PARAMETERS {
        let delta = comptime!(record::DELTAS[2]) + parameter - comptime!(OFFSETS[9]);
        sum = sum_of_values(records, delta, part, images);
    }
    parts[UNIT_POS as usize] = sum;
    sync_cube();
    if is_first_part() {
        #[unroll]
        for part in 1..PARTS {
            sum += parts[UNIT_POS as usize + part * SHARE];
        }
    }
    sum
}

/// This part of the sum of the floats at `place` of each record.
#[cube]
fn sum_of_values(records: &Array<f32>, place: usize, part: usize, images: usize) -> f32 {
    let mut sum = 0.0f32;
    let mut image = part * AT_ONCE;
    while image + AT_ONCE <= images {
        let mut values = Sequence::<f32>::new();
        #[unroll]
        for i in 0..AT_ONCE {
            values.push(records[(image + i) * record::LENGTH + place]);
        }
        #[unroll]
        for i in 0..AT_ONCE {
            sum += *values.index(i);
        }
        image += comptime!(PARTS * AT_ONCE);
    }
    // For one part only: the others have gone beyond.
    while image < images {
        sum += records[image * record::LENGTH + place];
        image += 1;
    }
    sum
}

/// This part of the sum of a dense weight's gradients: the products of its input and its delta. `place` is the weight's
/// among those of dense layer `layer`, which has `outputs` units.
#[cube]
fn sum_of_products(
    records: &Array<f32>,
    place: usize,
    part: usize,
    images: usize,
    #[comptime] layer: usize,
    #[comptime] outputs: usize,
) -> f32 {
    let input = comptime!(record::INPUTS[layer]) + place / outputs;
    let delta = comptime!(record::DELTAS[layer]) + place % outputs;
    let mut sum = 0.0f32;
    let mut image = part * AT_ONCE;
    while image + AT_ONCE <= images {
        let mut inputs = Sequence::<f32>::new();
        let mut deltas = Sequence::<f32>::new();
        #[unroll]
        for i in 0..AT_ONCE {
            let record = (image + i) * record::LENGTH;
            inputs.push(records[record + input]);
            deltas.push(records[record + delta]);
        }
        #[unroll]
        for i in 0..AT_ONCE {
            sum = fma(*inputs.index(i), *deltas.index(i), sum);
        }
        image += comptime!(PARTS * AT_ONCE);
    }
    while image < images {
        let record = image * record::LENGTH;
        sum = fma(records[record + input], records[record + delta], sum);
        image += 1;
    }
    sum
}
