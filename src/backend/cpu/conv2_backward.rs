//! Backward pass of conv2.
//!
//! Only the maximum of each pooling window has a gradient, so the other positions are skipped.

use crate::model::{KERNEL, TAPS};

use super::conv2::{CELLS, CHANNELS, INPUT, INPUTS, OUTPUT, PLANE, POOLED, WIDTH};
use super::conv2_input_gradient::{CHUNK, Shifted, Sparse, input_gradient};
use super::micro_batch::ConvGradients;
use super::simd::{LANES, Simd};
use super::slices::{Aligned, lanes, lanes_mut, window};

/// Gradients by [output channel][row, column][input channel]. The six input channels take six of the eight lanes.
pub(super) type Gradients = ConvGradients<CHANNELS, TAPS>;

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

/// The inputs of a chunk: [image, row, column, channel], with channels padded to eight. With the channels as lanes, the six
/// kernels of an output channel take 25 vectors, one per tap. With the columns of a kernel as lanes, they would take 30, one
/// per row of each kernel.
type Inputs = Aligned<[f32; CHUNK * PLANE * LANES]>;

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
        argmax: [[0; CHUNK * CELLS]; CHANNELS],
    };
    let mut inputs = Aligned([0.0; CHUNK * PLANE * LANES]);
    let to = inputs.0.as_chunks_mut::<{ PLANE * LANES }>().0;
    for (x, to) in x.iter().zip(to) {
        channels_last(s, x, to);
    }
    for (image, (argmax, d_z)) in argmax.iter().zip(d_z).enumerate() {
        sparse_gradient(s, image, argmax, d_z, &mut sparse, &mut gradients.bias);
    }
    let used = x.len() * CELLS;
    for (channel, d_weight) in gradients.weight.0.iter_mut().enumerate() {
        let (d_z, position) = (&sparse.d_z[channel][..used], &sparse.position[channel][..used]);
        // The 25 taps are computed in two passes of thirteen and twelve, because 25 accumulators do not fit into the registers.
        kernel_gradient::<S, 0, 13>(s, &inputs, d_z, position, d_weight);
        kernel_gradient::<S, 13, 12>(s, &inputs, d_z, position, d_weight);
    }
    sparse
}

/// Copies the six planes of one image to [row, column, channel].
#[inline(always)]
fn channels_last<S: Simd>(s: S, x: &[f32; INPUT], to: &mut [f32; PLANE * LANES]) {
    for at in (0..PLANE).step_by(LANES) {
        let mut block = [s.splat(0.0); LANES];
        for (channel, v) in block[..INPUTS].iter_mut().enumerate() {
            *v = s.load(lanes(x, channel * PLANE + at));
        }
        for (i, v) in s.transpose(block).into_iter().enumerate() {
            s.store(v, lanes_mut(to, (at + i) * LANES));
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
            let d = s.load(lanes(d_z, channel * CELLS + half));
            s.store(s.add(s.load(d_bias), d), d_bias);
            s.store(d, lanes_mut(&mut sparse.d_z[channel], image * CELLS + half));
        }
        let argmax: &[u8; CELLS] = window(argmax, channel * CELLS);
        let position = &mut sparse.position[channel].as_chunks_mut::<CELLS>().0[image];
        for cell in 0..CELLS {
            let (row, column) = (cell / POOLED * 2, cell % POOLED * 2);
            let corner = ((image * PLANE + row * WIDTH + column) * LANES) as u16;
            let (row, column) = (u16::from(argmax[cell] >> 1 & 1), u16::from(argmax[cell] & 1));
            position[cell] = corner + (row * WIDTH as u16 + column) * LANES as u16;
        }
        sparse.argmax[channel].as_chunks_mut::<CELLS>().0[image] = *argmax;
    }
}

/// Computes the gradients of the kernels of one output channel at `COUNT` taps, starting at `FIRST`, from all images and
/// windows of the chunk, and adds them to `d_weight`.
#[inline(always)]
fn kernel_gradient<S: Simd, const FIRST: usize, const COUNT: usize>(
    s: S,
    inputs: &Inputs,
    d_z: &[f32],
    position: &[u16],
    d_weight: &mut [[f32; LANES]; TAPS],
) {
    let mut sums = [s.splat(0.0); COUNT];
    for (sum, d_weight) in sums.iter_mut().zip(&d_weight[FIRST..]) {
        *sum = s.load(d_weight);
    }
    for (d_z, position) in d_z.iter().zip(position) {
        let d_z = s.splat(*d_z);
        let x: &[f32; ((KERNEL - 1) * WIDTH + KERNEL) * LANES] =
            window(&inputs.0, usize::from(*position));
        for (i, sum) in sums.iter_mut().enumerate() {
            let (ky, kx) = ((FIRST + i) / KERNEL, (FIRST + i) % KERNEL);
            *sum = s.mul_add(d_z, s.load(lanes(x, (ky * WIDTH + kx) * LANES)), *sum);
        }
    }
    for (to, sum) in d_weight[FIRST..FIRST + COUNT].iter_mut().zip(sums) {
        s.store(sum, to);
    }
}
