//! Forward pass of conv2 and its max-pool: [N, 6, 12, 12] -> [N, 16, 4, 4].
//!
//! The sixteen output channels are the lanes of a wide vector.

use crate::model::{CONV2, KERNEL, TAPS};

use super::max_pool::maximum;
use super::simd::{LANES, Simd, Vectors, Wide, WideVector};
use super::slices::{window, window_mut};

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
    if S::Wide::IS_ONE_REGISTER {
        forward_in_tiles::<S, 8>(s, x, weight, bias, z, argmax);
    } else {
        forward_in_tiles::<S, 2>(s, x, weight, bias, z, argmax);
    }
}

/// Computes the forward pass in tiles of two rows by `COLUMNS` columns of the convolution.
#[inline(always)]
fn forward_in_tiles<S: Simd, const COLUMNS: usize>(
    s: S,
    x: &[[f32; INPUT]],
    weight: &[f32],
    bias: &[f32],
    z: &mut [[f32; OUTPUT]],
    argmax: &mut [[u8; OUTPUT]],
) {
    let w = s.wide();
    let by_tap = &by_tap(s, weight.try_into().expect("conv2's weight has 2400 values"));
    let bias = w.load(bias.try_into().expect("conv2's bias has 16 values"));
    for ((x, maxima), argmax) in x.iter().zip(z).zip(argmax) {
        // [window][channel]
        let (mut z, mut index) = ([w.splat(0.0); CELLS], [w.splat(0.0); CELLS]);
        for first in (0..CELLS).step_by(COLUMNS / 2) {
            let corner = first / POOLED * 2 * WIDTH + first % POOLED * 2;
            let [upper, lower] = two_rows::<S, COLUMNS>(w, x, corner, by_tap, bias);
            for i in 0..COLUMNS / 2 {
                let four = [upper[2 * i], upper[2 * i + 1], lower[2 * i], lower[2 * i + 1]];
                (z[first + i], index[first + i]) = maximum(w, four);
            }
        }
        let maxima = maxima.as_chunks_mut().0.iter_mut();
        for (to, z) in maxima.zip(w.transpose(s, z)) {
            w.store(z, to);
        }
        let argmax = argmax.as_chunks_mut().0.iter_mut();
        for (to, index) in argmax.zip(w.transpose(s, index)) {
            *to = w.to_bytes(index);
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
                *row = s.load(window(weight, (first + i) * LENGTH + block));
            }
            for (tap, v) in by_tap[block..].iter_mut().zip(s.transpose(rows)) {
                s.store(v, window_mut(tap, first));
            }
        }
    }
    by_tap
}

/// Computes the convolution at two rows by `COLUMNS` columns from `corner` of the 12x12 planes on, for all sixteen channels.
#[inline(always)]
fn two_rows<S: Simd, const COLUMNS: usize>(
    w: S::Wide,
    x: &[f32; INPUT],
    corner: usize,
    by_tap: &[[f32; CHANNELS]; INPUTS * TAPS],
    bias: WideVector<S>,
) -> [[WideVector<S>; COLUMNS]; 2] {
    let mut sums = [[bias; COLUMNS]; 2];
    for (plane, by_tap) in x.as_chunks::<PLANE>().0.iter().zip(by_tap.as_chunks::<TAPS>().0) {
        for (ky, by_tap) in by_tap.as_chunks::<KERNEL>().0.iter().enumerate() {
            let x = &plane[corner + ky * WIDTH..][..WIDTH + COLUMNS + KERNEL - 1];
            for (kx, tap) in by_tap.iter().enumerate() {
                let tap = w.load(tap);
                for (row, sums) in sums.iter_mut().enumerate() {
                    for (column, sum) in sums.iter_mut().enumerate() {
                        *sum = w.mul_add(tap, w.splat(x[row * WIDTH + column + kx]), *sum);
                    }
                }
            }
        }
    }
    sums
}
