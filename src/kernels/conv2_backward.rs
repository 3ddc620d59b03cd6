//! The backward pass of conv2: only the position that max-pool chose in each window has a gradient, so only it is visited.

use rayon::prelude::*;

use super::conv2::{CELLS, CHANNELS, INPUT, INPUTS, OUTPUT, PLANE, POOLED, TAPS, WEIGHT, WIDTH};
use super::sigmoid::sigmoid_backward;
use super::simd::{Kernel, LANES, Level, Simd};
use super::{Aligned, CHUNK, Gradients, Pooled, lanes, lanes_mut, window};

/// The gradients of weight and bias, and that of `x` unless it is `None`. Overwrites them.
///
/// Shapes: `of` as in [`super::conv2::forward`], d_y [n, 16, 4, 4], weight and its gradient [16, 6, 5, 5], d_x [n, 6, 12, 12].
///
/// # Panics
/// A slice has another length.
pub fn backward(
    level: Level,
    n: usize,
    of: Pooled<'_>,
    weight: &[f32],
    d_x: Option<&mut [f32]>,
    gradients: Gradients<'_>,
) {
    assert_eq!(of.x.len(), n * INPUT);
    for length in [of.y.len(), of.choice.len(), of.d_y.len()] {
        assert_eq!(length, n * OUTPUT);
    }
    let weight: &[f32; WEIGHT] = weight.try_into().expect("conv2's weight has 2400 values");
    let d_weight: &mut [f32; WEIGHT] = gradients.weight.try_into().expect("2400 values");
    let d_bias: &mut [f32; CHANNELS] = gradients.bias.try_into().expect("16 values");
    let mut partials = vec![Partial::ZERO; n.div_ceil(CHUNK)];
    let shifted = Shifted::new(weight);
    let chunks =
        of.x.par_chunks(CHUNK * INPUT)
            .zip(of.y.par_chunks(CHUNK * OUTPUT))
            .zip(of.choice.par_chunks(CHUNK * OUTPUT))
            .zip(of.d_y.par_chunks(CHUNK * OUTPUT))
            .zip(&mut partials);
    let run = |x: &[f32], y: &[f32], choice: &[u8], d_y: &[f32], partial, d_x| {
        level.run(Backward {
            x: x.as_chunks().0,
            y: y.as_chunks().0,
            choice: choice.as_chunks().0,
            d_y: d_y.as_chunks().0,
            shifted: &shifted,
            d_x,
            partial,
        });
    };
    match d_x {
        Some(d_x) => {
            assert_eq!(d_x.len(), n * INPUT);
            chunks.zip(d_x.par_chunks_mut(CHUNK * INPUT)).for_each(
                |(((((x, y), choice), d_y), partial), d_x)| {
                    run(x, y, choice, d_y, partial, d_x.as_chunks_mut().0);
                },
            );
        }
        None => chunks.for_each(|((((x, y), choice), d_y), partial)| {
            run(x, y, choice, d_y, partial, &mut []);
        }),
    }
    d_weight.fill(0.0);
    d_bias.fill(0.0);
    for partial in &partials {
        for (pair, channels) in partial.weight.0.iter().enumerate() {
            for (channel, kernels) in channels.iter().enumerate() {
                let first = (channel * INPUTS + pair * 2) * TAPS;
                let rows = d_weight[first..first + 2 * TAPS].as_chunks_mut::<5>().0;
                for (d_row, row) in rows.iter_mut().zip(kernels.as_flattened()) {
                    for (d, sum) in d_row.iter_mut().zip(row) {
                        *d += sum;
                    }
                }
            }
        }
        for (d, sum) in d_bias.iter_mut().zip(partial.bias) {
            *d += sum;
        }
    }
}

/// Input channels are taken two at a time: twice the kernel's five rows (or the six it can touch in a window) are the ten or twelve
/// accumulators that hide the latency of the multiply-adds.
const PAIRS: usize = INPUTS / 2;

/// The gradients' sums over one chunk of images: [pair][output channel][of the pair][kernel row], the row's five values padded
/// to eight, of which the last three are of no use.
#[derive(Clone)]
struct Partial {
    weight: Aligned<[[[[[f32; LANES]; 5]; 2]; CHANNELS]; PAIRS]>,
    bias: [f32; CHANNELS],
}

impl Partial {
    const ZERO: Self = Self {
        weight: Aligned([[[[[0.0; LANES]; 5]; 2]; CHANNELS]; PAIRS]),
        bias: [0.0; CHANNELS],
    };
}

/// Rows of a shifted kernel, of eight floats each, and its size in floats.
const ROWS: usize = 8;
const KERNEL: usize = ROWS * LANES;

/// The weight, laid out so that whatever position a window chose, the update of the 6x6 inputs below the window is six plain
/// vectors: each 5x5 kernel twice, one column further right the second time, with a row of zeros above and below.
/// [pair][output channel][of the pair, column shift, row, column].
struct Shifted(Aligned<[[[f32; 4 * KERNEL]; CHANNELS]; PAIRS]>);

impl Shifted {
    fn new(weight: &[f32; WEIGHT]) -> Self {
        let mut shifted = Aligned([[[0.0; 4 * KERNEL]; CHANNELS]; PAIRS]);
        for (channel, kernels) in weight.as_chunks::<{ INPUTS * TAPS }>().0.iter().enumerate() {
            for (input, kernel) in kernels.as_chunks::<TAPS>().0.iter().enumerate() {
                let to = &mut shifted.0[input / 2][channel];
                for (ky, row) in kernel.as_chunks::<5>().0.iter().enumerate() {
                    for shift in 0..2 {
                        let at = (input % 2 * 2 + shift) * KERNEL + (ky + 1) * LANES + shift;
                        to[at..at + 5].copy_from_slice(row);
                    }
                }
            }
        }
        Self(shifted)
    }
}

struct Backward<'a> {
    x: &'a [[f32; INPUT]],
    y: &'a [[f32; OUTPUT]],
    choice: &'a [[u8; OUTPUT]],
    d_y: &'a [[f32; OUTPUT]],
    shifted: &'a Shifted,
    /// Empty where the gradient of x is not asked for.
    d_x: &'a mut [[f32; INPUT]],
    partial: &'a mut Partial,
}

/// Floats of a row of a plane in scratch memory: a cache line, so that no vector lies across two.
const STRIDE: usize = 16;

/// Floats of two planes of one image, their rows padded with zeros.
const PLANE_PAIR: usize = 2 * WIDTH * STRIDE;

/// The gradient before sigmoid of a chunk of images, and where it goes: [output channel][image, window].
struct Sparse {
    d_z: [[f32; CHUNK * CELLS]; CHANNELS],
    /// The chosen position in the padded planes of the chunk.
    position: [[u16; CHUNK * CELLS]; CHANNELS],
    /// Where the kernel that fits the chosen position starts in [`Shifted`], in rows.
    kernel_row: [[u8; CHUNK * CELLS]; CHANNELS],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut sparse = Sparse {
            d_z: [[0.0; CHUNK * CELLS]; CHANNELS],
            position: [[0; CHUNK * CELLS]; CHANNELS],
            kernel_row: [[0; CHUNK * CELLS]; CHANNELS],
        };
        for (image, ((y, choice), d_y)) in self.y.iter().zip(self.choice).zip(self.d_y).enumerate()
        {
            sparse_gradient(
                s,
                image,
                y,
                choice,
                d_y,
                &mut sparse,
                &mut self.partial.bias,
            );
        }
        let mut planes = Aligned([0.0; CHUNK * PLANE_PAIR]);
        for (pair, d_weight) in self.partial.weight.0.iter_mut().enumerate() {
            let images = planes.0.as_chunks_mut::<PLANE_PAIR>().0;
            for (planes, x) in images.iter_mut().zip(self.x) {
                let x: &[f32; 2 * PLANE] = window(x, pair * 2 * PLANE);
                for (row, x) in planes
                    .as_chunks_mut::<STRIDE>()
                    .0
                    .iter_mut()
                    .zip(x.as_chunks::<WIDTH>().0)
                {
                    row[..WIDTH].copy_from_slice(x);
                }
            }
            let used = self.x.len() * CELLS;
            for ((d_z, position), d_weight) in sparse.d_z.iter().zip(&sparse.position).zip(d_weight)
            {
                weight_gradient(s, &planes.0, &d_z[..used], &position[..used], d_weight);
            }
            let kernels = &self.shifted.0.0[pair];
            for (image, d_x) in self.d_x.iter_mut().enumerate() {
                let d_x = &mut d_x.as_chunks_mut::<{ 2 * PLANE }>().0[pair];
                input_gradient(s, image, &sparse, kernels, d_x);
            }
        }
    }
}

/// Fills in `sparse` what concerns one image, and adds to the bias gradient.
#[inline(always)]
fn sparse_gradient<S: Simd>(
    s: S,
    image: usize,
    y: &[f32; OUTPUT],
    choice: &[u8; OUTPUT],
    d_y: &[f32; OUTPUT],
    sparse: &mut Sparse,
    d_bias: &mut [f32; CHANNELS],
) {
    for (channel, d_bias) in d_bias.iter_mut().enumerate() {
        let mut sum = s.splat(0.0);
        for half in [0, LANES] {
            let at = channel * CELLS + half;
            let d = sigmoid_backward(s, s.load(lanes(y, at)), s.load(lanes(d_y, at)));
            sum = s.add(sum, d);
            s.store(d, lanes_mut(&mut sparse.d_z[channel], image * CELLS + half));
        }
        *d_bias += s.sum(sum);
        let choice: &[u8; CELLS] = window(choice, channel * CELLS);
        let position = &mut sparse.position[channel].as_chunks_mut::<CELLS>().0[image];
        let kernel_row = &mut sparse.kernel_row[channel].as_chunks_mut::<CELLS>().0[image];
        for cell in 0..CELLS {
            let (row, column) = (choice[cell] >> 1 & 1, choice[cell] & 1);
            let corner = image * PLANE_PAIR + cell / POOLED * 2 * STRIDE + cell % POOLED * 2;
            position[cell] = corner as u16 + u16::from(row) * STRIDE as u16 + u16::from(column);
            // The zeros above the kernel come first where the lower row was chosen.
            kernel_row[cell] = column * ROWS as u8 + (1 - row);
        }
    }
}

/// Overwrites the gradients of the two kernels of one output channel: sums over all images and windows of the chunk.
#[inline(always)]
fn weight_gradient<S: Simd>(
    s: S,
    planes: &[f32; CHUNK * PLANE_PAIR],
    d_z: &[f32],
    position: &[u16],
    d_weight: &mut [[[f32; LANES]; 5]; 2],
) {
    let mut sums = [[s.splat(0.0); 5]; 2];
    for (d_z, position) in d_z.iter().zip(position) {
        let d_z = s.splat(*d_z);
        let x: &[f32; (WIDTH + 4) * STRIDE + LANES] = window(planes, usize::from(*position));
        for (plane, sums) in sums.iter_mut().enumerate() {
            for (ky, sum) in sums.iter_mut().enumerate() {
                let x = s.load(lanes(x, (plane * WIDTH + ky) * STRIDE));
                *sum = s.mul_add(d_z, x, *sum);
            }
        }
    }
    for (rows, sums) in d_weight.iter_mut().zip(sums) {
        for (row, sum) in rows.iter_mut().zip(sums) {
            s.store(sum, row);
        }
    }
}

/// Overwrites the gradient of two planes of one image.
///
/// The 6x6 inputs below a window stay in registers over all output channels. Windows are taken down a column: what one
/// leaves in its lower four rows is where the next one starts, so only two rows are written per window.
#[inline(always)]
fn input_gradient<S: Simd>(
    s: S,
    image: usize,
    sparse: &Sparse,
    kernels: &[[f32; 4 * KERNEL]; CHANNELS],
    d_x: &mut [f32; 2 * PLANE],
) {
    let mut padded = Aligned([0.0; PLANE_PAIR]);
    for column in 0..POOLED {
        let mut patch = [[s.splat(0.0); 6]; 2];
        for row in 0..POOLED {
            let at = image * CELLS + row * POOLED + column;
            for ((d_z, kernel_row), kernels) in
                sparse.d_z.iter().zip(&sparse.kernel_row).zip(kernels)
            {
                let d_z = s.splat(d_z[at]);
                let kernels: &[f32; 2 * KERNEL + 6 * LANES] =
                    window(kernels, usize::from(kernel_row[at]) * LANES);
                for (plane, patch) in patch.iter_mut().enumerate() {
                    for (y, sum) in patch.iter_mut().enumerate() {
                        let w = s.load(lanes(kernels, plane * 2 * KERNEL + y * LANES));
                        *sum = s.mul_add(d_z, w, *sum);
                    }
                }
            }
            for (plane, patch) in patch.iter_mut().enumerate() {
                for (y, sum) in patch[..2].iter().enumerate() {
                    let at = (plane * WIDTH + row * 2 + y) * STRIDE + column * 2;
                    add_to(s, *sum, lanes_mut(&mut padded.0, at));
                }
                *patch = [
                    patch[2],
                    patch[3],
                    patch[4],
                    patch[5],
                    s.splat(0.0),
                    s.splat(0.0),
                ];
            }
        }
        for (plane, patch) in patch.iter().enumerate() {
            for (y, sum) in patch[..4].iter().enumerate() {
                let at = (plane * WIDTH + POOLED * 2 + y) * STRIDE + column * 2;
                add_to(s, *sum, lanes_mut(&mut padded.0, at));
            }
        }
    }
    for (to, row) in d_x
        .as_chunks_mut::<WIDTH>()
        .0
        .iter_mut()
        .zip(padded.0.as_chunks::<STRIDE>().0)
    {
        to.copy_from_slice(&row[..WIDTH]);
    }
}

#[inline(always)]
fn add_to<S: Simd>(s: S, v: S::V, to: &mut [f32; LANES]) {
    s.store(s.add(s.load(to), v), to);
}
