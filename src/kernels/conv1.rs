//! conv1 with its max-pool and sigmoid: [N, 1, 28, 28] -> [N, 6, 12, 12].
//!
//! Sigmoid is monotone, so it may come after max-pool: a quarter of the work, and the same result. The images are the network's
//! input, so there is no gradient of `x`.

use rayon::prelude::*;

use super::sigmoid::{sigmoid, sigmoid_backward};
use super::simd::{Kernel, LANES, Level, Simd};
use super::{Aligned, CHUNK, Gradients, Pooled, add_all, cut, lanes, lanes_mut, window};

/// Values of one input image: 1 x 28 x 28.
pub const INPUT: usize = WIDTH * WIDTH;
/// Values of the output for one image: 6 x 12 x 12.
pub const OUTPUT: usize = CHANNELS * CELLS;
/// Values of the weight: 6 x 1 x 5 x 5.
pub const WEIGHT: usize = CHANNELS * TAPS;
/// Output channels, and values of the bias.
pub const CHANNELS: usize = 6;

const WIDTH: usize = 28;
const POOLED: usize = 12;
const CELLS: usize = POOLED * POOLED;
const TAPS: usize = 25;

/// `y = sigmoid(max_pool(conv(x, weight) + bias))`, and `choice`, the position of each maximum in its window: 2 * row + column,
/// the first in this order among equals.
///
/// Shapes: x [n, 1, 28, 28], weight [6, 1, 5, 5], bias [6], y and choice [n, 6, 12, 12].
///
/// # Panics
/// A slice has another length.
pub fn forward(
    level: Level,
    n: usize,
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    y: &mut [f32],
    choice: &mut [u8],
) {
    assert_eq!(x.len(), n * INPUT);
    assert_eq!(y.len(), n * OUTPUT);
    assert_eq!(choice.len(), n * OUTPUT);
    assert_eq!(weight.len(), WEIGHT);
    let mut by_tap = [[0.0; CHANNELS]; TAPS];
    for (channel, weight) in weight.as_chunks::<TAPS>().0.iter().enumerate() {
        for (tap, w) in by_tap.iter_mut().zip(weight) {
            tap[channel] = *w;
        }
    }
    let bias: &[f32; CHANNELS] = bias.try_into().expect("conv1's bias has 6 values");
    x.par_chunks(CHUNK * INPUT)
        .zip(y.par_chunks_mut(CHUNK * OUTPUT))
        .zip(choice.par_chunks_mut(CHUNK * OUTPUT))
        .for_each(|((x, y), choice)| {
            level.run(Forward {
                x: x.as_chunks().0,
                by_tap: &by_tap,
                bias,
                y: y.as_chunks_mut().0,
                choice: choice.as_chunks_mut().0,
            });
        });
}

struct Forward<'a> {
    x: &'a [[f32; INPUT]],
    /// The weight as [row, column][channel].
    by_tap: &'a [[f32; CHANNELS]; TAPS],
    bias: &'a [f32; CHANNELS],
    y: &'a mut [[f32; OUTPUT]],
    choice: &'a mut [[u8; OUTPUT]],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut position = [0.0; OUTPUT];
        for ((x, y), choice) in self.x.iter().zip(self.y).zip(self.choice) {
            for row in 0..POOLED {
                for third in 0..3 {
                    let x = window(x, row * 2 * WIDTH + third * LANES);
                    let z = two_by_eight(s, x, self.by_tap, self.bias);
                    for (pair, z) in z.as_chunks::<2>().0.iter().enumerate() {
                        // Four windows of one channel and four of the next.
                        let (z, from) = pool(s, (z[0][0], z[1][0]), (z[0][1], z[1][1]));
                        let at = pair * 2 * CELLS + row * POOLED + third * 4;
                        store_halves(s, z, y, at, at + CELLS);
                        store_halves(s, from, &mut position, at, at + CELLS);
                    }
                }
            }
            // Left for the end: here vectors wait for nothing, above each tile would wait for its own.
            let results = y.as_chunks_mut::<LANES>().0.iter_mut();
            let choices = choice.as_chunks_mut::<LANES>().0;
            for ((y, choice), position) in results.zip(choices).zip(position.as_chunks().0) {
                s.store(sigmoid(s, s.load(y)), y);
                *choice = s.to_bytes(s.load(position));
            }
        }
    }
}

/// Writes the lower four lanes at one place and the upper four at another.
#[inline(always)]
fn store_halves<S: Simd>(s: S, v: S::V, to: &mut [f32; OUTPUT], lower: usize, upper: usize) {
    let mut values = [0.0; LANES];
    s.store(v, &mut values);
    to[lower..lower + 4].copy_from_slice(&values[..4]);
    to[upper..upper + 4].copy_from_slice(&values[4..]);
}

/// The convolution at two rows by eight columns, of all channels: [channel][row]. `x` starts at the upper left.
///
/// Its twelve accumulators hide the latency of the multiply-adds, and with two vectors of input and one weight they still
/// fit 16 registers.
#[inline(always)]
fn two_by_eight<S: Simd>(
    s: S,
    x: &[f32; 5 * WIDTH + 4 + LANES],
    by_tap: &[[f32; CHANNELS]; TAPS],
    bias: &[f32; CHANNELS],
) -> [[S::V; 2]; CHANNELS] {
    let mut z = [[s.splat(0.0); 2]; CHANNELS];
    for (z, bias) in z.iter_mut().zip(bias) {
        *z = [s.splat(*bias); 2];
    }
    for ky in 0..5 {
        for kx in 0..5 {
            let upper = s.load(lanes(x, ky * WIDTH + kx));
            let lower = s.load(lanes(x, (ky + 1) * WIDTH + kx));
            for (z, w) in z.iter_mut().zip(&by_tap[ky * 5 + kx]) {
                let w = s.splat(*w);
                z[0] = s.mul_add(w, upper, z[0]);
                z[1] = s.mul_add(w, lower, z[1]);
            }
        }
    }
    z
}

/// The maxima of eight windows and their positions 2 * row + column; of equals the first.
#[inline(always)]
fn pool<S: Simd>(s: S, upper: (S::V, S::V), lower: (S::V, S::V)) -> (S::V, S::V) {
    let (left, right) = s.deinterleave(upper.0, upper.1);
    let upper = s.max(left, right);
    let in_upper = s.select_greater(right, left, s.splat(1.0), s.splat(0.0));
    let (left, right) = s.deinterleave(lower.0, lower.1);
    let lower = s.max(left, right);
    let in_lower = s.select_greater(right, left, s.splat(3.0), s.splat(2.0));
    (
        s.max(upper, lower),
        s.select_greater(lower, upper, in_lower, in_upper),
    )
}

/// The gradients of weight and bias. Overwrites them.
///
/// Shapes: `of` as in [`forward`], d_y [n, 6, 12, 12], gradients [6, 1, 5, 5] and \[6\].
///
/// # Panics
/// A slice has another length.
pub fn backward(level: Level, n: usize, of: Pooled<'_>, gradients: Gradients<'_>) {
    assert_eq!(of.x.len(), n * INPUT);
    for length in [of.y.len(), of.choice.len(), of.d_y.len()] {
        assert_eq!(length, n * OUTPUT);
    }
    let d_weight: &mut [f32; WEIGHT] = gradients.weight.try_into().expect("150 values");
    let d_bias: &mut [f32; CHANNELS] = gradients.bias.try_into().expect("6 values");
    let partial = sum_over_images(level, of);
    let sums = partial.weight.iter().flat_map(|rows| rows.0);
    for (d_row, sums) in d_weight.as_chunks_mut::<5>().0.iter_mut().zip(sums) {
        d_row.copy_from_slice(&sums[..5]);
    }
    for (d_bias, sums) in d_bias.iter_mut().zip(partial.bias) {
        *d_bias = sums.iter().sum();
    }
}

/// The sums over all images of `of`.
fn sum_over_images(level: Level, of: Pooled<'_>) -> Box<Partial> {
    let Some(images) = cut(of.x.len() / INPUT) else {
        let mut partial = Box::new(Partial::ZERO);
        level.run(Backward {
            x: of.x.as_chunks().0,
            y: of.y.as_chunks().0,
            choice: of.choice.as_chunks().0,
            d_y: of.d_y.as_chunks().0,
            partial: &mut partial,
        });
        return partial;
    };
    let (first, second) = of.split_at(images, INPUT, OUTPUT);
    let (mut sum, other) = rayon::join(
        || sum_over_images(level, first),
        || sum_over_images(level, second),
    );
    for (to, from) in sum.weight.iter_mut().zip(&other.weight) {
        add_all(to.0.as_flattened_mut(), from.0.as_flattened());
    }
    add_all(sum.bias.as_flattened_mut(), other.bias.as_flattened());
    sum
}

/// The gradients' sums over one chunk of images: kernel rows of five are padded to eight, the last three being of no use.
#[derive(Clone, Copy)]
struct Partial {
    weight: [Aligned<[[f32; LANES]; 5]>; CHANNELS],
    /// Eight partial sums for each channel.
    bias: [[f32; LANES]; CHANNELS],
}

impl Partial {
    const ZERO: Self = Self {
        weight: [Aligned([[0.0; LANES]; 5]); CHANNELS],
        bias: [[0.0; LANES]; CHANNELS],
    };
}

struct Backward<'a> {
    x: &'a [[f32; INPUT]],
    y: &'a [[f32; OUTPUT]],
    choice: &'a [[u8; OUTPUT]],
    d_y: &'a [[f32; OUTPUT]],
    partial: &'a mut Partial,
}

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

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut image = Aligned([0.0; WIDTH * STRIDE]);
        let mut d_z = Aligned([0.0; CELLS]);
        let mut offsets = [0_u16; CELLS];
        for (((x, y), choice), d_y) in self.x.iter().zip(self.y).zip(self.choice).zip(self.d_y) {
            for (row, from) in image
                .0
                .as_chunks_mut::<STRIDE>()
                .0
                .iter_mut()
                .zip(x.as_chunks::<WIDTH>().0)
            {
                row[..WIDTH].copy_from_slice(from);
                row[32..].copy_from_slice(&from[8..24]);
            }
            let channels = y
                .as_chunks::<CELLS>()
                .0
                .iter()
                .zip(choice.as_chunks::<CELLS>().0)
                .zip(d_y.as_chunks::<CELLS>().0);
            for (((y, choice), d_y), (d_weight, d_bias)) in
                channels.zip(self.partial.weight.iter_mut().zip(&mut self.partial.bias))
            {
                let mut sum = s.load(d_bias);
                for at in (0..CELLS).step_by(LANES) {
                    let d = sigmoid_backward(s, s.load(lanes(y, at)), s.load(lanes(d_y, at)));
                    sum = s.add(sum, d);
                    s.store(d, lanes_mut(&mut d_z.0, at));
                }
                s.store(sum, d_bias);
                for ((offset, corner), choice) in offsets.iter_mut().zip(CORNERS).zip(choice) {
                    let choice = u16::from(choice & 3);
                    *offset = corner + (choice >> 1) * STRIDE as u16 + (choice & 1);
                }
                kernel_gradient(s, &image.0, &d_z.0, &offsets, &mut d_weight.0);
            }
        }
    }
}

/// Adds to the gradient of one 5x5 kernel, its rows padded to eight, the image at each chosen position times the gradient there.
/// Even and odd positions have accumulators of their own: ten hide the latency of the multiply-adds, five would not.
#[inline(always)]
fn kernel_gradient<S: Simd>(
    s: S,
    image: &[f32; WIDTH * STRIDE],
    d_z: &[f32; CELLS],
    offsets: &[u16; CELLS],
    d_weight: &mut [[f32; LANES]; 5],
) {
    let mut sums = [[s.splat(0.0); 5]; 2];
    for (d_z, offsets) in d_z
        .as_chunks::<2>()
        .0
        .iter()
        .zip(offsets.as_chunks::<2>().0)
    {
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
