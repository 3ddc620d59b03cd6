//! The backward pass of conv1: only the position that max-pool chose in each window has a gradient, so only it is visited.

use super::conv1::{CELLS, CHANNELS, INPUT, OUTPUT, POOLED, WIDTH};
use super::micro_batch::ConvGradients;
use super::simd::{LANES, Simd};
use super::{Aligned, lanes, window};

/// Sums of gradients by [channel][row], the last three lanes being of no use.
pub(super) type Sums = ConvGradients<CHANNELS, 5>;

/// Floats of one image row as the backward pass lays it out: columns 0 to 31 (28 on being zero) and once more columns 8 to 23,
/// so that eight columns from any on lie in one cache line.
const STRIDE: usize = 48;

/// Where a window's first position lies in such an image.
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

/// Overwrites `sums` with those over the images.
///
/// Shapes: x [n, 1, 28, 28], choice and d_z [n, 6, 12, 12]; d_z is the gradient before the activation.
#[inline(always)]
pub(super) fn backward<S: Simd>(
    s: S,
    x: &[[f32; INPUT]],
    choice: &[[u8; OUTPUT]],
    d_z: &[[f32; OUTPUT]],
    sums: &mut Sums,
) {
    *sums = Sums::ZERO;
    let mut image = Aligned([0.0; WIDTH * STRIDE]);
    let mut offsets = [0_u16; CELLS];
    for ((x, choice), d_z) in x.iter().zip(choice).zip(d_z) {
        let rows = image.0.as_chunks_mut::<STRIDE>().0.iter_mut();
        for (row, from) in rows.zip(x.as_chunks::<WIDTH>().0) {
            row[..WIDTH].copy_from_slice(from);
            row[32..].copy_from_slice(&from[8..24]);
        }
        let channels = choice.as_chunks::<CELLS>().0.iter();
        let channels = channels.zip(d_z.as_chunks::<CELLS>().0);
        let sums = sums.weight.0.iter_mut().zip(&mut sums.bias);
        for ((choice, d_z), (d_weight, d_bias)) in channels.zip(sums) {
            let mut sum = s.load(d_bias);
            for d in d_z.as_chunks().0 {
                sum = s.add(sum, s.load(d));
            }
            s.store(sum, d_bias);
            for ((offset, corner), choice) in offsets.iter_mut().zip(CORNERS).zip(choice) {
                let choice = u16::from(choice & 3);
                *offset = corner + (choice >> 1) * STRIDE as u16 + (choice & 1);
            }
            filter_gradient(s, &image.0, d_z, &offsets, d_weight);
        }
    }
}

/// Adds to the gradient of one 5x5 filter, its rows padded to eight, the image at each chosen position times the gradient there.
/// Even and odd positions have accumulators of their own: ten hide the latency of the multiply-adds, five would not.
#[inline(always)]
fn filter_gradient<S: Simd>(
    s: S,
    image: &[f32; WIDTH * STRIDE],
    d_z: &[f32; CELLS],
    offsets: &[u16; CELLS],
    d_weight: &mut [[f32; LANES]; 5],
) {
    let mut sums = [[s.splat(0.0); 5]; 2];
    for (d_z, offsets) in d_z.as_chunks::<2>().0.iter().zip(offsets.as_chunks::<2>().0) {
        for ((d_z, offset), sums) in d_z.iter().zip(offsets).zip(&mut sums) {
            let d_z = s.splat(*d_z);
            let image: &[f32; 4 * STRIDE + LANES] = window(image, usize::from(*offset));
            for (ky, sum) in sums.iter_mut().enumerate() {
                *sum = s.mul_add(d_z, s.load(lanes(image, ky * STRIDE)), *sum);
            }
        }
    }
    let [even, odd] = sums;
    for ((row, even), odd) in d_weight.iter_mut().zip(even).zip(odd) {
        s.store(s.add(s.load(row), s.add(even, odd)), row);
    }
}
