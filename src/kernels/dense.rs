//! A dense layer with its sigmoid: [N, inputs] -> [N, outputs], of any size. The weight is [inputs, outputs], as Burn keeps it.
//!
//! All three products are blocks of twelve (or eight) vector accumulators, so that the latency of the multiply-adds is hidden:
//! y and d_weight four rows by three vectors of columns, d_x eight inputs by eight images, transposed in registers.

use rayon::prelude::*;

use super::Gradients;
use super::sigmoid::{sigmoid_backward, sigmoid_in_place};
use super::simd::{Kernel, LANES, Level, Simd};
use super::{lanes, lanes_mut};

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
    fn run<S: Simd>(self, s: S) {
        let Shape {
            inputs, outputs, ..
        } = self.shape;
        let mut padded = Vec::new();
        for column in (0..outputs).step_by(LANES) {
            let width = LANES.min(outputs - column);
            let panel = Panel::new(self.weight, outputs, column, &mut padded);
            let mut bias = [0.0; LANES];
            bias[..width].copy_from_slice(&self.bias[column..column + width]);
            let y = self.y.chunks_mut(LANES * outputs);
            for (x, y) in self.x.chunks(LANES * inputs).zip(y) {
                let tile = multiply(s, s.load(&bias), lockstep(x, inputs), panel.rows());
                store(s, tile, &mut y[column..], outputs, width);
            }
        }
        sigmoid_in_place(s, self.y);
    }
}

/// Eight columns of a row-major matrix.
struct Panel<'a> {
    values: &'a [f32],
    stride: usize,
    column: usize,
}

impl<'a> Panel<'a> {
    /// The columns of `matrix` from `column` on. Where there are fewer than eight they are copied to `padded`, beside zeros.
    #[inline(always)]
    fn new(matrix: &'a [f32], stride: usize, column: usize, padded: &'a mut Vec<f32>) -> Self {
        if column + LANES <= stride {
            return Self {
                values: matrix,
                stride,
                column,
            };
        }
        padded.clear();
        for row in matrix.chunks_exact(stride) {
            let mut eight = [0.0; LANES];
            eight[..stride - column].copy_from_slice(&row[column..]);
            padded.extend(eight);
        }
        Self {
            values: padded,
            stride: LANES,
            column: 0,
        }
    }

    #[inline(always)]
    fn rows(&self) -> impl Iterator<Item = &[f32; LANES]> {
        self.values
            .chunks_exact(self.stride)
            .map(|row| lanes(row, self.column))
    }
}

/// The columns of up to eight rows of `matrix`; for the rows that it lacks, those of its last row once more.
#[inline(always)]
fn lockstep(matrix: &[f32], stride: usize) -> impl Iterator<Item = [f32; LANES]> {
    let last = matrix.len() / stride - 1;
    let row = |i: usize| matrix[i.min(last) * stride..][..stride].iter();
    let four = row(0).zip(row(1)).zip(row(2)).zip(row(3));
    let four = four.zip(row(4)).zip(row(5)).zip(row(6)).zip(row(7));
    four.map(|(((((((a, b), c), d), e), f), g), h)| [*a, *b, *c, *d, *e, *f, *g, *h])
}

/// Eight rows of `start + a * b`, by eight columns. `a` and `b` give, for one inner index after the other, a column and a row.
///
/// The eight accumulators are as many as hide the latency of the multiply-adds.
#[inline(always)]
fn multiply<'a, S: Simd>(
    s: S,
    start: S::V,
    a: impl Iterator<Item = [f32; LANES]>,
    b: impl Iterator<Item = &'a [f32; LANES]>,
) -> [S::V; LANES] {
    let mut tile = [start; LANES];
    for (a, b) in a.zip(b) {
        let b = s.load(b);
        for (a, row) in a.iter().zip(&mut tile) {
            *row = s.mul_add(s.splat(*a), b, *row);
        }
    }
    tile
}

/// Writes the first `width` columns of a tile to the start of each of the rows that `to` has.
#[inline(always)]
fn store<S: Simd>(s: S, tile: [S::V; LANES], to: &mut [f32], stride: usize, width: usize) {
    for (row, to) in tile.into_iter().zip(to.chunks_mut(stride)) {
        if width == LANES {
            s.store(row, lanes_mut(to, 0));
        } else {
            let mut values = [0.0; LANES];
            s.store(row, &mut values);
            to[..width].copy_from_slice(&values[..width]);
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

/// `d_x = d_z * transpose(weight)`, eight images at a time.
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
        // [output][image]: the eight images are the lanes, zeros where there are fewer.
        let mut by_output = vec![[0.0; LANES]; outputs];
        let d_x = self.d_x.chunks_mut(LANES * inputs);
        for (d_x, d_z) in d_x.zip(self.d_z.chunks(LANES * outputs)) {
            let images = d_z.len() / outputs;
            for (output, to) in by_output.iter_mut().enumerate() {
                *to = [0.0; LANES];
                for (image, to) in to[..images].iter_mut().enumerate() {
                    *to = d_z[image * outputs + output];
                }
            }
            for (block, weight) in self.weight.chunks(LANES * outputs).enumerate() {
                let tile = multiply(s, s.splat(0.0), lockstep(weight, outputs), by_output.iter());
                let width = weight.len() / outputs;
                store(
                    s,
                    s.transpose(tile),
                    &mut d_x[block * LANES..],
                    inputs,
                    width,
                );
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
    fn run<S: Simd>(self, s: S) {
        let Shape {
            inputs, outputs, ..
        } = self.shape;
        let mut padded = Vec::new();
        for column in (0..outputs).step_by(LANES) {
            let width = LANES.min(outputs - column);
            let panel = Panel::new(self.d_z, outputs, column, &mut padded);
            for (block, d_weight) in self.d_weight.chunks_mut(LANES * outputs).enumerate() {
                let first = self.first + block * LANES;
                let last = d_weight.len() / outputs - 1;
                let x = self.x.chunks_exact(inputs);
                let tile = if last + 1 == LANES {
                    multiply(s, s.splat(0.0), x.map(|x| *lanes(x, first)), panel.rows())
                } else {
                    let x = x.map(|x| std::array::from_fn(|i| x[first + i.min(last)]));
                    multiply(s, s.splat(0.0), x, panel.rows())
                };
                store(s, tile, &mut d_weight[column..], outputs, width);
            }
        }
    }
}
