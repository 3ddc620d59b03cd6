//! Gradient of conv2's input: for each maximum, d_z times the kernel is added to the gradient of the 5x5 inputs below the
//! maximum.

use crate::model::KERNEL;

use super::conv2::{CELLS, CHANNELS, INPUT, INPUTS, PLANE, POOLED, WEIGHT, WIDTH};
use super::simd::{LANES, Simd, Vectors, WIDE, Wide, WideVector};
use super::slices::{Aligned, window, window_mut};

/// Images per pass over the kernels. With more images, the data of a pass would not fit into the first-level cache.
pub(super) const CHUNK: usize = 4;

/// The non-zero gradients of a chunk of images and their positions: [output channel][image, window].
pub(super) struct Sparse {
    pub(super) d_z: [[f32; CHUNK * CELLS]; CHANNELS],
    /// Position of the maximum, as an index into the inputs in the layout of [`super::conv2_backward`].
    pub(super) position: [[u16; CHUNK * CELLS]; CHANNELS],
    /// Index in [`Shifted`] of the values that the maximum adds to the inputs below its window.
    pub(super) start: [[u16; CHUNK * CELLS]; CHANNELS],
}

/// Pairs of input channels. Two channels are processed at a time: their 6x6 inputs below a window take twelve vectors, enough
/// accumulators to hide the latency of the multiply-adds.
const PAIRS: usize = INPUTS / 2;

/// Rows of a pair of shifted kernels, each of eight floats per kernel.
const ROWS: usize = 8;
/// Floats of a pair of shifted kernels.
const SHIFTED: usize = ROWS * WIDE;

/// The weight, laid out so that the values which a maximum adds to the 6x6 inputs below its window are six contiguous wide
/// vectors, wherever in the window the maximum is. Each 5x5 kernel is stored twice, with rows of zeros above and below; the
/// second copy is one column further right. Layout: [pair, output channel][column shift, row, channel of the pair, column].
pub(super) struct Shifted(Vec<Aligned<[f32; 2 * SHIFTED]>>);

impl Shifted {
    pub(super) fn new() -> Self {
        Self(vec![Aligned([0.0; 2 * SHIFTED]); PAIRS * CHANNELS])
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
                        s.select_greater(five, zero, s.load(window(weight, from)), zero)
                    } else {
                        let mut row = [0.0; LANES];
                        row[..KERNEL].copy_from_slice(&weight[from..]);
                        s.load(&row)
                    };
                    let at = (ky + 1) * WIDE + input % 2 * LANES;
                    s.store(row, window_mut(to, at));
                    // This store starts one float into the row, so its last lane, which is zero, ends up in the first float of
                    // another row, which is also zero.
                    s.store(row, window_mut(to, at + SHIFTED + 1));
                }
            }
        }
    }
}

/// Returns the index in [`Shifted`] of the values for the maximum `argmax` of its window, which is 2 * row + column.
#[inline(always)]
pub(super) fn start(argmax: u8) -> u16 {
    let (lower, right) = (u16::from(argmax >> 1 & 1), u16::from(argmax & 1));
    // If the maximum is in the lower row, the zeros above the kernel come first.
    right * SHIFTED as u16 + (1 - lower) * WIDE as u16
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
            if S::Wide::IS_ONE_REGISTER {
                two_planes::<S, 2>(s, image, sparse, kernels, d_x);
            } else {
                two_planes::<S, 1>(s, image, sparse, kernels, d_x);
            }
        }
    }
}

/// Computes the gradient of two planes of one image, for `COLUMNS` columns of windows at a time. Overwrites `d_x`.
///
/// The gradient of the 6x6 inputs below a window stays in registers while all output channels are added. Windows are processed
/// down a column. The lower four rows below one window are the upper four below the next, so only two rows are written per
/// window.
#[inline(always)]
fn two_planes<S: Simd, const COLUMNS: usize>(
    s: S,
    image: usize,
    sparse: &Sparse,
    kernels: &[Aligned<[f32; 2 * SHIFTED]>; CHANNELS],
    d_x: &mut [f32; 2 * PLANE],
) {
    let w = s.wide();
    let mut padded = Aligned([0.0; 2 * WIDTH * STRIDE]);
    for first in (0..POOLED).step_by(COLUMNS) {
        let mut patches = [[w.splat(0.0); 6]; COLUMNS];
        for row in 0..POOLED {
            let at = image * CELLS + row * POOLED + first;
            for ((d_z, start), kernels) in sparse.d_z.iter().zip(&sparse.start).zip(kernels) {
                let d_z: &[f32; COLUMNS] = window(d_z, at);
                let start: &[u16; COLUMNS] = window(start, at);
                for ((patch, d_z), start) in patches.iter_mut().zip(d_z).zip(start) {
                    let d_z = w.splat(*d_z);
                    let kernels: &[f32; 6 * WIDE] = window(&kernels.0, usize::from(*start));
                    for (y, sum) in patch.iter_mut().enumerate() {
                        *sum = w.mul_add(d_z, w.load(window(kernels, y * WIDE)), *sum);
                    }
                }
            }
            for (column, patch) in patches.iter_mut().enumerate() {
                add_rows(s, &patch[..2], row * 2, first + column, &mut padded.0);
                let zero = w.splat(0.0);
                *patch = [patch[2], patch[3], patch[4], patch[5], zero, zero];
            }
        }
        for (column, patch) in patches.iter().enumerate() {
            add_rows(s, &patch[..4], POOLED * 2, first + column, &mut padded.0);
        }
    }
    let rows = padded.0.as_chunks::<STRIDE>().0;
    for (to, row) in d_x.as_chunks_mut::<WIDTH>().0.iter_mut().zip(rows) {
        to.copy_from_slice(&row[..WIDTH]);
    }
}

/// Adds rows below a window to the rows of both planes from `y` on.
#[inline(always)]
fn add_rows<S: Simd>(
    s: S,
    rows: &[WideVector<S>],
    y: usize,
    column: usize,
    padded: &mut [f32; 2 * WIDTH * STRIDE],
) {
    for (i, row) in rows.iter().enumerate() {
        for (plane, v) in s.wide().split(*row).into_iter().enumerate() {
            let to = window_mut(padded, (plane * WIDTH + y + i) * STRIDE + column * 2);
            s.store(s.add(s.load(to), v), to);
        }
    }
}
