//! A dense layer on the images of a piece: its sums, and the gradient of its input. The weight is [inputs, outputs], as Burn
//! keeps it.
//!
//! Rows of activations and gradients are padded to whole vectors, and so is the last vector of a row of the weight, by what
//! comes behind it: what its lanes beyond the row make is written to the padding and read by nobody.

use crate::model::TENSORS;

use super::simd::{LANES, Simd};
use super::{lanes, lanes_mut};

/// Images of a piece. Eight are the lanes of a vector in the dense layers' backward pass, and four pieces in a batch of 32
/// keep four threads busy.
pub(super) const MICRO_BATCH: usize = 8;

/// The sizes of a dense layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Values that come in per image.
    pub inputs: usize,
    /// Values that go out per image.
    pub outputs: usize,
}

impl Size {
    /// That of the layer whose weight is tensor `index` of [`TENSORS`].
    pub(super) const fn of(index: usize) -> Self {
        let shape = TENSORS[index].shape;
        Self { inputs: shape[1], outputs: shape[0] }
    }

    /// Floats of a row of inputs, and of one of outputs.
    pub(super) const fn strides(self) -> [usize; 2] {
        [stride(self.inputs), stride(self.outputs)]
    }
}

/// Floats of a padded row.
pub(super) const fn stride(values: usize) -> usize {
    values.next_multiple_of(2 * LANES)
}

/// `z = x * weight + bias` for the first `n` images of a piece. Overwrites z.
///
/// Shapes: x [MICRO_BATCH, inputs], z [MICRO_BATCH, outputs], rows padded; `weight` begins with the layer's [inputs, outputs] and ends at
/// least [`LANES`] values behind it; bias \[outputs\].
#[inline(always)]
pub(super) fn forward<S: Simd>(
    s: S,
    size: Size,
    n: usize,
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    z: &mut [f32],
) {
    let [inputs, outputs] = size.strides();
    assert_eq!((x.len(), z.len()), (MICRO_BATCH * inputs, MICRO_BATCH * outputs));
    assert_eq!(bias.len(), size.outputs);
    let mut layer = Forward { size, x, weight, bias, z };
    // Four images by two vectors, or eight by one, are the eight accumulators that hide the latency of the
    // multiply-adds. Four by two is better: it loads six values for eight multiply-adds, eight by one loads nine.
    for column in (0..size.outputs).step_by(2 * LANES) {
        if column + LANES < size.outputs {
            for image in (0..n).step_by(4) {
                layer.tile::<S, 4, 2>(s, image, column);
            }
        } else {
            layer.tile::<S, MICRO_BATCH, 1>(s, 0, column);
        }
    }
}

struct Forward<'a> {
    size: Size,
    x: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    z: &'a mut [f32],
}

impl Forward<'_> {
    /// The sums of `V` vectors of outputs from `column` on, for `R` images from `image` on.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const V: usize>(&mut self, s: S, image: usize, column: usize) {
        let [x_stride, z_stride] = self.size.strides();
        let Size { inputs, outputs } = self.size;
        let x: [&[f32]; R] = std::array::from_fn(|i| &self.x[(image + i) * x_stride..][..inputs]);
        let mut start = [s.splat(0.0); V];
        for (v, start) in start.iter_mut().enumerate() {
            let mut bias = [0.0; LANES];
            let values = self.bias[column + v * LANES..].iter();
            bias.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
            *start = s.load(&bias);
        }
        let mut sums = [start; R];
        for input in 0..inputs {
            let row = &self.weight[input * outputs + column..][..V * LANES];
            let row: [S::V; V] = std::array::from_fn(|v| s.load(lanes(row, v * LANES)));
            for (x, sums) in x.iter().zip(&mut sums) {
                let x = s.splat(x[input]);
                for (w, sum) in row.iter().zip(sums) {
                    *sum = s.mul_add(x, *w, *sum);
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                let at = (image + i) * z_stride + column + v * LANES;
                s.store(*sum, lanes_mut(self.z, at));
            }
        }
    }
}

/// `d_x = d_z * transpose(weight)` for the images of a piece. Overwrites d_x.
///
/// Shapes: d_z [MICRO_BATCH, outputs], d_x [MICRO_BATCH, inputs], rows padded; weight [inputs, outputs].
#[inline(always)]
pub(super) fn input_gradient<S: Simd>(
    s: S,
    size: Size,
    d_z: &[f32],
    weight: &[f32],
    d_x: &mut [f32],
) {
    /// The longest padded row of outputs.
    const LONGEST: usize = 128;
    const { assert!(MICRO_BATCH == LANES) };
    let Size { inputs, outputs } = size;
    let [d_x_stride, d_z_stride] = size.strides();
    assert_eq!((d_x.len(), d_z.len()), (MICRO_BATCH * d_x_stride, MICRO_BATCH * d_z_stride));
    assert!(d_z_stride <= LONGEST && weight.len() == inputs * outputs);
    // The images of the piece are the lanes, so that the weight is read as it lies: [output][image].
    let mut by_output = [[0.0; LANES]; LONGEST];
    for column in (0..outputs).step_by(LANES) {
        let block = std::array::from_fn(|i| s.load(lanes(d_z, i * d_z_stride + column)));
        for (to, v) in by_output[column..].iter_mut().zip(s.transpose(block)) {
            s.store(v, to);
        }
    }
    for input in (0..inputs).step_by(LANES) {
        // Where there are fewer than eight rows, the last one again: its results go into the padding.
        let rows: [&[f32]; LANES] = std::array::from_fn(|i| {
            let row = (input + i).min(inputs - 1);
            &weight[row * outputs..][..outputs]
        });
        let mut sums = [s.splat(0.0); LANES];
        for (output, d_z) in by_output[..outputs].iter().enumerate() {
            let d_z = s.load(d_z);
            for (sum, row) in sums.iter_mut().zip(&rows) {
                *sum = s.mul_add(s.splat(row[output]), d_z, *sum);
            }
        }
        for (i, v) in s.transpose(sums).into_iter().enumerate() {
            s.store(v, lanes_mut(d_x, i * d_x_stride + input));
        }
    }
}
