//! conv1 with its max-pool and sigmoid: [N, 1, 28, 28] -> [N, 6, 12, 12].
//!
//! Sigmoid is monotone, so it may come after max-pool: a quarter of the work, and the same result. The images are the network's
//! input, so there is no gradient of `x`.

use rayon::prelude::*;

use super::sigmoid::{sigmoid_backward, sigmoid_in_place};
use super::simd::{Kernel, LANES, Level, Simd};
use super::{Aligned, CHUNK, Gradients, Pooled, lanes, lanes_mut, window};

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
    let weight: &[f32; WEIGHT] = weight.try_into().expect("conv1's weight has 150 values");
    let bias: &[f32; CHANNELS] = bias.try_into().expect("conv1's bias has 6 values");
    x.par_chunks(CHUNK * INPUT)
        .zip(y.par_chunks_mut(CHUNK * OUTPUT))
        .zip(choice.par_chunks_mut(CHUNK * OUTPUT))
        .for_each(|((x, y), choice)| {
            level.run(Forward {
                x: x.as_chunks().0,
                weight,
                bias,
                y: y.as_chunks_mut().0,
                choice: choice.as_chunks_mut().0,
            });
        });
}

struct Forward<'a> {
    x: &'a [[f32; INPUT]],
    weight: &'a [f32; WEIGHT],
    bias: &'a [f32; CHANNELS],
    y: &'a mut [[f32; OUTPUT]],
    choice: &'a mut [[u8; OUTPUT]],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let weights = self.weight.as_chunks::<TAPS>().0.as_chunks::<2>().0;
        let biases = self.bias.as_chunks::<2>().0;
        for ((x, y), choice) in self.x.iter().zip(self.y).zip(self.choice) {
            let planes = y.as_chunks_mut::<{ 2 * CELLS }>().0;
            let choices = choice.as_chunks_mut::<{ 2 * CELLS }>().0;
            for (((weight, bias), y), choice) in weights.iter().zip(biases).zip(planes).zip(choices)
            {
                for row in 0..POOLED {
                    let z = two_rows(s, window(x, row * 2 * WIDTH), weight, bias);
                    pool_two_rows(s, z, row, y, choice);
                }
            }
            sigmoid_in_place(s, y);
        }
    }
}

/// Two rows of the convolution, each 24 wide, of two channels: [channel][row][vector].
type TwoRows<V> = [[[V; 3]; 2]; 2];

/// Two rows of two channels at once: twelve accumulators hide the latency of the multiply-adds, and with three vectors of
/// input and one weight they fill the 16 registers. `x` holds the six input rows below the two.
#[inline(always)]
fn two_rows<S: Simd>(
    s: S,
    x: &[f32; 6 * WIDTH],
    weight: &[[f32; TAPS]; 2],
    bias: &[f32; 2],
) -> TwoRows<S::V> {
    let mut z = bias.map(|bias| [[s.splat(bias); 3]; 2]);
    input_row::<S, true, false>(s, x, 0, weight, &mut z);
    for row in 1..5 {
        input_row::<S, true, true>(s, x, row, weight, &mut z);
    }
    input_row::<S, false, true>(s, x, 5, weight, &mut z);
    z
}

/// Adds what the input row `row` of six contributes to the upper and to the lower of two rows.
#[inline(always)]
fn input_row<S: Simd, const UPPER: bool, const LOWER: bool>(
    s: S,
    x: &[f32; 6 * WIDTH],
    row: usize,
    weight: &[[f32; TAPS]; 2],
    z: &mut TwoRows<S::V>,
) {
    for kx in 0..5 {
        let x = [0, 1, 2].map(|j| s.load(lanes(x, row * WIDTH + kx + j * LANES)));
        for (weight, z) in weight.iter().zip(z.iter_mut()) {
            if UPPER {
                let w = s.splat(weight[row * 5 + kx]);
                for (x, z) in x.iter().zip(&mut z[0]) {
                    *z = s.mul_add(w, *x, *z);
                }
            }
            if LOWER {
                let w = s.splat(weight[(row - 1) * 5 + kx]);
                for (x, z) in x.iter().zip(&mut z[1]) {
                    *z = s.mul_add(w, *x, *z);
                }
            }
        }
    }
}

/// Max-pools two rows of two channels into row `row` of their two pooled planes.
#[inline(always)]
fn pool_two_rows<S: Simd>(
    s: S,
    [[a, a_lower], [b, b_lower]]: TwoRows<S::V>,
    row: usize,
    y: &mut [f32; 2 * CELLS],
    choice: &mut [u8; 2 * CELLS],
) {
    let (left_a, left_b) = (row * POOLED, CELLS + row * POOLED);
    for (at, upper, lower) in [
        (left_a, (a[0], a[1]), (a_lower[0], a_lower[1])),
        (left_b, (b[0], b[1]), (b_lower[0], b_lower[1])),
    ] {
        let (z, position) = pool(s, upper, lower);
        s.store(z, lanes_mut(y, at));
        choice[at..at + LANES].copy_from_slice(&s.to_bytes(position));
    }
    // The right third of a row is four windows: one vector holds those of both channels.
    let (z, position) = pool(s, (a[2], b[2]), (a_lower[2], b_lower[2]));
    let mut values = [0.0; LANES];
    s.store(z, &mut values);
    let positions = s.to_bytes(position);
    for (half, at) in [left_a + LANES, left_b + LANES].into_iter().enumerate() {
        y[at..at + 4].copy_from_slice(&values[half * 4..half * 4 + 4]);
        choice[at..at + 4].copy_from_slice(&positions[half * 4..half * 4 + 4]);
    }
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
    let mut partials = vec![Partial::ZERO; n.div_ceil(CHUNK)];
    of.x.par_chunks(CHUNK * INPUT)
        .zip(of.y.par_chunks(CHUNK * OUTPUT))
        .zip(of.choice.par_chunks(CHUNK * OUTPUT))
        .zip(of.d_y.par_chunks(CHUNK * OUTPUT))
        .zip(&mut partials)
        .for_each(|((((x, y), choice), d_y), partial)| {
            level.run(Backward {
                x: x.as_chunks().0,
                y: y.as_chunks().0,
                choice: choice.as_chunks().0,
                d_y: d_y.as_chunks().0,
                partial,
            });
        });
    d_weight.fill(0.0);
    d_bias.fill(0.0);
    for partial in &partials {
        let sums = partial.weight.iter().flat_map(|rows| rows.0);
        for (d_row, row) in d_weight.as_chunks_mut::<5>().0.iter_mut().zip(sums) {
            for (d, sum) in d_row.iter_mut().zip(row) {
                *d += sum;
            }
        }
        for (d, sum) in d_bias.iter_mut().zip(partial.bias) {
            *d += sum;
        }
    }
}

/// The gradients' sums over one chunk of images: kernel rows of five are padded to eight, the last three being of no use.
#[derive(Clone, Copy)]
struct Partial {
    weight: [Aligned<[[f32; LANES]; 5]>; CHANNELS],
    bias: [f32; CHANNELS],
}

impl Partial {
    const ZERO: Self = Self {
        weight: [Aligned([[0.0; LANES]; 5]); CHANNELS],
        bias: [0.0; CHANNELS],
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
                let mut sum = s.splat(0.0);
                for at in (0..CELLS).step_by(LANES) {
                    let d = sigmoid_backward(s, s.load(lanes(y, at)), s.load(lanes(d_y, at)));
                    sum = s.add(sum, d);
                    s.store(d, lanes_mut(&mut d_z.0, at));
                }
                *d_bias += s.sum(sum);
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
