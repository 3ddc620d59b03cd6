//! Forward and backward pass of a dense layer on the images of a micro-batch. The weight is [inputs, outputs], as in Burn.
//!
//! Rows of activations and gradients are padded to whole vectors. Weight rows are not padded: the last vector of a row also
//! loads values of the next row, and the results of those extra lanes go into the padding and are ignored.

use crate::model::{DenseShape, FC1};

use super::micro_batch::MICRO_BATCH;
use super::simd::{LANES, Simd, Vectors, WIDE, Wide};
use super::slices::{Aligned, window, window_mut};

/// Returns the lengths, in floats, of a padded row of inputs and of a padded row of outputs.
pub(super) const fn strides(shape: DenseShape) -> [usize; 2] {
    [stride(shape.inputs), stride(shape.outputs)]
}

/// Returns the length, in floats, of a padded row of `values` values.
pub(super) const fn stride(values: usize) -> usize {
    values.next_multiple_of(2 * LANES)
}

/// Maximum number of outputs of a layer.
const LONGEST: usize = FC1.outputs;

/// Computes `z = x * weight + bias` for the first `n` images of a micro-batch. Overwrites z.
///
/// Shapes: x [MICRO_BATCH, inputs] and z [MICRO_BATCH, outputs] with padded rows; `weight` starts with the layer's
/// [inputs, outputs] and has at least [`WIDE`] more values; bias \[outputs\].
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
    if S::Wide::IS_ONE_REGISTER {
        for column in (0..shape.outputs).step_by(2 * WIDE) {
            if column + WIDE < shape.outputs {
                layer.tile::<WIDE, _, MICRO_BATCH, 2>(s.wide(), 0, column);
            } else {
                layer.tile::<WIDE, _, MICRO_BATCH, 1>(s.wide(), 0, column);
            }
        }
        return;
    }
    // Tiles of four images by two vectors, or of eight by one, have the eight accumulators that hide the latency of the
    // multiply-adds. Tiles of four by two are better: they load six values for eight multiply-adds, and tiles of eight by one
    // load nine.
    for column in (0..shape.outputs).step_by(2 * LANES) {
        if column + LANES < shape.outputs {
            for image in (0..n).step_by(4) {
                layer.tile::<LANES, _, 4, 2>(s, image, column);
            }
        } else {
            layer.tile::<LANES, _, MICRO_BATCH, 1>(s, 0, column);
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
    /// Computes `C` vectors of outputs from `column` on, for `R` images from `image` on.
    #[inline(always)]
    fn tile<const N: usize, S: Vectors<N>, const R: usize, const C: usize>(
        &mut self,
        s: S,
        image: usize,
        column: usize,
    ) {
        let [x_stride, z_stride] = strides(self.shape);
        let DenseShape { inputs, outputs } = self.shape;
        let mut x = [&self.x[..0]; R];
        for (i, x) in x.iter_mut().enumerate() {
            *x = &self.x[(image + i) * x_stride..][..inputs];
        }
        let mut start = [s.splat(0.0); C];
        for (c, start) in start.iter_mut().enumerate() {
            let mut bias = [0.0; N];
            let values = self.bias[column + c * N..].iter();
            bias.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
            *start = s.load(&bias);
        }
        let mut sums = [start; R];
        for input in 0..inputs {
            let row = &self.weight[input * outputs + column..][..C * N];
            let mut vectors = [s.splat(0.0); C];
            for (c, vector) in vectors.iter_mut().enumerate() {
                *vector = s.load(window(row, c * N));
            }
            for (x, sums) in x.iter().zip(&mut sums) {
                let x = s.splat(x[input]);
                for (w, sum) in vectors.iter().zip(sums) {
                    *sum = s.mul_add(x, *w, *sum);
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            for (c, sum) in sums.iter().enumerate() {
                s.store(*sum, window_mut(self.z, (image + i) * z_stride + column + c * N));
            }
        }
    }
}

/// Computes `d_x = d_z * transpose(weight)` for the images of a micro-batch. Overwrites d_x.
///
/// Even and odd outputs are summed separately, and their sums are added at the end. Two outputs of an image are neighbours in
/// a wide vector, so that one instruction loads the weights of both.
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
    if S::Wide::IS_ONE_REGISTER {
        input_gradient_in_tiles::<S, 8>(s, shape, d_z, weight, d_x);
    } else {
        input_gradient_in_tiles::<S, 4>(s, shape, d_z, weight, d_x);
    }
}

/// Computes the input gradient in tiles of `R` inputs.
#[inline(always)]
fn input_gradient_in_tiles<S: Simd, const R: usize>(
    s: S,
    shape: DenseShape,
    d_z: &[f32],
    weight: &[f32],
    d_x: &mut [f32],
) {
    const { assert!(MICRO_BATCH == LANES && LANES.is_multiple_of(R)) };
    let w = s.wide();
    let DenseShape { inputs, outputs } = shape;
    let [d_x_stride, d_z_stride] = strides(shape);
    assert_eq!((d_x.len(), d_z.len()), (MICRO_BATCH * d_x_stride, MICRO_BATCH * d_z_stride));
    assert!(weight.len() == inputs * outputs && outputs.is_multiple_of(2));
    // [pair of outputs][image, output of the pair]
    let mut by_pair = Aligned([[0.0; WIDE]; LONGEST / 2]);
    for (image, d_z) in d_z.chunks_exact(d_z_stride).enumerate() {
        for (to, d_z) in by_pair.0.iter_mut().zip(d_z[..outputs].as_chunks::<2>().0) {
            to[2 * image] = d_z[0];
            to[2 * image + 1] = d_z[1];
        }
    }
    let by_pair = &by_pair.0[..outputs / 2];
    for input in (0..inputs).step_by(LANES) {
        // The last block overlaps the one before it, so that it ends at the last row.
        let input = input.min(inputs - LANES);
        let mut gradient = [s.splat(0.0); LANES];
        for first in (0..LANES).step_by(R) {
            let rows = &weight[(input + first) * outputs..][..R * outputs];
            let mut sums = [w.splat(0.0); R];
            for (pair, d_z) in by_pair.iter().enumerate() {
                let d_z = w.load(d_z);
                let rows = &rows[2 * pair..][..(R - 1) * outputs + 2];
                for (i, sum) in sums.iter_mut().enumerate() {
                    *sum = w.mul_add(w.splat_pair(window(rows, i * outputs)), d_z, *sum);
                }
            }
            for (i, sum) in sums.into_iter().enumerate() {
                let [lower, upper] = w.split(sum);
                let (even, odd) = s.deinterleave(lower, upper);
                gradient[first + i] = s.add(even, odd);
            }
        }
        for (image, v) in s.transpose(gradient).into_iter().enumerate() {
            s.store(v, window_mut(d_x, image * d_x_stride + input));
        }
    }
}
