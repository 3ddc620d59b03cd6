//! conv2 with its max-pool: [N, 6, 12, 12] -> [N, 16, 4, 4].
//!
//! The sixteen output channels are the lanes of two vectors; the backward pass is in a file of its own.

use super::simd::{LANES, Simd};
use super::{TAPS, first_maximum, lanes, lanes_mut, window};

pub(super) use super::conv2_backward::{Sums, backward};
pub(super) use super::conv2_input_gradient::Shifted;

/// Values of the input for one image: 6 x 12 x 12.
pub(super) const INPUT: usize = INPUTS * PLANE;
/// Values of the output for one image: 16 x 4 x 4.
pub(super) const OUTPUT: usize = CHANNELS * CELLS;
/// Values of the weight: 16 x 6 x 5 x 5.
pub(super) const WEIGHT: usize = CHANNELS * INPUTS * TAPS;
/// Output channels, and values of the bias.
pub(super) const CHANNELS: usize = 16;

pub(super) const INPUTS: usize = 6;
pub(super) const WIDTH: usize = 12;
pub(super) const PLANE: usize = WIDTH * WIDTH;
pub(super) const POOLED: usize = 4;
pub(super) const CELLS: usize = POOLED * POOLED;

/// `z = max_pool(conv(x, weight) + bias)`, and `choice`, the position of each maximum in its window: 2 * row + column, the
/// first in this order among equals. Overwrites both.
///
/// Shapes: x [n, 6, 12, 12], weight [16, 6, 5, 5], bias \[16\], z and choice [n, 16, 4, 4].
#[inline(always)]
pub(super) fn forward<S: Simd>(
    s: S,
    x: &[[f32; INPUT]],
    weight: &[f32],
    bias: &[f32],
    z: &mut [[f32; OUTPUT]],
    choice: &mut [[u8; OUTPUT]],
) {
    let zero = s.splat(0.0);
    let by_tap = &by_tap(s, weight.try_into().expect("conv2's weight has 2400 values"));
    let bias = bias.try_into().expect("conv2's bias has 16 values");
    for ((x, maxima), choice) in x.iter().zip(z).zip(choice) {
        // Eight windows, two rows of four, make the eight lanes of the output.
        for half in 0..2 {
            let (mut z, mut position) = ([[zero; LANES]; 2], [[zero; LANES]; 2]);
            for i in 0..LANES {
                let corner = (half * 4 + i / POOLED * 2) * WIDTH + i % POOLED * 2;
                let sums = four_positions(s, x, corner, by_tap, bias);
                for channels in 0..2 {
                    let four = sums.map(|sums| sums[channels]);
                    (z[channels][i], position[channels][i]) = first_maximum(s, four);
                }
            }
            for channels in 0..2 {
                let z = s.transpose(z[channels]);
                let position = s.transpose(position[channels]);
                for (i, (z, position)) in z.into_iter().zip(position).enumerate() {
                    let at = (channels * LANES + i) * CELLS + half * LANES;
                    s.store(z, lanes_mut(maxima, at));
                    choice[at..at + LANES].copy_from_slice(&s.to_bytes(position));
                }
            }
        }
    }
}

/// The weight as [input channel, row, column][output channel]. Each task makes its own: a table that another thread has just
/// written would have to cross from its cache.
#[inline(always)]
fn by_tap<S: Simd>(s: S, weight: &[f32; WEIGHT]) -> [[f32; CHANNELS]; INPUTS * TAPS] {
    const LENGTH: usize = INPUTS * TAPS;
    let mut by_tap = [[0.0; CHANNELS]; LENGTH];
    for first in [0, LANES] {
        for block in (0..LENGTH).step_by(LANES) {
            // The last block starts earlier than its place, to end where the weight does.
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

/// The convolution at the four positions of the window at `corner` of the 12x12 planes, for all sixteen channels.
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
        let x: &[f32; 5 * WIDTH + 6] = window(plane, corner);
        for ky in 0..5 {
            for kx in 0..5 {
                let w = &by_tap[ky * 5 + kx];
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
