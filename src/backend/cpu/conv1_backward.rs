//! Backward pass of conv1.
//!
//! Only the maximum of each pooling window has a gradient, so the other positions are skipped. The input is the image, so no
//! gradient of x is needed.

use crate::model::KERNEL;

use super::conv1::{CELLS, CHANNELS, INPUT, OUTPUT, POOLED, WIDTH};
use super::micro_batch::ConvGradients;
use super::simd::{LANES, Simd};
use super::slices::{Aligned, window};

/// Gradients by [channel][row]. A row of five weights leaves the last three lanes unused.
pub(super) type Gradients = ConvGradients<CHANNELS, KERNEL, LANES>;

/// Floats per image row in the layout of the backward pass: columns 0 to 31 (zero from 28 on), then columns 8 to 23 again, so
/// that any eight consecutive columns are within one cache line in one of the two copies.
const STRIDE: usize = 48;

/// Index of the upper left position of each pooling window in the layout with row stride [`STRIDE`].
const CORNERS: [u16; CELLS] = {
    let mut corners = [0; CELLS];
    let mut cell = 0;
    while cell < CELLS {
        let (row, column) = (2 * (cell / POOLED), 2 * (cell % POOLED));
        let second_copy = if column / 8 == 1 { 32 - 8 } else { 0 };
        corners[cell] = (row * STRIDE + column + second_copy) as u16;
        cell += 1;
    }
    corners
};

/// Computes the gradients of weight and bias, summed over the images. Overwrites `gradients`.
///
/// Shapes: x [n, 1, 28, 28], argmax and d_z [n, 6, 12, 12].
#[inline(always)]
pub(super) fn backward<S: Simd>(
    s: S,
    x: &[[f32; INPUT]],
    argmax: &[[u8; OUTPUT]],
    d_z: &[[f32; OUTPUT]],
    gradients: &mut Gradients,
) {
    *gradients = Gradients::ZERO;
    let mut image = Aligned([0.0; WIDTH * STRIDE]);
    let mut offsets = [0_u16; CELLS];
    for ((x, argmax), d_z) in x.iter().zip(argmax).zip(d_z) {
        let rows = image.0.as_chunks_mut::<STRIDE>().0.iter_mut();
        for (row, from) in rows.zip(x.as_chunks::<WIDTH>().0) {
            row[..WIDTH].copy_from_slice(from);
            row[32..].copy_from_slice(&from[8..24]);
        }
        let channels = argmax.as_chunks::<CELLS>().0.iter();
        let channels = channels.zip(d_z.as_chunks::<CELLS>().0);
        let gradients = gradients.weight.0.iter_mut().zip(&mut gradients.bias);
        for ((argmax, d_z), (d_weight, d_bias)) in channels.zip(gradients) {
            let mut sum = s.load(d_bias);
            for d in d_z.as_chunks().0 {
                sum = s.add(sum, s.load(d));
            }
            s.store(sum, d_bias);
            // A `zip` of three iterators would not be inlined, and would call a function for each window.
            for cell in 0..CELLS {
                let index = u16::from(argmax[cell] & 3);
                offsets[cell] = CORNERS[cell] + (index >> 1) * STRIDE as u16 + (index & 1);
            }
            kernel_gradient(s, &image.0, d_z, &offsets, d_weight);
        }
    }
}

/// For each maximum, adds d_z times the 5x5 patch of the image below the maximum to the gradient of one kernel. The kernel's
/// rows are padded to eight values. Even and odd windows have separate accumulators: ten accumulators hide the latency of the
/// multiply-adds, five would not.
#[inline(always)]
fn kernel_gradient<S: Simd>(
    s: S,
    image: &[f32; WIDTH * STRIDE],
    d_z: &[f32; CELLS],
    offsets: &[u16; CELLS],
    d_weight: &mut [[f32; LANES]; KERNEL],
) {
    let mut sums = [[s.splat(0.0); KERNEL]; 2];
    for (d_z, offsets) in d_z.as_chunks::<2>().0.iter().zip(offsets.as_chunks::<2>().0) {
        for ((d_z, offset), sums) in d_z.iter().zip(offsets).zip(&mut sums) {
            let d_z = s.splat(*d_z);
            let image: &[f32; 4 * STRIDE + LANES] = window(image, usize::from(*offset));
            for (ky, sum) in sums.iter_mut().enumerate() {
                *sum = s.mul_add(d_z, s.load(window(image, ky * STRIDE)), *sum);
            }
        }
    }
    let [even, odd] = sums;
    for (ky, row) in d_weight.iter_mut().enumerate() {
        s.store(s.add(s.load(row), s.add(even[ky], odd[ky])), row);
    }
}
