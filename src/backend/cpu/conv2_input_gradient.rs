//! Gradient of conv2's input: for each maximum, d_z times the kernel is added to the gradient of the 5x5 inputs below the
//! maximum.

use crate::model::KERNEL;

use super::conv2::{CELLS, CHANNELS, INPUT, INPUTS, PLANE, POOLED, WEIGHT, WIDTH};
use super::simd::{LANES, Simd};
use super::slices::{Aligned, lanes, lanes_mut, window};

/// Images per pass over the kernels. With more images, the data of a pass would not fit into the first-level cache.
pub(super) const CHUNK: usize = 4;

/// The non-zero gradients of a chunk of images and their positions: [output channel][image, window].
pub(super) struct Sparse {
    pub(super) d_z: [[f32; CHUNK * CELLS]; CHANNELS],
    /// Position of the maximum, as an index into the inputs of the chunk with channels last.
    pub(super) position: [[u16; CHUNK * CELLS]; CHANNELS],
    /// Index of the maximum in its window: 2 * row + column.
    pub(super) argmax: [[u8; CHUNK * CELLS]; CHANNELS],
}

/// Pairs of input channels. Two channels are processed at a time: their 6x6 inputs below a window take twelve vectors, enough
/// accumulators to hide the latency of the multiply-adds.
const PAIRS: usize = INPUTS / 2;

/// Rows of a shifted kernel, each of eight floats.
const ROWS: usize = 8;
/// Floats of a shifted kernel.
const SHIFTED: usize = ROWS * LANES;

/// The weight, laid out so that the values which a maximum adds to the 6x6 inputs below its window are six contiguous vectors,
/// wherever in the window the maximum is. Each 5x5 kernel is stored twice, with rows of zeros above and below; the second copy
/// is one column further right. Layout: [pair, output channel][channel of the pair, column shift, row, column].
pub(super) struct Shifted(Vec<Aligned<[f32; 4 * SHIFTED]>>);

impl Shifted {
    pub(super) fn new() -> Self {
        Self(vec![Aligned([0.0; 4 * SHIFTED]); PAIRS * CHANNELS])
    }

    /// Copies the weight [16, 6, 5, 5] into this layout.
    #[inline(always)]
    pub(super) fn fill<S: Simd>(&mut self, s: S, weight: &[f32]) {
        let weight: &[f32; WEIGHT] = weight.try_into().expect("conv2's weight has 2400 values");
        let zero = s.splat(0.0);
        let five = s.load(&[1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
        for channel in 0..CHANNELS {
            for input in 0..INPUTS {
                let to = &mut self.0[input / 2 * CHANNELS + channel].0;
                for ky in 0..KERNEL {
                    let from = ((channel * INPUTS + input) * KERNEL + ky) * KERNEL;
                    // Load the row and three values of the next row, and set those three to zero. Nothing follows
                    // the last row, so it is copied to a buffer first.
                    let row = if from + LANES <= WEIGHT {
                        s.select_greater(five, zero, s.load(lanes(weight, from)), zero)
                    } else {
                        let mut row = [0.0; LANES];
                        row[..KERNEL].copy_from_slice(&weight[from..]);
                        s.load(&row)
                    };
                    let at = input % 2 * 2 * SHIFTED + (ky + 1) * LANES;
                    s.store(row, lanes_mut(to, at));
                    // This store starts one float into the row, so its last lane, a zero, is the first float of the next
                    // row, which is zero anyway.
                    s.store(row, lanes_mut(to, at + SHIFTED + 1));
                }
            }
        }
    }
}

/// Floats per row of a plane in scratch memory: exactly one cache line, so that few vectors cross a cache line.
const STRIDE: usize = 16;

/// Computes the input gradients of the chunk's first `d_x.len()` images. Overwrites `d_x`.
#[inline(always)]
pub(super) fn input_gradient<S: Simd>(
    s: S,
    sparse: &Sparse,
    weight: &Shifted,
    d_x: &mut [[f32; INPUT]],
) {
    // The images are the inner loop, so that the kernels of one pair stay in the first-level cache.
    for (pair, kernels) in weight.0.as_chunks::<CHANNELS>().0.iter().enumerate() {
        for (image, d_x) in d_x.iter_mut().enumerate() {
            let d_x = &mut d_x.as_chunks_mut::<{ 2 * PLANE }>().0[pair];
            two_planes(s, image, sparse, kernels, d_x);
        }
    }
}

/// Computes the gradient of two planes of one image. Overwrites `d_x`.
///
/// The gradient of the 6x6 inputs below a window stays in registers while all output channels are added. Windows are processed
/// down a column. The lower four rows below one window are the upper four below the next, so only two rows are written per
/// window.
#[inline(always)]
fn two_planes<S: Simd>(
    s: S,
    image: usize,
    sparse: &Sparse,
    kernels: &[Aligned<[f32; 4 * SHIFTED]>; CHANNELS],
    d_x: &mut [f32; 2 * PLANE],
) {
    let mut padded = Aligned([0.0; 2 * WIDTH * STRIDE]);
    for column in 0..POOLED {
        let mut patch = [[s.splat(0.0); 6]; 2];
        for row in 0..POOLED {
            let at = image * CELLS + row * POOLED + column;
            for ((d_z, argmax), kernels) in sparse.d_z.iter().zip(&sparse.argmax).zip(kernels) {
                let d_z = s.splat(d_z[at]);
                let (lower, right) =
                    (usize::from(argmax[at] >> 1 & 1), usize::from(argmax[at] & 1));
                // If the maximum is in the lower row, the zeros above the kernel come first.
                let start = right * SHIFTED + (1 - lower) * LANES;
                let kernels: &[f32; 2 * SHIFTED + 6 * LANES] = window(&kernels.0, start);
                for (plane, patch) in patch.iter_mut().enumerate() {
                    for (y, sum) in patch.iter_mut().enumerate() {
                        let w = s.load(lanes(kernels, plane * 2 * SHIFTED + y * LANES));
                        *sum = s.mul_add(d_z, w, *sum);
                    }
                }
            }
            for (plane, patch) in patch.iter_mut().enumerate() {
                for (y, sum) in patch[..2].iter().enumerate() {
                    let at = (plane * WIDTH + row * 2 + y) * STRIDE + column * 2;
                    add_to(s, *sum, lanes_mut(&mut padded.0, at));
                }
                *patch = [patch[2], patch[3], patch[4], patch[5], s.splat(0.0), s.splat(0.0)];
            }
        }
        for (plane, patch) in patch.iter().enumerate() {
            for (y, sum) in patch[..4].iter().enumerate() {
                let at = (plane * WIDTH + POOLED * 2 + y) * STRIDE + column * 2;
                add_to(s, *sum, lanes_mut(&mut padded.0, at));
            }
        }
    }
    let rows = padded.0.as_chunks::<STRIDE>().0;
    for (to, row) in d_x.as_chunks_mut::<WIDTH>().0.iter_mut().zip(rows) {
        to.copy_from_slice(&row[..WIDTH]);
    }
}

#[inline(always)]
fn add_to<S: Simd>(s: S, v: S::V, to: &mut [f32; LANES]) {
    s.store(s.add(s.load(to), v), to);
}
