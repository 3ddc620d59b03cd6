//! The backward pass of conv1: only the position that max-pool chose in each window has a gradient, so only it is visited.

use super::conv1::{CELLS, CHANNELS, INPUT, OUTPUT, POOLED, WEIGHT, WIDTH};
use super::sigmoid::sigmoid_backward;
use super::simd::{Kernel, LANES, Level, Simd};
use super::{Aligned, Gradients, Pooled, add_all, cut, lanes, lanes_mut, window};

/// The gradients of weight and bias. Overwrites them.
///
/// Shapes: `of` as in [`super::conv1::forward`], d_y [n, 6, 12, 12], gradients [6, 1, 5, 5] and \[6\].
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
