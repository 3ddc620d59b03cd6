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
const FORK: usize = 2_500_000;
/// Images that one task works on.
const IMAGES: usize = 16;
/// Rows of the weight's gradient that one task works on.
const ROWS: usize = 128;
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
                self.columns::<S, 4, 2>(s, column);
            } else {
                self.columns::<S, 8, 1>(s, column);
            }
        }
        sigmoid_in_place(s, self.y);
    }
}

impl Forward<'_> {
    /// Computes `V` vectors of columns from `column` on, before sigmoid, `R` rows at a time.
    #[inline(always)]
    fn columns<S: Simd, const R: usize, const V: usize>(&mut self, s: S, column: usize) {
        let Shape {
            inputs, outputs, ..
        } = self.shape;
        let weight = Panel::<V>::new(self.weight, outputs, column);
        let bias = Panel::<V>::new(self.bias, outputs, column);
        for (block, x) in self.x.chunks(R * inputs).enumerate() {
            let x: [&[f32]; R] = rows(x, inputs);
            let x = |k| std::array::from_fn(|i| x[i][k]);
            let tile: [[S::V; V]; R] = multiply(s, bias.row(0), inputs, x, |k| weight.row(k));
            let y = &mut self.y[block * R * outputs + column..];
            store(s, &tile, y, outputs, outputs - column);
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
    fn row(&self, i: usize) -> &[[f32; LANES]; V] {
        let at = i * self.stride + self.column;
        let vectors = self.values[at..at + V * LANES].as_chunks().0;
        vectors.try_into().expect("the range is V vectors long")
    }
}

/// The first `R` rows of `matrix`; for the rows that it lacks, its last row once more.
#[inline(always)]
fn rows<const R: usize>(matrix: &[f32], stride: usize) -> [&[f32]; R] {
    let mut rows = [&matrix[..stride]; R];
    for i in 1..R {
        rows[i] = matrix
            .get(i * stride..(i + 1) * stride)
            .unwrap_or(rows[i - 1]);
    }
    rows
}

/// A tile of `start + a * b`: `R` rows by `V` vectors, with `inner` terms. `a` gives columns and `b` rows.
#[inline(always)]
fn multiply<'a, S: Simd, const R: usize, const V: usize>(
    s: S,
    start: &[[f32; LANES]; V],
    inner: usize,
    a: impl Fn(usize) -> [f32; R],
    b: impl Fn(usize) -> &'a [[f32; LANES]; V],
) -> [[S::V; V]; R] {
    let mut first = [s.splat(0.0); V];
    for (to, start) in first.iter_mut().zip(start) {
        *to = s.load(start);
    }
    let mut tile = [first; R];
    for k in 0..inner {
        let (a, b) = (a(k), b(k));
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
    tile: &[[S::V; V]; R],
    to: &mut [f32],
    stride: usize,
    width: usize,
) {
    let width = width.min(V * LANES);
    for (i, row) in tile.iter().enumerate() {
        let Some(to) = to.get_mut(i * stride..i * stride + width) else {
            return;
        };
        if width == V * LANES {
            for (j, v) in row.iter().enumerate() {
                s.store(*v, lanes_mut(to, j * LANES));
            }
        } else {
            let mut values = [[0.0; LANES]; V];
            for (v, to) in row.iter().zip(&mut values) {
                s.store(*v, to);
            }
            to.copy_from_slice(&values.as_flattened()[..width]);
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
    let mut panels = vec![[[0.0; LANES]; 2]; n * outputs.div_ceil(2 * LANES)];
    level.run(OutputGradient {
        shape,
        of,
        panels: &mut panels,
        d_bias: gradients.bias,
    });

    let small = 2 * n * weight.len() < FORK;
    let images = if small { n.max(1) } else { IMAGES };
    let rows = if small { inputs } else { ROWS };
    let panels = &panels;
    let mut inputs_gradient = || {
        d_x.par_chunks_mut(images * inputs)
            .enumerate()
            .for_each(|(i, d_x)| {
                level.run(InputGradient {
                    shape,
                    weight,
                    panels,
                    first: i * images,
                    d_x,
                });
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
                    panels,
                    first: i * rows,
                    d_weight,
                });
            });
    };
    if small {
        inputs_gradient();
        weight_gradient();
    } else {
        rayon::join(weight_gradient, inputs_gradient);
    }
}

/// Two vectors of one row. A matrix as panels is all rows of its first sixteen columns, then of the next sixteen, and so on;
/// zeros fill the last panel.
type PanelRow = [[f32; LANES]; 2];

/// The gradient before sigmoid, [n, outputs] as panels, and its sum over the images.
struct OutputGradient<'a> {
    shape: Shape,
    of: Dense<'a>,
    panels: &'a mut [PanelRow],
    d_bias: &'a mut [f32],
}

impl Kernel for OutputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Shape { n, outputs, .. } = self.shape;
        for (j, d_bias) in self.d_bias.chunks_mut(LANES).enumerate() {
            let panel = &mut self.panels[j / 2 * n..][..n];
            let mut sum = s.splat(0.0);
            for (image, row) in panel.iter_mut().enumerate() {
                let at = image * outputs + j * LANES;
                let d = if d_bias.len() == LANES {
                    let (y, d_y) = (window(self.of.y, at), window(self.of.d_y, at));
                    sigmoid_backward(s, s.load(y), s.load(d_y))
                } else {
                    let (mut y, mut d_y) = ([0.0; LANES], [0.0; LANES]);
                    y[..d_bias.len()].copy_from_slice(&self.of.y[at..at + d_bias.len()]);
                    d_y[..d_bias.len()].copy_from_slice(&self.of.d_y[at..at + d_bias.len()]);
                    sigmoid_backward(s, s.load(&y), s.load(&d_y))
                };
                s.store(d, &mut row[j % 2]);
                sum = s.add(sum, d);
            }
            let mut sums = [0.0; LANES];
            s.store(sum, &mut sums);
            d_bias.copy_from_slice(&sums[..d_bias.len()]);
        }
    }
}

/// Some images' `d_x = d_z * transpose(weight)`, from the image `first` on.
///
/// Sixteen images are the lanes of two vectors, so that the weight is read as it lies.
struct InputGradient<'a> {
    shape: Shape,
    weight: &'a [f32],
    panels: &'a [PanelRow],
    first: usize,
    d_x: &'a mut [f32],
}

impl Kernel for InputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Shape { n, inputs, outputs } = self.shape;
        let zero = [[0.0; LANES]; 2];
        // [output][image], zeros where there are fewer than sixteen images.
        let mut by_output = vec![zero; outputs.next_multiple_of(2 * LANES)];
        for (group, d_x) in self.d_x.chunks_mut(IMAGES * inputs).enumerate() {
            let first = self.first + group * IMAGES;
            for (by_output, panel) in by_output
                .as_chunks_mut::<IMAGES>()
                .0
                .iter_mut()
                .zip(self.panels.chunks_exact(n))
            {
                transpose(s, &panel[first..], by_output);
            }
            let by_output = &by_output[..outputs];
            for (block, weight) in self.weight.chunks(LANES * outputs).enumerate() {
                let width = weight.len() / outputs;
                let w: [&[f32]; LANES] = rows(weight, outputs);
                let upper = |k| std::array::from_fn(|i| w[i][k]);
                let lower = |k| std::array::from_fn(|i| w[4 + i][k]);
                let upper: [_; 4] = multiply(s, &zero, outputs, upper, |k| &by_output[k]);
                let lower: [_; 4] = multiply(s, &zero, outputs, lower, |k| &by_output[k]);
                for (half, d_x) in d_x.chunks_mut(LANES * inputs).enumerate() {
                    let mut tile = [upper[0][half]; LANES];
                    for i in 0..4 {
                        (tile[i], tile[i + 4]) = (upper[i][half], lower[i][half]);
                    }
                    let mut rows = [[tile[0]; 1]; LANES];
                    for (row, v) in rows.iter_mut().zip(s.transpose(tile)) {
                        *row = [v];
                    }
                    store(s, &rows, &mut d_x[block * LANES..], inputs, width);
                }
            }
        }
    }
}

/// Makes columns of up to sixteen rows, and zeros of the rows that `from` lacks.
#[inline(always)]
fn transpose<S: Simd>(s: S, from: &[PanelRow], to: &mut [PanelRow; IMAGES]) {
    for row_half in 0..2 {
        for column_half in 0..2 {
            let mut block = [s.splat(0.0); LANES];
            for (v, row) in block.iter_mut().zip(from.iter().skip(row_half * LANES)) {
                *v = s.load(&row[column_half]);
            }
            let columns = &mut to[column_half * LANES..][..LANES];
            for (to, v) in columns.iter_mut().zip(s.transpose(block)) {
                s.store(v, &mut to[row_half]);
            }
        }
    }
}

/// Some rows of `d_weight = transpose(x) * d_z`, from the row `first` on.
struct WeightGradient<'a> {
    shape: Shape,
    x: &'a [f32],
    panels: &'a [PanelRow],
    first: usize,
    d_weight: &'a mut [f32],
}

impl Kernel for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Shape { n, inputs, outputs } = self.shape;
        let mut columns = vec![[0.0; 4]; n];
        for (block, d_weight) in self.d_weight.chunks_mut(4 * outputs).enumerate() {
            let first = self.first + block * 4;
            for (column, x) in columns.iter_mut().zip(self.x.chunks_exact(inputs)) {
                match x[first..].first_chunk() {
                    Some(four) => *column = *four,
                    None => column[..inputs - first].copy_from_slice(&x[first..]),
                }
            }
            for (j, column) in (0..outputs).step_by(2 * LANES).enumerate() {
                let panel = &self.panels[j * n..][..n];
                let zero = [[0.0; LANES]; 2];
                let tile: [_; 4] = multiply(s, &zero, n, |k| columns[k], |k| &panel[k]);
                store(s, &tile, &mut d_weight[column..], outputs, outputs - column);
            }
        }
    }
}
