//! Backward pass of conv2.
//!
//! Only the maximum of each pooling window has a gradient, so the other positions are skipped.

use crate::model::KERNEL;

use super::conv2::{CELLS, CHANNELS, INPUT, INPUTS, OUTPUT, PLANE, POOLED, WIDTH};
use super::conv2_input_gradient::{CHUNK, Shifted, Sparse, input_gradient, start};
use super::micro_batch::ConvGradients;
use super::simd::{LANES, Simd, Vectors, WIDE, Wide};
use super::slices::{Aligned, window, window_mut};

/// Gradients by [output channel][row][input channel, column]. The kernels of six input channels take 30 of 32 lanes.
pub(super) type Gradients = ConvGradients<CHANNELS, KERNEL, ROW>;

/// Floats per row of the kernels of all input channels.
const ROW: usize = 2 * WIDE;

/// Computes the gradients of weight and bias, summed over the images, and d_x, the gradient of x. Overwrites `gradients` and
/// `d_x`.
///
/// Shapes: x and d_x [n, 6, 12, 12], argmax and d_z [n, 16, 4, 4].
#[inline(always)]
pub(super) fn backward<S: Simd>(
    s: S,
    x: &[[f32; INPUT]],
    argmax: &[[u8; OUTPUT]],
    d_z: &[[f32; OUTPUT]],
    shifted: &Shifted,
    d_x: &mut [[f32; INPUT]],
    gradients: &mut Gradients,
) {
    *gradients = Gradients::ZERO;
    for first in (0..x.len()).step_by(CHUNK) {
        let chunk = first..x.len().min(first + CHUNK);
        let (x, argmax, d_z) = (&x[chunk.clone()], &argmax[chunk.clone()], &d_z[chunk.clone()]);
        let sparse = weight_gradient(s, x, argmax, d_z, gradients);
        input_gradient(s, &sparse, shifted, &mut d_x[chunk]);
    }
}

/// Columns of an image where the input of a kernel can start.
const STARTS: usize = WIDTH - KERNEL + 1;

/// The inputs of one image: [row, first column][input channel, column]. One row of the inputs of the kernels of all input
/// channels is 30 consecutive floats, and rows are aligned to cache lines.
type Inputs = Aligned<[f32; WIDTH * STARTS * ROW + LANES]>;

/// Adds the gradients of a chunk of images to `gradients`, and returns d_z with the positions of the maxima.
#[inline(always)]
fn weight_gradient<S: Simd>(
    s: S,
    x: &[[f32; INPUT]],
    argmax: &[[u8; OUTPUT]],
    d_z: &[[f32; OUTPUT]],
    gradients: &mut Gradients,
) -> Sparse {
    let mut sparse = Sparse {
        d_z: [[0.0; CHUNK * CELLS]; CHANNELS],
        position: [[0; CHUNK * CELLS]; CHANNELS],
        start: [[0; CHUNK * CELLS]; CHANNELS],
    };
    for (image, (argmax, d_z)) in argmax.iter().zip(d_z).enumerate() {
        sparse_gradient(s, image, argmax, d_z, &mut sparse, &mut gradients.bias);
    }
    let mut inputs = Aligned([0.0; _]);
    for (image, x) in x.iter().enumerate() {
        copy_inputs(s, x, &mut inputs);
        for (channel, d_weight) in gradients.weight.0.iter_mut().enumerate() {
            let d_z = window(&sparse.d_z[channel], image * CELLS);
            let position = window(&sparse.position[channel], image * CELLS);
            if S::Wide::IS_ONE_REGISTER {
                kernel_gradient::<S, 0, 5>(s, &inputs, d_z, position, d_weight);
            } else {
                // The accumulators of three rows fit into the registers, but those of all rows do not.
                kernel_gradient::<S, 0, 3>(s, &inputs, d_z, position, d_weight);
                kernel_gradient::<S, 3, 2>(s, &inputs, d_z, position, d_weight);
            }
        }
    }
    sparse
}

/// Copies one image to this layout. A vector has more than the five columns of a channel; the next one overwrites the others.
#[inline(always)]
fn copy_inputs<S: Simd>(s: S, x: &[f32; INPUT], to: &mut Inputs) {
    // Nothing follows the last row, so it is copied to a buffer first.
    let mut last = [0.0; WIDTH + LANES - KERNEL];
    last[..WIDTH].copy_from_slice(&x[INPUT - WIDTH..]);
    for row in 0..WIDTH {
        for start in 0..STARTS {
            for channel in 0..INPUTS {
                let v = match channel == INPUTS - 1 && row == WIDTH - 1 {
                    true => s.load(window(&last, start)),
                    false => s.load(window(x, channel * PLANE + row * WIDTH + start)),
                };
                s.store(v, window_mut(&mut to.0, (row * STARTS + start) * ROW + channel * KERNEL));
            }
        }
    }
}

/// Writes d_z of one image and the positions of the maxima to `sparse`, and adds d_z to the bias gradient.
#[inline(always)]
fn sparse_gradient<S: Simd>(
    s: S,
    image: usize,
    argmax: &[u8; OUTPUT],
    d_z: &[f32; OUTPUT],
    sparse: &mut Sparse,
    d_bias: &mut [[f32; LANES]; CHANNELS],
) {
    for (channel, d_bias) in d_bias.iter_mut().enumerate() {
        for half in [0, LANES] {
            let d = s.load(window(d_z, channel * CELLS + half));
            s.store(s.add(s.load(d_bias), d), d_bias);
            s.store(d, window_mut(&mut sparse.d_z[channel], image * CELLS + half));
        }
        let argmax: &[u8; CELLS] = window(argmax, channel * CELLS);
        let position = &mut sparse.position[channel].as_chunks_mut::<CELLS>().0[image];
        for cell in 0..CELLS {
            let (row, column) = (cell / POOLED * 2, cell % POOLED * 2);
            let corner = ((row * STARTS + column) * ROW) as u16;
            let (row, column) = (u16::from(argmax[cell] >> 1 & 1), u16::from(argmax[cell] & 1));
            position[cell] = corner + (row * STARTS as u16 + column) * ROW as u16;
        }
        let starts = &mut sparse.start[channel].as_chunks_mut::<CELLS>().0[image];
        for cell in 0..CELLS {
            starts[cell] = start(argmax[cell]);
        }
    }
}

/// Computes `COUNT` rows of the gradients of the kernels of one output channel, from row `FIRST` on, from all windows of an
/// image, and adds them to `d_weight`.
#[inline(always)]
fn kernel_gradient<S: Simd, const FIRST: usize, const COUNT: usize>(
    s: S,
    inputs: &Inputs,
    d_z: &[f32; CELLS],
    position: &[u16; CELLS],
    d_weight: &mut [[f32; ROW]; KERNEL],
) {
    let w = s.wide();
    let mut sums = [[w.splat(0.0); 2]; COUNT];
    for (sums, d_weight) in sums.iter_mut().zip(&d_weight[FIRST..]) {
        *sums = [w.load(window(d_weight, 0)), w.load(window(d_weight, WIDE))];
    }
    for (d_z, position) in d_z.iter().zip(position) {
        let d_z = w.splat(*d_z);
        let x: &[f32; (4 * STARTS + 1) * ROW] = window(&inputs.0, usize::from(*position));
        for (i, sums) in sums.iter_mut().enumerate() {
            for (half, sum) in sums.iter_mut().enumerate() {
                let x = w.load(window(x, (FIRST + i) * STARTS * ROW + half * WIDE));
                *sum = w.mul_add(d_z, x, *sum);
            }
        }
    }
    for (to, sums) in d_weight[FIRST..FIRST + COUNT].iter_mut().zip(sums) {
        for (to, sum) in to.as_chunks_mut().0.iter_mut().zip(sums) {
            w.store(sum, to);
        }
    }
}
