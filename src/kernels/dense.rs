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
/// Rows of a block of accumulators, and columns.
const BLOCK_ROWS: usize = 4;
const BLOCK_COLUMNS: usize = 3 * LANES;

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
        for column in (0..outputs).step_by(BLOCK_COLUMNS) {
            let width = BLOCK_COLUMNS.min(outputs - column);
            let panel = Panel::new(self.weight, outputs, column, width, &mut padded);
            let mut bias = [0.0; BLOCK_COLUMNS];
            bias[..width].copy_from_slice(&self.bias[column..column + width]);
            let y = self.y.chunks_mut(BLOCK_ROWS * outputs);
            for (x, y) in self.x.chunks(BLOCK_ROWS * inputs).zip(y) {
                // Rows that a last, short block lacks are computed as copies of its last row and not stored.
                let rows = x.len() / inputs;
                let row = |i: usize| &x[i.min(rows - 1) * inputs..][..inputs];
                let a = row(0).iter().zip(row(1)).zip(row(2)).zip(row(3));
                let a = a.map(|(((a, b), c), d)| [*a, *b, *c, *d]);
                multiply(s, a, &panel, &bias, |i, values: &[f32]| {
                    if i < rows {
                        y[i * outputs + column..][..width].copy_from_slice(&values[..width]);
                    }
                });
            }
        }
        sigmoid_in_place(s, self.y);
    }
}

/// Up to [`BLOCK_COLUMNS`] columns of a row-major matrix.
struct Panel<'a> {
    values: &'a [f32],
    stride: usize,
    column: usize,
    vectors: usize,
}

impl<'a> Panel<'a> {
    /// `width` columns of `matrix` from `column` on. Where they do not fill whole vectors they are copied to `padded`, with zeros.
    #[inline(always)]
    fn new(
        matrix: &'a [f32],
        stride: usize,
        column: usize,
        width: usize,
        padded: &'a mut Vec<f32>,
    ) -> Self {
        let vectors = width.div_ceil(LANES);
        if width.is_multiple_of(LANES) {
            return Self {
                values: matrix,
                stride,
                column,
                vectors,
            };
        }
        let padded_stride = vectors * LANES;
        padded.clear();
        padded.resize(matrix.len() / stride * padded_stride, 0.0);
        for (to, from) in padded
            .chunks_exact_mut(padded_stride)
            .zip(matrix.chunks_exact(stride))
        {
            to[..width].copy_from_slice(&from[column..column + width]);
        }
        Self {
            values: padded,
            stride: padded_stride,
            column: 0,
            vectors,
        }
    }

    #[inline(always)]
    fn rows<const V: usize>(&self) -> impl Iterator<Item = &[[f32; LANES]; V]> {
        let column = self.column;
        self.values.chunks_exact(self.stride).map(move |row| {
            let row = row[column..column + V * LANES].as_chunks::<LANES>().0;
            row.try_into().expect("V vectors")
        })
    }
}

/// Gives `store` four rows of `start + a * panel`; `a` holds four values for each row of the panel.
#[inline(always)]
fn multiply<S: Simd>(
    s: S,
    a: impl Iterator<Item = [f32; BLOCK_ROWS]>,
    panel: &Panel<'_>,
    start: &[f32; BLOCK_COLUMNS],
    store: impl FnMut(usize, &[f32]),
) {
    match panel.vectors {
        3 => multiply_block::<S, 3>(s, a, panel, start, store),
        2 => multiply_block::<S, 2>(s, a, panel, start, store),
        _ => multiply_block::<S, 1>(s, a, panel, start, store),
    }
}

#[inline(always)]
fn multiply_block<S: Simd, const V: usize>(
    s: S,
    a: impl Iterator<Item = [f32; BLOCK_ROWS]>,
    panel: &Panel<'_>,
    start: &[f32; BLOCK_COLUMNS],
    mut store: impl FnMut(usize, &[f32]),
) {
    let start: [S::V; V] = std::array::from_fn(|j| s.load(lanes(start, j * LANES)));
    let mut sums = [start; BLOCK_ROWS];
    for (a, b) in a.zip(panel.rows::<V>()) {
        let b = b.each_ref().map(|b| s.load(b));
        for (a, sums) in a.iter().zip(&mut sums) {
            let a = s.splat(*a);
            for (b, sum) in b.iter().zip(sums) {
                *sum = s.mul_add(a, *b, *sum);
            }
        }
    }
    for (i, sums) in sums.into_iter().enumerate() {
        let mut row = [0.0; BLOCK_COLUMNS];
        for (j, sum) in sums.into_iter().enumerate() {
            s.store(sum, lanes_mut(&mut row, j * LANES));
        }
        store(i, &row);
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
                let rows = weight.len() / outputs;
                let row = |i: usize| &weight[i.min(rows - 1) * outputs..][..outputs];
                let mut sums = [s.splat(0.0); LANES];
                let weights = row(0)
                    .iter()
                    .zip(row(1))
                    .zip(row(2))
                    .zip(row(3))
                    .zip(row(4));
                let weights = weights.zip(row(5)).zip(row(6)).zip(row(7));
                for (d, (((((((a, b), c), d4), e), f), g), h)) in by_output.iter().zip(weights) {
                    let d = s.load(d);
                    for (w, sum) in [a, b, c, d4, e, f, g, h].into_iter().zip(&mut sums) {
                        *sum = s.mul_add(s.splat(*w), d, *sum);
                    }
                }
                let sums = s.transpose(sums);
                for (d_x, sum) in d_x.chunks_exact_mut(inputs).zip(sums) {
                    let mut values = [0.0; LANES];
                    s.store(sum, &mut values);
                    d_x[block * LANES..][..rows].copy_from_slice(&values[..rows]);
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
    fn run<S: Simd>(self, s: S) {
        let Shape {
            inputs, outputs, ..
        } = self.shape;
        let start = [0.0; BLOCK_COLUMNS];
        let mut padded = Vec::new();
        for column in (0..outputs).step_by(BLOCK_COLUMNS) {
            let width = BLOCK_COLUMNS.min(outputs - column);
            let panel = Panel::new(self.d_z, outputs, column, width, &mut padded);
            for (block, d_weight) in self.d_weight.chunks_mut(BLOCK_ROWS * outputs).enumerate() {
                let rows = d_weight.len() / outputs;
                let first = self.first + block * BLOCK_ROWS;
                let store = |i: usize, values: &[f32]| {
                    if i < rows {
                        d_weight[i * outputs + column..][..width].copy_from_slice(&values[..width]);
                    }
                };
                let x = self.x.chunks_exact(inputs);
                if rows == BLOCK_ROWS {
                    let a = x.map(|x| {
                        <[f32; BLOCK_ROWS]>::try_from(&x[first..first + BLOCK_ROWS]).expect("four")
                    });
                    multiply(s, a, &panel, &start, store);
                } else {
                    let a = x.map(|x| std::array::from_fn(|i| x[first + i.min(rows - 1)]));
                    multiply(s, a, &panel, &start, store);
                }
            }
        }
    }
}
