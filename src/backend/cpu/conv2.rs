//! Forward pass of conv2 and its max-pool: [N, 6, 12, 12] -> [N, 16, 4, 4].
//!
//! The sixteen output channels are the lanes of two vectors.

use crate::model::{CONV2, KERNEL, TAPS};

use super::max_pool::maximum;
use super::simd::{LANES, Simd};
use super::slices::{lanes, lanes_mut, window};

pub(super) use super::conv2_backward::{Gradients, backward};
pub(super) use super::conv2_input_gradient::Shifted;

/// Values of the input for one image: 6 x 12 x 12.
pub(super) const INPUT: usize = CONV2.input_len();
/// Values of the output for one image: 16 x 4 x 4.
pub(super) const OUTPUT: usize = CONV2.output_len();
/// Values of the weight: 16 x 6 x 5 x 5.
pub(super) const WEIGHT: usize = CONV2.weight_len();
/// Output channels, and values of the bias.
pub(super) const CHANNELS: usize = CONV2.outputs;

pub(super) const INPUTS: usize = CONV2.inputs;
pub(super) const WIDTH: usize = CONV2.side;
pub(super) const PLANE: usize = CONV2.plane();
pub(super) const POOLED: usize = CONV2.pooled;
pub(super) const CELLS: usize = CONV2.cells();

/// Computes `z = max_pool(conv(x, weight) + bias)` and `argmax`, the index of each maximum in its window: 2 * row + column.
/// Ties go to the lowest index. Overwrites `z` and `argmax`.
///
/// Shapes: x [n, 6, 12, 12], weight [16, 6, 5, 5], bias \[16\], z and argmax [n, 16, 4, 4].
#[inline(always)]
pub(super) fn forward<S: Simd>(
    s: S,
    x: &[[f32; INPUT]],
    weight: &[f32],
    bias: &[f32],
    z: &mut [[f32; OUTPUT]],
    argmax: &mut [[u8; OUTPUT]],
) {
    let zero = s.splat(0.0);
    let by_tap = &by_tap(s, weight.try_into().expect("conv2's weight has 2400 values"));
    let bias = bias.try_into().expect("conv2's bias has 16 values");
    for ((x, maxima), argmax) in x.iter().zip(z).zip(argmax) {
        // Eight windows (two rows of four) fill the eight lanes of an output vector.
        for half in 0..2 {
            let (mut z, mut index) = ([[zero; LANES]; 2], [[zero; LANES]; 2]);
            for i in 0..LANES {
                let corner = (half * 4 + i / POOLED * 2) * WIDTH + i % POOLED * 2;
                let sums = four_positions(s, x, corner, by_tap, bias);
                for channels in 0..2 {
                    let four = sums.map(|sums| sums[channels]);
                    (z[channels][i], index[channels][i]) = maximum(s, four);
                }
            }
            for channels in 0..2 {
                let z = s.transpose(z[channels]);
                let index = s.transpose(index[channels]);
                for (i, (z, index)) in z.into_iter().zip(index).enumerate() {
                    let at = (channels * LANES + i) * CELLS + half * LANES;
                    s.store(z, lanes_mut(maxima, at));
                    argmax[at..at + LANES].copy_from_slice(&s.to_bytes(index));
                }
            }
        }
    }
}

/// Transposes the weight to [input channel, row, column][output channel]. Each task makes its own copy, because a table written
/// by another thread would have to be transferred from that thread's cache.
#[inline(always)]
fn by_tap<S: Simd>(s: S, weight: &[f32; WEIGHT]) -> [[f32; CHANNELS]; INPUTS * TAPS] {
    const LENGTH: usize = INPUTS * TAPS;
    let mut by_tap = [[0.0; CHANNELS]; LENGTH];
    for first in [0, LANES] {
        for block in (0..LENGTH).step_by(LANES) {
            // The last block overlaps the one before it, so that it ends at the end of the weight.
            let block = block.min(LENGTH - LANES);
            let mut rows = [s.splat(0.0); LANES];
            for (i, row) in rows.iter_mut().enumerate() {
                *row = s.load(lanes(weight, (first + i) * LENGTH + block));
            }
            for (tap, v) in by_tap[block..].iter_mut().zip(s.transpose(rows)) {
                s.store(v, lanes_mut(tap, first));
            }
        }
    }
    by_tap
}

/// Computes the convolution at the four positions of the window at `corner` of the 12x12 planes, for all sixteen channels.
#[inline(always)]
fn four_positions<S: Simd>(
    s: S,
    x: &[f32; INPUT],
    corner: usize,
    by_tap: &[[f32; CHANNELS]; INPUTS * TAPS],
    bias: &[f32; CHANNELS],
) -> [[S::V; 2]; 4] {
    let mut sums = [[s.load(lanes(bias, 0)), s.load(lanes(bias, LANES))]; 4];
    for (plane, by_tap) in x.as_chunks::<PLANE>().0.iter().zip(by_tap.as_chunks::<TAPS>().0) {
        let x: &[f32; KERNEL * WIDTH + KERNEL + 1] = window(plane, corner);
        for ky in 0..KERNEL {
            for kx in 0..KERNEL {
                let w = &by_tap[ky * KERNEL + kx];
                let w = [s.load(lanes(w, 0)), s.load(lanes(w, LANES))];
                for (position, sums) in sums.iter_mut().enumerate() {
                    let x = s.splat(x[(ky + position / 2) * WIDTH + kx + position % 2]);
                    sums[0] = s.mul_add(w[0], x, sums[0]);
                    sums[1] = s.mul_add(w[1], x, sums[1]);
                }
            }
        }
    }
    sums
}
