//! A dense layer with its sigmoid: [N, inputs] -> [N, outputs], of any size. The weight is [inputs, outputs], as Burn keeps it.
//!
//! All products are made of tiles of four rows by two vectors (or eight by one): their eight accumulators hide the latency of the
//! multiply-adds, and fewer than one value is loaded for each.

use std::borrow::Cow;

use rayon::prelude::*;

use super::Gradients;
use super::sigmoid::{sigmoid_backward, sigmoid_in_place};
use super::simd::{Kernel, LANES, Level, Simd};
use super::{lanes_mut, window};

/// The sizes of a dense layer and of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Images of the batch.
    pub n: usize,
    /// Values that come in per image.
    pub inputs: usize,
    /// Values that go out per image.
    pub outputs: usize,
}

/// What a layer's forward pass leaves for its backward pass, and the gradient that comes back.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a> {
    /// The layer's input [n, inputs].
    pub x: &'a [f32],
    /// Its output [n, outputs].
    pub y: &'a [f32],
    /// The gradient of the output.
    pub d_y: &'a [f32],
}

/// Multiply-adds below which a product is left to one thread: waking another takes about as long.
const FORK: usize = 400_000;
/// Images that one task works on.
const IMAGES: usize = 16;
/// Rows of the weight's gradient that one task works on.
const ROWS: usize = 32;
/// `y = sigmoid(x * weight + bias)`.
///
/// Shapes: x [n, inputs], weight [inputs, outputs], bias [outputs], y [n, outputs].
///
/// # Panics
/// A slice has another length than `shape` says, or a size is 0.
pub fn forward(level: Level, shape: Shape, x: &[f32], weight: &[f32], bias: &[f32], y: &mut [f32]) {
    let Shape { n, inputs, outputs } = shape;
    assert!(inputs > 0 && outputs > 0);
    assert_eq!(x.len(), n * inputs);
    assert_eq!(weight.len(), inputs * outputs);
    assert_eq!(bias.len(), outputs);
    assert_eq!(y.len(), n * outputs);
    let images = if n * weight.len() < FORK {
        n.max(1)
    } else {
        IMAGES
    };
    x.par_chunks(images * inputs)
        .zip(y.par_chunks_mut(images * outputs))
        .for_each(|(x, y)| {
            level.run(Forward {
                shape,
                x,
                weight,
                bias,
                y,
            });
        });
}

struct Forward<'a> {
    shape: Shape,
    x: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for column in (0..self.shape.outputs).step_by(2 * LANES) {
            if column + LANES < self.shape.outputs {
                self.columns::<S, 4, 2, _>(s, column, four_rows);
            } else {
                self.columns::<S, 8, 1, _>(s, column, eight_rows);
            }
        }
        sigmoid_in_place(s, self.y);
    }
}

impl<'a> Forward<'a> {
    /// Computes `V` vectors of columns from `column` on, before sigmoid.
    #[inline(always)]
    fn columns<S: Simd, const R: usize, const V: usize, A: Iterator<Item = [f32; R]>>(
        &mut self,
        s: S,
        column: usize,
        rows: impl Fn(&'a [f32], usize) -> A,
    ) {
        let Shape {
            inputs, outputs, ..
        } = self.shape;
        let panel = Panel::<V>::new(self.weight, outputs, column);
        let bias = Panel::<V>::new(self.bias, outputs, column);
        let bias = bias.rows().next().expect("the bias is one row");
        let y = self.y.chunks_mut(R * outputs);
        for (x, y) in self.x.chunks(R * inputs).zip(y) {
            let tile = multiply(s, bias, rows(x, inputs), panel.rows());
            store(s, tile, &mut y[column..], outputs, outputs - column);
        }
    }
}

/// Up to `V` vectors of columns of a row-major matrix.
struct Panel<'a, const V: usize> {
    values: Cow<'a, [f32]>,
    stride: usize,
    column: usize,
}

impl<'a, const V: usize> Panel<'a, V> {
    /// The columns of `matrix` from `column` on. Where they do not fill the vectors they are copied, beside zeros.
    #[inline(always)]
    fn new(matrix: &'a [f32], stride: usize, column: usize) -> Self {
        if column + V * LANES <= stride {
            return Self {
                values: Cow::Borrowed(matrix),
                stride,
                column,
            };
        }
        let mut padded = vec![0.0; matrix.len() / stride * V * LANES];
        for (to, row) in padded
            .chunks_exact_mut(V * LANES)
            .zip(matrix.chunks_exact(stride))
        {
            to[..stride - column].copy_from_slice(&row[column..]);
        }
        Self {
            values: Cow::Owned(padded),
            stride: V * LANES,
            column: 0,
        }
    }

    #[inline(always)]
    fn rows(&self) -> impl Iterator<Item = &[[f32; LANES]; V]> {
        self.values.chunks_exact(self.stride).map(|row| {
            let vectors = row[self.column..self.column + V * LANES].as_chunks().0;
            vectors.try_into().expect("the range is V vectors long")
        })
    }
}

/// The columns of up to four rows of `matrix`; for the rows that it lacks, those of its last row once more.
#[inline(always)]
fn four_rows(matrix: &[f32], stride: usize) -> impl Iterator<Item = [f32; 4]> {
    let last = matrix.len() / stride - 1;
    let row = |i: usize| matrix[i.min(last) * stride..][..stride].iter();
    let rows = row(0).zip(row(1)).zip(row(2)).zip(row(3));
    rows.map(|(((a, b), c), d)| [*a, *b, *c, *d])
}

/// The columns of up to eight rows of `matrix`, as [`four_rows`].
#[inline(always)]
fn eight_rows(matrix: &[f32], stride: usize) -> impl Iterator<Item = [f32; 8]> {
    let last = matrix.len() / stride - 1;
    let row = |i: usize| matrix[i.min(last) * stride..][..stride].iter();
    let rows = row(0).zip(row(1)).zip(row(2)).zip(row(3));
    let rows = rows.zip(row(4)).zip(row(5)).zip(row(6)).zip(row(7));
    rows.map(|(((((((a, b), c), d), e), f), g), h)| [*a, *b, *c, *d, *e, *f, *g, *h])
}

/// A tile of `start + a * b`: `R` rows by `V` vectors. `a` and `b` give, for one inner index after the other, a column and a row.
#[inline(always)]
fn multiply<'a, S: Simd, const R: usize, const V: usize>(
    s: S,
    start: &[[f32; LANES]; V],
    a: impl Iterator<Item = [f32; R]>,
    b: impl Iterator<Item = &'a [[f32; LANES]; V]>,
) -> [[S::V; V]; R] {
    let mut first = [s.splat(0.0); V];
    for (to, start) in first.iter_mut().zip(start) {
        *to = s.load(start);
    }
    let mut tile = [first; R];
    for (a, b) in a.zip(b) {
        for (a, row) in a.iter().zip(&mut tile) {
            let a = s.splat(*a);
            for (b, sum) in b.iter().zip(row) {
                *sum = s.mul_add(a, s.load(b), *sum);
            }
        }
    }
    tile
}

/// Writes the first columns of a tile, up to `width`, to the start of each of the rows that `to` has.
#[inline(always)]
fn store<S: Simd, const R: usize, const V: usize>(
    s: S,
    tile: [[S::V; V]; R],
    to: &mut [f32],
    stride: usize,
    width: usize,
) {
    for (row, to) in tile.iter().zip(to.chunks_mut(stride)) {
        if width >= V * LANES {
            for (j, v) in row.iter().enumerate() {
                s.store(*v, lanes_mut(to, j * LANES));
            }
        } else {
            let mut values = [[0.0; LANES]; V];
            for (v, to) in row.iter().zip(&mut values) {
                s.store(*v, to);
            }
            to[..width].copy_from_slice(&values.as_flattened()[..width]);
        }
    }
}

/// The gradients of x, weight and bias. Overwrites them.
///
/// Shapes: as in [`forward`], a gradient having the shape of what it is the gradient of.
///
/// # Panics
/// A slice has another length than `shape` says, or a size is 0.
pub fn backward(
    level: Level,
    shape: Shape,
    of: Dense<'_>,
    weight: &[f32],
    d_x: &mut [f32],
    gradients: Gradients<'_>,
) {
    let Shape { n, inputs, outputs } = shape;
    assert!(inputs > 0 && outputs > 0);
    assert_eq!(of.x.len(), n * inputs);
    assert_eq!(d_x.len(), n * inputs);
    assert_eq!(of.y.len(), n * outputs);
    assert_eq!(of.d_y.len(), n * outputs);
    assert_eq!(weight.len(), inputs * outputs);
    assert_eq!(gradients.weight.len(), inputs * outputs);
    assert_eq!(gradients.bias.len(), outputs);
    let mut d_z = vec![0.0; n * outputs];
    level.run(OutputGradient {
        of,
        d_z: &mut d_z,
        d_bias: gradients.bias,
    });

    let small = 2 * n * weight.len() < FORK;
    let images = if small { n.max(1) } else { IMAGES };
    let rows = if small { inputs } else { ROWS };
    let d_z = &d_z;
    let mut inputs_gradient = || {
        d_x.par_chunks_mut(images * inputs)
            .zip(d_z.par_chunks(images * outputs))
            .for_each(|(d_x, d_z)| {
                level.run(InputGradient {
                    shape,
                    weight,
                    d_z,
                    d_x,
                })
            });
    };
    let mut weight_gradient = || {
        gradients
            .weight
            .par_chunks_mut(rows * outputs)
            .enumerate()
            .for_each(|(i, d_weight)| {
                level.run(WeightGradient {
                    shape,
                    x: of.x,
                    first: i * rows,
                    d_z,
                    d_weight,
                });
            });
    };
    if small {
        inputs_gradient();
        weight_gradient();
    } else {
        rayon::join(inputs_gradient, weight_gradient);
    }
}

/// The gradient before sigmoid, [n, outputs], and its sum over the images.
struct OutputGradient<'a> {
    of: Dense<'a>,
    d_z: &'a mut [f32],
    d_bias: &'a mut [f32],
}

impl Kernel for OutputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (y, y_rest) = self.of.y.as_chunks::<LANES>();
        let (d_y, d_y_rest) = self.of.d_y.as_chunks::<LANES>();
        let (d_z, d_z_rest) = self.d_z.as_chunks_mut::<LANES>();
        for ((d_z, y), d_y) in d_z.iter_mut().zip(y).zip(d_y) {
            s.store(sigmoid_backward(s, s.load(y), s.load(d_y)), d_z);
        }
        for ((d_z, y), d_y) in d_z_rest.iter_mut().zip(y_rest).zip(d_y_rest) {
            *d_z = d_y * y * (1.0 - y);
        }
        self.d_bias.fill(0.0);
        for d_z in self.d_z.chunks_exact(self.d_bias.len()) {
            for (sum, d) in self.d_bias.iter_mut().zip(d_z) {
                *sum += d;
            }
        }
    }
}

/// `d_x = d_z * transpose(weight)`: the sixteen images are the lanes of two vectors, so the weight is read as it lies.
struct InputGradient<'a> {
    shape: Shape,
    weight: &'a [f32],
    d_z: &'a [f32],
    d_x: &'a mut [f32],
}

impl Kernel for InputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Shape {
            inputs, outputs, ..
        } = self.shape;
        let zero = [[0.0; LANES]; 2];
        // [output][image], zeros where there are fewer than sixteen images.
        let mut by_output = vec![zero; outputs];
        let d_x = self.d_x.chunks_mut(IMAGES * inputs);
        for (d_x, d_z) in d_x.zip(self.d_z.chunks(IMAGES * outputs)) {
            by_output.fill(zero);
            for (image, d_z) in d_z.chunks_exact(outputs).enumerate() {
                for (to, d) in by_output.iter_mut().zip(d_z) {
                    to.as_flattened_mut()[image] = *d;
                }
            }
            for (block, weight) in self.weight.chunks(LANES * outputs).enumerate() {
                let width = weight.len() / outputs;
                let (upper, lower) = weight.split_at(weight.len().min(4 * outputs));
                let upper = multiply(s, &zero, four_rows(upper, outputs), by_output.iter());
                let lower = if lower.is_empty() { weight } else { lower };
                let lower = multiply(s, &zero, four_rows(lower, outputs), by_output.iter());
                for (half, d_x) in d_x.chunks_mut(LANES * inputs).enumerate() {
                    let mut tile = [upper[0][half]; LANES];
                    for i in 0..4 {
                        (tile[i], tile[i + 4]) = (upper[i][half], lower[i][half]);
                    }
                    let mut rows = [[tile[0]; 1]; LANES];
                    for (row, v) in rows.iter_mut().zip(s.transpose(tile)) {
                        *row = [v];
                    }
                    store(s, rows, &mut d_x[block * LANES..], inputs, width);
                }
            }
        }
    }
}

/// Some rows of `d_weight = transpose(x) * d_z`, from the row `first` on.
struct WeightGradient<'a> {
    shape: Shape,
    x: &'a [f32],
    first: usize,
    d_z: &'a [f32],
    d_weight: &'a mut [f32],
}

impl Kernel for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for column in (0..self.shape.outputs).step_by(2 * LANES) {
            if column + LANES < self.shape.outputs {
                self.columns::<S, 4, 2>(s, column);
            } else {
                self.columns::<S, 8, 1>(s, column);
            }
        }
    }
}

impl WeightGradient<'_> {
    /// Computes `V` vectors of columns from `column` on.
    #[inline(always)]
    fn columns<S: Simd, const R: usize, const V: usize>(&mut self, s: S, column: usize) {
        let Shape {
            inputs, outputs, ..
        } = self.shape;
        let zero = [[0.0; LANES]; V];
        let panel = Panel::<V>::new(self.d_z, outputs, column);
        for (block, d_weight) in self.d_weight.chunks_mut(R * outputs).enumerate() {
            let first = self.first + block * R;
            let last = d_weight.len() / outputs - 1;
            let x = self.x.chunks_exact(inputs);
            let tile: [[S::V; V]; R] = if last + 1 == R {
                multiply(s, &zero, x.map(|x| *window(x, first)), panel.rows())
            } else {
                let x = x.map(|x| std::array::from_fn(|i| x[first + i.min(last)]));
                multiply(s, &zero, x, panel.rows())
            };
            store(s, tile, &mut d_weight[column..], outputs, outputs - column);
        }
    }
}
