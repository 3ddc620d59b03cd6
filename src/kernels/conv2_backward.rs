//! The backward pass of conv2: only the position that max-pool chose in each window has a gradient, so only it is visited.

use super::conv2::{CELLS, CHANNELS, INPUT, INPUTS, OUTPUT, PLANE, POOLED, TAPS, WEIGHT, WIDTH};
use super::conv2_input_gradient::{Shifted, input_gradient};
use super::sigmoid::sigmoid_backward;
use super::simd::{Kernel, LANES, Level, Simd};
use super::{Aligned, CHUNK, Gradients, Pooled, add_all, cut, lanes, lanes_mut, window};

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
    let d_x = d_x.unwrap_or_default();
    assert!(d_x.is_empty() || d_x.len() == n * INPUT);
    let partial = sum_over_images(level, of, weight, None, d_x);
    let channels = d_weight.as_chunks_mut::<{ INPUTS * TAPS }>().0;
    for (d_weight, sums) in channels.iter_mut().zip(&partial.weight.0) {
        for (tap, sums) in sums.iter().enumerate() {
            for input in 0..INPUTS {
                d_weight[input * TAPS + tap] = sums[input];
            }
        }
    }
    for (d_bias, sums) in d_bias.iter_mut().zip(partial.bias) {
        *d_bias = sums.iter().sum();
    }
}

/// Images that share one [`Shifted`]. Not more: it would have to cross from the cache of the thread that made it.
const SHARED: usize = 16;

/// The sums over all images of `of`, and the gradient of x unless `d_x` is empty.
fn sum_over_images(
    level: Level,
    of: Pooled<'_>,
    weight: &[f32; WEIGHT],
    shifted: Option<&Shifted>,
    d_x: &mut [f32],
) -> Box<Partial> {
    let n = of.x.len() / INPUT;
    let made_here;
    let shifted = if shifted.is_none() && n <= SHARED && !d_x.is_empty() {
        made_here = Shifted::new(level, weight);
        Some(&made_here)
    } else {
        shifted
    };
    let Some(images) = cut(n) else {
        let mut partial = Box::new(Partial::ZERO);
        level.run(Backward {
            x: of.x.as_chunks().0,
            y: of.y.as_chunks().0,
            choice: of.choice.as_chunks().0,
            d_y: of.d_y.as_chunks().0,
            shifted,
            d_x: d_x.as_chunks_mut().0,
            partial: &mut partial,
        });
        return partial;
    };
    let (first, second) = of.split_at(images, INPUT, OUTPUT);
    let (first_d_x, second_d_x) = d_x.split_at_mut(d_x.len().min(images * INPUT));
    let (mut sum, other) = rayon::join(
        || sum_over_images(level, first, weight, shifted, first_d_x),
        || sum_over_images(level, second, weight, shifted, second_d_x),
    );
    add_all(
        sum.weight.0.as_flattened_mut().as_flattened_mut(),
        other.weight.0.as_flattened().as_flattened(),
    );
    add_all(sum.bias.as_flattened_mut(), other.bias.as_flattened());
    sum
}

/// The gradients' sums over one chunk of images.
#[derive(Clone)]
struct Partial {
    /// [output channel][row, column][input channel], two lanes of eight being of no use.
    weight: Aligned<[[[f32; LANES]; TAPS]; CHANNELS]>,
    /// Eight partial sums for each channel.
    bias: [[f32; LANES]; CHANNELS],
}

impl Partial {
    const ZERO: Self = Self {
        weight: Aligned([[[0.0; LANES]; TAPS]; CHANNELS]),
        bias: [[0.0; LANES]; CHANNELS],
    };
}

struct Backward<'a> {
    x: &'a [[f32; INPUT]],
    y: &'a [[f32; OUTPUT]],
    choice: &'a [[u8; OUTPUT]],
    d_y: &'a [[f32; OUTPUT]],
    /// `None` where the gradient of x is not asked for.
    shifted: Option<&'a Shifted>,
    d_x: &'a mut [[f32; INPUT]],
    partial: &'a mut Partial,
}

/// The gradient before sigmoid of a chunk of images, and where it goes: [output channel][image, window].
pub(super) struct Sparse {
    pub(super) d_z: [[f32; CHUNK * CELLS]; CHANNELS],
    /// The chosen position among the inputs of the chunk, as an index into [`Inputs`].
    position: [[u16; CHUNK * CELLS]; CHANNELS],
    /// The chosen position in its window: 2 * row + column.
    pub(super) choice: [[u8; CHUNK * CELLS]; CHANNELS],
}

/// The inputs of a chunk: [image, row, column, channel], the channels padded to eight. A vector holds what one tap of a kernel
/// sees of all channels, so a kernel takes 25 vectors; with the taps as lanes it would take 30.
type Inputs = Aligned<[f32; CHUNK * PLANE * LANES]>;

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut sparse = Sparse {
            d_z: [[0.0; CHUNK * CELLS]; CHANNELS],
            position: [[0; CHUNK * CELLS]; CHANNELS],
            choice: [[0; CHUNK * CELLS]; CHANNELS],
        };
        let mut inputs = Aligned([0.0; CHUNK * PLANE * LANES]);
        let to = inputs.0.as_chunks_mut::<{ PLANE * LANES }>().0;
        for (x, to) in self.x.iter().zip(to) {
            channels_last(s, x, to);
        }
        let saved = self.y.iter().zip(self.choice).zip(self.d_y);
        for (image, ((y, choice), d_y)) in saved.enumerate() {
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
        let used = self.x.len() * CELLS;
        for (channel, d_weight) in self.partial.weight.0.iter_mut().enumerate() {
            let (d_z, position) = (&sparse.d_z[channel], &sparse.position[channel]);
            let (d_z, position) = (&d_z[..used], &position[..used]);
            // Thirteen accumulators and twelve: as many as fit the registers.
            kernel_gradient::<S, 0, 13>(s, &inputs, d_z, position, d_weight);
            kernel_gradient::<S, 13, 12>(s, &inputs, d_z, position, d_weight);
        }
        if let Some(shifted) = self.shifted {
            input_gradient(s, &sparse, shifted, self.d_x);
        }
    }
}

/// Copies the six planes of one image as [row, column, channel].
#[inline(always)]
fn channels_last<S: Simd>(s: S, x: &[f32; INPUT], to: &mut [f32; PLANE * LANES]) {
    for at in (0..PLANE).step_by(LANES) {
        let mut block = [s.splat(0.0); LANES];
        for (channel, v) in block[..INPUTS].iter_mut().enumerate() {
            *v = s.load(lanes(x, channel * PLANE + at));
        }
        for (i, v) in s.transpose(block).into_iter().enumerate() {
            s.store(v, lanes_mut(to, (at + i) * LANES));
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
    d_bias: &mut [[f32; LANES]; CHANNELS],
) {
    for (channel, d_bias) in d_bias.iter_mut().enumerate() {
        for half in [0, LANES] {
            let at = channel * CELLS + half;
            let d = sigmoid_backward(s, s.load(lanes(y, at)), s.load(lanes(d_y, at)));
            s.store(s.add(s.load(d_bias), d), d_bias);
            s.store(d, lanes_mut(&mut sparse.d_z[channel], image * CELLS + half));
        }
        let choice: &[u8; CELLS] = window(choice, channel * CELLS);
        let position = &mut sparse.position[channel].as_chunks_mut::<CELLS>().0[image];
        for cell in 0..CELLS {
            let (row, column) = (cell / POOLED * 2, cell % POOLED * 2);
            let corner = ((image * PLANE + row * WIDTH + column) * LANES) as u16;
            let (row, column) = (
                u16::from(choice[cell] >> 1 & 1),
                u16::from(choice[cell] & 1),
            );
            position[cell] = corner + (row * WIDTH as u16 + column) * LANES as u16;
        }
        sparse.choice[channel].as_chunks_mut::<CELLS>().0[image] = *choice;
    }
}

/// The gradients of `COUNT` taps from `FIRST` on of one output channel's kernels, over all images and windows of the chunk.
/// Overwrites them.
#[inline(always)]
fn kernel_gradient<S: Simd, const FIRST: usize, const COUNT: usize>(
    s: S,
    inputs: &Inputs,
    d_z: &[f32],
    position: &[u16],
    d_weight: &mut [[f32; LANES]; TAPS],
) {
    let mut sums = [s.splat(0.0); COUNT];
    for (d_z, position) in d_z.iter().zip(position) {
        let d_z = s.splat(*d_z);
        let x: &[f32; (4 * WIDTH + 5) * LANES] = window(&inputs.0, usize::from(*position));
        for (i, sum) in sums.iter_mut().enumerate() {
            let (ky, kx) = ((FIRST + i) / 5, (FIRST + i) % 5);
            *sum = s.mul_add(d_z, s.load(lanes(x, (ky * WIDTH + kx) * LANES)), *sum);
        }
    }
    for (to, sum) in d_weight[FIRST..FIRST + COUNT].iter_mut().zip(sums) {
        s.store(sum, to);
    }
}
