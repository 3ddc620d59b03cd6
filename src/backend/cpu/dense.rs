//! Forward and backward pass of a dense layer on the images of a micro-batch. The weight is [inputs, outputs], as in Burn.
//!
//! Rows of activations and gradients are padded to whole vectors. Weight rows are not padded: the last vector of a row also
//! loads values of the next row, and the results of those extra lanes go into the padding and are ignored.

use crate::model::DenseShape;

use super::micro_batch::MICRO_BATCH;
use super::simd::{LANES, Simd};
use super::slices::{lanes, lanes_mut};

/// Returns the lengths, in floats, of a padded row of inputs and of a padded row of outputs.
pub(super) const fn strides(shape: DenseShape) -> [usize; 2] {
    [stride(shape.inputs), stride(shape.outputs)]
}

/// Returns the length, in floats, of a padded row of `values` values.
pub(super) const fn stride(values: usize) -> usize {
    values.next_multiple_of(2 * LANES)
}

/// Computes `z = x * weight + bias` for the first `n` images of a micro-batch. Overwrites z.
///
/// Shapes: x [MICRO_BATCH, inputs] and z [MICRO_BATCH, outputs] with padded rows; `weight` starts with the layer's
/// [inputs, outputs] and has at least [`LANES`] more values; bias \[outputs\].
#[inline(always)]
pub(super) fn forward<S: Simd>(
    s: S,
    shape: DenseShape,
    n: usize,
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    z: &mut [f32],
) {
    let [inputs, outputs] = strides(shape);
    assert_eq!((x.len(), z.len()), (MICRO_BATCH * inputs, MICRO_BATCH * outputs));
    assert_eq!(bias.len(), shape.outputs);
    let mut layer = Forward { shape, x, weight, bias, z };
    // Tiles of four images by two vectors, or of eight by one, have the eight accumulators that hide the latency of the
    // multiply-adds. Tiles of four by two are better: they load six values for eight multiply-adds, and tiles of eight by one
    // load nine.
    for column in (0..shape.outputs).step_by(2 * LANES) {
        if column + LANES < shape.outputs {
            for image in (0..n).step_by(4) {
                layer.tile::<S, 4, 2>(s, image, column);
            }
        } else {
            layer.tile::<S, MICRO_BATCH, 1>(s, 0, column);
        }
    }
}

struct Forward<'a> {
    shape: DenseShape,
    x: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    z: &'a mut [f32],
}

impl Forward<'_> {
    /// Computes `V` vectors of outputs from `column` on, for `R` images from `image` on.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const V: usize>(&mut self, s: S, image: usize, column: usize) {
        let [x_stride, z_stride] = strides(self.shape);
        let DenseShape { inputs, outputs } = self.shape;
        let mut x = [&self.x[..0]; R];
        for (i, x) in x.iter_mut().enumerate() {
            *x = &self.x[(image + i) * x_stride..][..inputs];
        }
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
            let mut vectors = [s.splat(0.0); V];
            for (v, vector) in vectors.iter_mut().enumerate() {
                *vector = s.load(lanes(row, v * LANES));
            }
            for (x, sums) in x.iter().zip(&mut sums) {
                let x = s.splat(x[input]);
                for (w, sum) in vectors.iter().zip(sums) {
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

/// Computes `d_x = d_z * transpose(weight)` for the images of a micro-batch. Overwrites d_x.
///
/// Shapes: d_z [MICRO_BATCH, outputs] and d_x [MICRO_BATCH, inputs] with padded rows; weight [inputs, outputs].
#[inline(always)]
pub(super) fn input_gradient<S: Simd>(
    s: S,
    shape: DenseShape,
    d_z: &[f32],
    weight: &[f32],
    d_x: &mut [f32],
) {
    /// The longest padded row of outputs.
    const LONGEST: usize = 128;
    const { assert!(MICRO_BATCH == LANES) };
    let DenseShape { inputs, outputs } = shape;
    let [d_x_stride, d_z_stride] = strides(shape);
    assert_eq!((d_x.len(), d_z.len()), (MICRO_BATCH * d_x_stride, MICRO_BATCH * d_z_stride));
    assert!(d_z_stride <= LONGEST && weight.len() == inputs * outputs);
    // [output][image]: the images are the lanes, so that the weight is read in memory order.
    let mut by_output = [[0.0; LANES]; LONGEST];
    for column in (0..outputs).step_by(LANES) {
        let mut block = [s.splat(0.0); LANES];
        for (i, v) in block.iter_mut().enumerate() {
            *v = s.load(lanes(d_z, i * d_z_stride + column));
        }
        for (to, v) in by_output[column..].iter_mut().zip(s.transpose(block)) {
            s.store(v, to);
        }
    }
    for input in (0..inputs).step_by(LANES) {
        // If fewer than eight rows remain, the last row is repeated, and the repeated results go into the padding.
        let mut rows = [&weight[..0]; LANES];
        for (i, row) in rows.iter_mut().enumerate() {
            *row = &weight[(input + i).min(inputs - 1) * outputs..][..outputs];
        }
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
