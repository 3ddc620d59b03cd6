//! The update phase of a step: sums the gradient of each parameter over the images and updates the parameter. Four threads
//! share the sum of each parameter, and the order of the sum only depends on the batch size.

use cubecl::prelude::*;

use super::layout::{CONVOLUTIONS, epoch as words, saved};
use super::sgd::{UpdateRule, learning_rate, update_parameter};
use crate::model::{FC1, FC2, FC3, OFFSETS, PARAMETERS};

/// Threads of a workgroup.
pub const THREADS: usize = 128;
/// Threads per parameter, each of which sums the gradient over a part of the images.
const PARTS: usize = 4;
/// Parameters per workgroup.
const PARAMETERS_PER_WORKGROUP: usize = THREADS / PARTS;
/// Workgroups for all parameters.
pub const WORKGROUPS: usize = PARAMETERS.div_ceil(PARAMETERS_PER_WORKGROUP);
/// Images whose values a thread loads before it adds the first one, to hide the latency of memory.
const AT_ONCE: usize = 8;

/// Sums the gradients of a minibatch whose values are all saved, and updates the parameters in place.
#[cube(launch)]
pub fn update(
    parameters: &mut Array<f32>,
    saved: &Array<f32>,
    epoch: &mut Array<u32>,
    #[comptime] rule: UpdateRule,
) {
    let mut parts = SharedMemory::<f32>::new(THREADS);
    let current = epoch[words::CURRENT] as usize;
    let batch_size = epoch[words::BATCH_SIZE] as usize;
    let images = min(batch_size, epoch[words::COUNT] as usize - current);
    let parameter = CUBE_POS_X as usize * PARAMETERS_PER_WORKGROUP
        + UNIT_POS as usize % PARAMETERS_PER_WORKGROUP;
    let sum = sum_over_images(&mut parts, saved, parameter, images);
    if is_first_part() && parameter < PARAMETERS {
        let gradient = sum / f32::cast_from(images);
        let learning_rate = f32::reinterpret(epoch[words::LEARNING_RATES + current / batch_size]);
        update_parameter(parameters, epoch, parameter, gradient, learning_rate, rule);
        if parameter == 0 {
            epoch[words::NEXT] = (current + images) as u32;
        }
    }
}

/// Adds the gradients of the next chunk of a minibatch, at most `chunk` images, to the sums. After the last chunk, divides the
/// sums by the number of images.
#[cube(launch)]
pub fn accumulate(
    gradients: &mut Array<f32>,
    saved: &Array<f32>,
    epoch: &mut Array<u32>,
    #[comptime] chunk: usize,
) {
    let mut parts = SharedMemory::<f32>::new(THREADS);
    let current = epoch[words::CURRENT] as usize;
    let batch_size = epoch[words::BATCH_SIZE] as usize;
    let first = current / batch_size * batch_size;
    let in_batch = min(batch_size, epoch[words::COUNT] as usize - first);
    let images = min(chunk, first + in_batch - current);
    let parameter = CUBE_POS_X as usize * PARAMETERS_PER_WORKGROUP
        + UNIT_POS as usize % PARAMETERS_PER_WORKGROUP;
    let mut sum = sum_over_images(&mut parts, saved, parameter, images);
    if is_first_part() && parameter < PARAMETERS {
        if current > first {
            sum += gradients[parameter];
        }
        if current + images == first + in_batch {
            sum /= f32::cast_from(in_batch);
        }
        gradients[parameter] = sum;
        if parameter == 0 {
            epoch[words::NEXT] = (current + images) as u32;
        }
    }
}

/// Updates the parameters by the gradients that `accumulate` has summed.
#[cube(launch)]
pub fn apply(
    parameters: &mut Array<f32>,
    gradients: &Array<f32>,
    epoch: &Array<u32>,
    #[comptime] rule: UpdateRule,
) {
    let parameter = ABSOLUTE_POS;
    if parameter < PARAMETERS {
        let learning_rate = learning_rate(epoch);
        update_parameter(parameters, epoch, parameter, gradients[parameter], learning_rate, rule);
    }
}

/// Returns whether this thread has the complete sum of its parameter.
#[cube]
fn is_first_part() -> bool {
    (UNIT_POS as usize) < PARAMETERS_PER_WORKGROUP
}

/// Sums the gradients of a parameter over the first `images` saved images. Only the threads of the first part get the complete
/// sum. Waits for all threads.
#[cube]
fn sum_over_images(
    parts: &mut SharedMemory<f32>,
    saved: &Array<f32>,
    parameter: usize,
    images: usize,
) -> f32 {
    let part = UNIT_POS as usize / PARAMETERS_PER_WORKGROUP;
    let mut sum = 0.0f32;
    if parameter < CONVOLUTIONS {
        sum = sum_of_values(saved, parameter, part, images);
    } else if parameter < comptime!(OFFSETS[5]) {
        let weight = parameter - comptime!(OFFSETS[4]);
        sum = sum_of_products(saved, weight, part, images, 0usize, FC1.outputs);
    } else if parameter < comptime!(OFFSETS[6]) {
        let d_z = comptime!(saved::D_Z[0]) + parameter - comptime!(OFFSETS[5]);
        sum = sum_of_values(saved, d_z, part, images);
    } else if parameter < comptime!(OFFSETS[7]) {
        let weight = parameter - comptime!(OFFSETS[6]);
        sum = sum_of_products(saved, weight, part, images, 1usize, FC2.outputs);
    } else if parameter < comptime!(OFFSETS[8]) {
        let d_z = comptime!(saved::D_Z[1]) + parameter - comptime!(OFFSETS[7]);
        sum = sum_of_values(saved, d_z, part, images);
    } else if parameter < comptime!(OFFSETS[9]) {
        let weight = parameter - comptime!(OFFSETS[8]);
        sum = sum_of_products(saved, weight, part, images, 2usize, FC3.outputs);
    } else if parameter < PARAMETERS {
        let d_z = comptime!(saved::D_Z[2]) + parameter - comptime!(OFFSETS[9]);
        sum = sum_of_values(saved, d_z, part, images);
    }
    parts[UNIT_POS as usize] = sum;
    sync_cube();
    if is_first_part() {
        #[unroll]
        for part in 1..PARTS {
            sum += parts[UNIT_POS as usize + part * PARAMETERS_PER_WORKGROUP];
        }
    }
    sum
}

/// Sums the saved float at `index` over the images of part `part`.
#[cube]
fn sum_of_values(saved: &Array<f32>, index: usize, part: usize, images: usize) -> f32 {
    let mut sum = 0.0f32;
    let mut image = part * AT_ONCE;
    while image + AT_ONCE <= images {
        let mut values = Sequence::<f32>::new();
        #[unroll]
        for i in 0..AT_ONCE {
            values.push(saved[(image + i) * saved::LENGTH + index]);
        }
        #[unroll]
        for i in 0..AT_ONCE {
            sum += *values.index(i);
        }
        image += comptime!(PARTS * AT_ONCE);
    }
    // The remainder has fewer than `AT_ONCE` images. Only one part has a remainder: in the others, `image` is already past the
    // end.
    while image < images {
        sum += saved[image * saved::LENGTH + index];
        image += 1;
    }
    sum
}

/// Sums the gradient of weight number `weight` of dense layer `layer`, x times d_z, over the images of this thread's part.
#[cube]
fn sum_of_products(
    saved: &Array<f32>,
    weight: usize,
    part: usize,
    images: usize,
    #[comptime] layer: usize,
    #[comptime] outputs: usize,
) -> f32 {
    let x = comptime!(saved::X[layer]) + weight / outputs;
    let d_z = comptime!(saved::D_Z[layer]) + weight % outputs;
    let mut sum = 0.0f32;
    let mut image = part * AT_ONCE;
    while image + AT_ONCE <= images {
        let mut xs = Sequence::<f32>::new();
        let mut d_zs = Sequence::<f32>::new();
        #[unroll]
        for i in 0..AT_ONCE {
            let base = (image + i) * saved::LENGTH;
            xs.push(saved[base + x]);
            d_zs.push(saved[base + d_z]);
        }
        #[unroll]
        for i in 0..AT_ONCE {
            sum = fma(*xs.index(i), *d_zs.index(i), sum);
        }
        image += comptime!(PARTS * AT_ONCE);
    }
    while image < images {
        let base = image * saved::LENGTH;
        sum = fma(saved[base + x], saved[base + d_z], sum);
        image += 1;
    }
    sum
}
