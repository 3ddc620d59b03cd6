//! Forward pass of conv1 and its max-pool: [N, 1, 28, 28] -> [N, 6, 12, 12].

use crate::model::{CONV1, KERNEL, TAPS};

use super::max_pool::maximum;
use super::simd::{LANES, Simd, Vectors, Wide};
use super::slices::window;

pub(super) use super::conv1_backward::{Gradients, backward};

/// Values of one input image: 1 x 28 x 28.
pub(super) const INPUT: usize = CONV1.input_len();
/// Values of the output for one image: 6 x 12 x 12.
pub(super) const OUTPUT: usize = CONV1.output_len();
/// Values of the weight: 6 x 1 x 5 x 5.
pub(super) const WEIGHT: usize = CONV1.weight_len();
/// Output channels, and values of the bias.
pub(super) const CHANNELS: usize = CONV1.outputs;

pub(super) const WIDTH: usize = CONV1.side;
pub(super) const POOLED: usize = CONV1.pooled;
pub(super) const CELLS: usize = CONV1.cells();

/// Computes `z = max_pool(conv(x, weight) + bias)` and `argmax`, the index of each maximum in its window: 2 * row + column.
/// Ties go to the lowest index. Overwrites `z` and `argmax`.
///
/// Shapes: x [n, 1, 28, 28], weight [6, 1, 5, 5], bias \[6\], z and argmax [n, 6, 12, 12].
#[inline(always)]
pub(super) fn forward<S: Simd>(
    s: S,
    x: &[[f32; INPUT]],
    weight: &[f32],
    bias: &[f32],
    z: &mut [[f32; OUTPUT]],
    argmax: &mut [[u8; OUTPUT]],
) {
    // [row, column][channel]
    let mut by_tap = [[0.0; CHANNELS]; TAPS];
    for (channel, weight) in weight.as_chunks::<TAPS>().0.iter().enumerate() {
        for (tap, w) in by_tap.iter_mut().zip(weight) {
            tap[channel] = *w;
        }
    }
    let bias = bias.try_into().expect("conv1's bias has 6 values");
    let mut indices = [0.0; OUTPUT];
    for ((x, maxima), argmax) in x.iter().zip(z).zip(argmax) {
        // Process two rows of windows at a time: one tile of wide vectors if these are single registers, otherwise two tiles.
        for row in (0..POOLED).step_by(2) {
            for third in 0..3 {
                let corner = row * 2 * WIDTH + third * LANES;
                let at = row * POOLED + third * 4;
                if S::Wide::IS_ONE_REGISTER {
                    let w = s.wide();
                    let load =
                        |at| w.join([s.load(window(x, at)), s.load(window(x, at + 2 * WIDTH))]);
                    let tile = two_by_eight(w, load, corner, &by_tap, bias);
                    let mut z = [[[s.splat(0.0); 2]; CHANNELS]; 2];
                    for (channel, tile) in tile.into_iter().enumerate() {
                        for (i, tile) in tile.into_iter().enumerate() {
                            [z[0][channel][i], z[1][channel][i]] = w.split(tile);
                        }
                    }
                    pool(s, &z[0], at, maxima, &mut indices);
                    pool(s, &z[1], at + POOLED, maxima, &mut indices);
                } else {
                    for i in 0..2 {
                        let load = |at| s.load(window(x, at));
                        let z = two_by_eight(s, load, corner + i * 2 * WIDTH, &by_tap, bias);
                        pool(s, &z, at + i * POOLED, maxima, &mut indices);
                    }
                }
            }
        }
        let argmaxes = argmax.as_chunks_mut::<LANES>().0;
        for (argmax, indices) in argmaxes.iter_mut().zip(indices.as_chunks().0) {
            *argmax = s.to_bytes(s.load(indices));
        }
    }
}

/// Computes the max-pool of two rows by eight columns of all channels, [channel][row], for the four windows from `at` on.
#[inline(always)]
fn pool<S: Simd>(
    s: S,
    z: &[[S::V; 2]; CHANNELS],
    at: usize,
    maxima: &mut [f32; OUTPUT],
    indices: &mut [f32; OUTPUT],
) {
    for (pair, z) in z.as_chunks::<2>().0.iter().enumerate() {
        // The lanes are four windows of one channel and the same four windows of the next channel.
        let (a, b) = s.deinterleave(z[0][0], z[1][0]);
        let (c, d) = s.deinterleave(z[0][1], z[1][1]);
        let (z, index) = maximum(s, [a, b, c, d]);
        let at = pair * 2 * CELLS + at;
        store_halves(s, z, maxima, at, at + CELLS);
        store_halves(s, index, indices, at, at + CELLS);
    }
}

/// Stores the lower four lanes at index `lower` and the upper four at index `upper`.
#[inline(always)]
fn store_halves<S: Simd>(s: S, v: S::V, to: &mut [f32; OUTPUT], lower: usize, upper: usize) {
    let mut values = [0.0; LANES];
    s.store(v, &mut values);
    to[lower..lower + 4].copy_from_slice(&values[..4]);
    to[upper..upper + 4].copy_from_slice(&values[4..]);
}

/// Computes the convolution at two rows by eight columns for all channels, and returns [channel][row]. A wide vector also has
/// the two rows below. `load` loads the inputs of eight columns from an index on. `corner` is the index of the first position.
///
/// Twelve accumulators hide the latency of the multiply-adds. Together with two input vectors and one weight, the accumulators
/// fit into 16 registers.
#[inline(always)]
fn two_by_eight<const N: usize, S: Vectors<N>>(
    s: S,
    load: impl Fn(usize) -> S::V,
    corner: usize,
    by_tap: &[[f32; CHANNELS]; TAPS],
    bias: &[f32; CHANNELS],
) -> [[S::V; 2]; CHANNELS] {
    let mut z = [[s.splat(0.0); 2]; CHANNELS];
    for (z, bias) in z.iter_mut().zip(bias) {
        *z = [s.splat(*bias); 2];
    }
    for ky in 0..KERNEL {
        for kx in 0..KERNEL {
            let mut x = [s.splat(0.0); 2];
            for (row, x) in x.iter_mut().enumerate() {
                *x = load(corner + (ky + row) * WIDTH + kx);
            }
            for (z, weight) in z.iter_mut().zip(&by_tap[ky * KERNEL + kx]) {
                let weight = s.splat(*weight);
                for (z, x) in z.iter_mut().zip(&x) {
                    *z = s.mul_add(weight, *x, *z);
                }
            }
        }
    }
    z
}
