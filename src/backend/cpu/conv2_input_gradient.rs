//! The gradient of conv2's input: the part of its backward pass that adds filters, times the gradient at the chosen position,
//! into the planes.

use super::conv2::{CELLS, CHANNELS, INPUT, INPUTS, PLANE, POOLED, WEIGHT, WIDTH};
use super::simd::{LANES, Simd};
use super::{Aligned, lanes, lanes_mut, window};

/// Images that one pass over the filters works on: as many as leave the first-level cache room for anything else.
pub(super) const CHUNK: usize = 4;

/// The gradient of a chunk of images, and where it goes: [output channel][image, window].
pub(super) struct Sparse {
    pub(super) d_z: [[f32; CHUNK * CELLS]; CHANNELS],
    /// The chosen position among the inputs of the chunk, as an index into their planes with channels last.
    pub(super) position: [[u16; CHUNK * CELLS]; CHANNELS],
    /// The chosen position in its window: 2 * row + column.
    pub(super) choice: [[u8; CHUNK * CELLS]; CHANNELS],
}

/// Input channels are taken two at a time: the 6x6 inputs below a window are then twelve vectors, enough accumulators to hide
/// the latency of the multiply-adds.
const PAIRS: usize = INPUTS / 2;

/// Rows of a shifted filter, of eight floats each, and its size in floats.
const ROWS: usize = 8;
const FILTER: usize = ROWS * LANES;

/// The weight, laid out so that whatever position a window chose, the update of the 6x6 inputs below the window is six plain
/// vectors: each 5x5 filter twice, one column further right the second time, with a row of zeros above and below.
/// [pair, output channel][of the pair, column shift, row, column].
pub(crate) struct Shifted(Vec<Aligned<[f32; 4 * FILTER]>>);

impl Shifted {
    pub(super) fn new() -> Self {
        Self(vec![Aligned([0.0; 4 * FILTER]); PAIRS * CHANNELS])
    }

    /// Lays out this weight [16, 6, 5, 5].
    #[inline(always)]
    pub(super) fn fill<S: Simd>(&mut self, s: S, weight: &[f32]) {
        let weight: &[f32; WEIGHT] = weight.try_into().expect("conv2's weight has 2400 values");
        let zero = s.splat(0.0);
        let five = s.load(&[1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
        for channel in 0..CHANNELS {
            for input in 0..INPUTS {
                let to = &mut self.0[input / 2 * CHANNELS + channel].0;
                for ky in 0..5 {
                    let from = ((channel * INPUTS + input) * 5 + ky) * 5;
                    // The row and three values of the next, which are replaced by zeros; the last row has no next.
                    let row = if from + LANES <= WEIGHT {
                        s.select_greater(five, zero, s.load(lanes(weight, from)), zero)
                    } else {
                        let mut row = [0.0; LANES];
                        row[..5].copy_from_slice(&weight[from..]);
                        s.load(&row)
                    };
                    let at = input % 2 * 2 * FILTER + (ky + 1) * LANES;
                    s.store(row, lanes_mut(to, at));
                    // The zero beyond the end of the shifted row lies where the next one starts with its own.
                    s.store(row, lanes_mut(to, at + FILTER + 1));
                }
            }
        }
    }
}

/// Floats of a row of a plane in scratch memory: a cache line, so that few vectors lie across two.
const STRIDE: usize = 16;

/// Overwrites the gradient of the images in `d_x`, the first of the chunk.
#[inline(always)]
pub(super) fn input_gradient<S: Simd>(
    s: S,
    sparse: &Sparse,
    weight: &Shifted,
    d_x: &mut [[f32; INPUT]],
) {
    // Images innermost: the filters of one pair then stay in the first-level cache.
    for (pair, filters) in weight.0.as_chunks::<CHANNELS>().0.iter().enumerate() {
        for (image, d_x) in d_x.iter_mut().enumerate() {
            let d_x = &mut d_x.as_chunks_mut::<{ 2 * PLANE }>().0[pair];
            two_planes(s, image, sparse, filters, d_x);
        }
    }
}

/// Overwrites the gradient of two planes of one image.
///
/// The 6x6 inputs below a window stay in registers over all output channels. Windows are taken down a column: what one
/// leaves in its lower four rows is where the next one starts, so only two rows are written per window.
#[inline(always)]
fn two_planes<S: Simd>(
    s: S,
    image: usize,
    sparse: &Sparse,
    filters: &[Aligned<[f32; 4 * FILTER]>; CHANNELS],
    d_x: &mut [f32; 2 * PLANE],
) {
    let mut padded = Aligned([0.0; 2 * WIDTH * STRIDE]);
    for column in 0..POOLED {
        let mut patch = [[s.splat(0.0); 6]; 2];
        for row in 0..POOLED {
            let at = image * CELLS + row * POOLED + column;
            for ((d_z, choice), filters) in sparse.d_z.iter().zip(&sparse.choice).zip(filters) {
                let d_z = s.splat(d_z[at]);
                let (lower, right) =
                    (usize::from(choice[at] >> 1 & 1), usize::from(choice[at] & 1));
                // Where the lower row was chosen, the zeros above the filter come first.
                let start = right * FILTER + (1 - lower) * LANES;
                let filters: &[f32; 2 * FILTER + 6 * LANES] = window(&filters.0, start);
                for (plane, patch) in patch.iter_mut().enumerate() {
                    for (y, sum) in patch.iter_mut().enumerate() {
                        let w = s.load(lanes(filters, plane * 2 * FILTER + y * LANES));
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
