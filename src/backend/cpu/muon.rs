//! The update of the large matrices with orthogonalised momentum; see [`crate::optim::Muon`].
//!
//! Each matrix is stored so that it has at least as many rows as columns. Padding with zeros makes the products whole tiles of
//! four rows by sixteen columns. Blocks of rows are split among threads, and each value is summed in a fixed order.

use rayon::prelude::*;

use crate::model::{PARAMETERS, range};
use crate::optim::{MATRICES, Matrix, Muon};

use super::simd::{Kernel, LANES, Simd, SimdLevel};
use super::slices::{lanes, lanes_mut, window};

/// Columns of a tile.
const WIDTH: usize = 2 * LANES;

/// Rows of a tile.
const HEIGHT: usize = 4;

/// Rows per task.
const BLOCK: usize = 2 * HEIGHT;

/// Buffers of the Newton-Schulz iterations, reused between steps.
#[derive(Default)]
pub(super) struct NewtonSchulz {
    directions: Vec<f32>,
    iterations: [Iteration; 3],
}

impl NewtonSchulz {
    /// Returns the buffer for the directions, in the layout of the parameters. Only the directions of the matrices are read.
    pub(super) fn directions(&mut self) -> &mut [f32] {
        self.directions.resize(PARAMETERS, 0.0);
        &mut self.directions
    }

    /// Updates the matrices in `parameters` by their directions.
    pub(super) fn update(
        &mut self,
        level: SimdLevel,
        muon: Muon,
        learning_rate: f32,
        parameters: &mut [f32],
    ) {
        let directions = &self.directions;
        let mut rest = parameters;
        let mut end = 0;
        let tasks = MATRICES.iter().zip(&mut self.iterations).map(|(matrix, iteration)| {
            let places = range(matrix.tensor);
            let (w, others) =
                std::mem::take(&mut rest)[places.start - end..].split_at_mut(places.len());
            (rest, end) = (others, places.end);
            (*matrix, iteration, w, &directions[places])
        });
        let tasks: Vec<_> = tasks.collect();
        tasks.into_par_iter().for_each(|(matrix, iteration, w, d)| {
            iteration.load(matrix, d);
            for _ in 0..Muon::ROUNDS {
                iteration.advance(level);
            }
            iteration.apply(matrix, muon, learning_rate, w);
        });
    }
}

/// The matrix being orthogonalised (`x`) and the buffers of an iteration, all row-major with row stride `stride`.
#[derive(Default)]
struct Iteration {
    /// Rows of x (the longer side).
    rows: usize,
    /// Columns of x (the shorter side).
    columns: usize,
    stride: usize,
    x: Vec<f32>,
    next: Vec<f32>,
    g: Vec<f32>,
    polynomial: Vec<f32>,
}

impl Iteration {
    /// Sets `x = d / |d|`.
    fn load(&mut self, matrix: Matrix, d: &[f32]) {
        let (rows, columns) = (matrix.rows.max(matrix.columns), matrix.rows.min(matrix.columns));
        // With a stride that is a power of two, the rows would compete for a few sets of the cache.
        let stride = (columns.div_ceil(WIDTH) | 1) * WIDTH;
        (self.rows, self.columns, self.stride) = (rows, columns, stride);
        let values = rows.next_multiple_of(BLOCK) * stride;
        self.x.resize(values, 0.0);
        self.next.resize(values, 0.0);
        let square = columns.next_multiple_of(WIDTH) * stride;
        self.g.resize(square, 0.0);
        self.polynomial.resize(square, 0.0);
        let (chunks, _) = d.as_chunks::<LANES>();
        let mut sums = [0.0_f64; LANES];
        for chunk in chunks {
            for (sum, d) in sums.iter_mut().zip(chunk) {
                *sum += f64::from(*d) * f64::from(*d);
            }
        }
        let norm = sums.iter().sum::<f64>().sqrt() as f32;
        let factor = 1.0 / norm.max(Muon::LEAST_NORM);
        for (row, x) in self.x.chunks_exact_mut(stride).take(rows).enumerate() {
            match matrix.rows == rows {
                true => {
                    let d = &d[row * columns..][..columns];
                    x.iter_mut().zip(d).for_each(|(x, d)| *x = d * factor);
                }
                false => {
                    let d = d[row..].iter().step_by(rows);
                    x.iter_mut().zip(d).for_each(|(x, d)| *x = d * factor);
                }
            }
        }
    }

    /// Computes one iteration: `x = x (a + b g + c g g)`, `g = transpose(x) x`.
    fn advance(&mut self, level: SimdLevel) {
        let [a, b, c] = Muon::COEFFICIENTS;
        let Self {
            rows, columns, stride, ref x, ref mut next, ref mut g, ref mut polynomial, ..
        } = *self;
        let width = columns.next_multiple_of(WIDTH);
        let product = |left, right, terms, is_symmetric, to: &mut [f32]| {
            let blocks = to.par_chunks_mut(BLOCK * stride).enumerate();
            blocks.for_each(|(block, to)| {
                level.run(Product {
                    left,
                    right,
                    terms,
                    width,
                    stride,
                    first: block * BLOCK,
                    first_column: if is_symmetric { block * BLOCK } else { 0 },
                    to,
                });
            });
            if is_symmetric {
                mirror(to, width, stride);
            }
        };
        product(LeftFactor::Transposed(&x[..rows * stride]), x, None, true, g);
        // g is symmetric and therefore its own transpose.
        let left = LeftFactor::Transposed(&g[..columns * stride]);
        product(left, g, Some((a, b, c)), true, polynomial);
        let right = &polynomial[..columns * stride];
        product(LeftFactor::Plain(x), right, None, false, next);
        std::mem::swap(&mut self.x, &mut self.next);
    }

    /// Updates the weights: `w = w - learning_rate * (scale * x + weight_decay * w)`.
    fn apply(&self, matrix: Matrix, muon: Muon, learning_rate: f32, w: &mut [f32]) {
        let scale = Muon::scale(matrix);
        let update =
            |w: &mut f32, x: &f32| *w -= learning_rate * (scale * x + muon.weight_decay * *w);
        let rows = self.x.chunks_exact(self.stride).take(self.rows);
        for (row, x) in rows.enumerate() {
            let x = &x[..self.columns];
            match matrix.rows == self.rows {
                true => {
                    let w = &mut w[row * self.columns..][..self.columns];
                    w.iter_mut().zip(x).for_each(|(w, x)| update(w, x));
                }
                false => {
                    let w = w[row..].iter_mut().step_by(self.rows);
                    w.zip(x).for_each(|(w, x)| update(w, x));
                }
            }
        }
    }
}

/// Mirrors the upper triangle into the lower triangle. The first [`BLOCK`] rows are already complete.
fn mirror(square: &mut [f32], width: usize, stride: usize) {
    for row in BLOCK..width {
        for column in 0..row {
            square[row * stride + column] = square[column * stride + row];
        }
    }
}

/// The left matrix of a product, whose row stride is that of the [`Product`].
#[derive(Clone, Copy)]
enum LeftFactor<'a> {
    Plain(&'a [f32]),
    Transposed(&'a [f32]),
}

/// The [`BLOCK`] rows from `first` on of the product of two matrices, without the columns before the tile that contains
/// `first_column`.
struct Product<'a> {
    left: LeftFactor<'a>,
    right: &'a [f32],
    /// Coefficients a, b, c. If given, the result is `a + b right + c left right` instead of `left right`.
    terms: Option<(f32, f32, f32)>,
    width: usize,
    stride: usize,
    first: usize,
    first_column: usize,
    to: &'a mut [f32],
}

impl Kernel for Product<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let stride = self.stride;
        for row in (0..BLOCK).step_by(HEIGHT) {
            let first = self.first + row;
            for column in (self.first_column / WIDTH * WIDTH..self.width).step_by(WIDTH) {
                let mut sums = [[s.splat(0.0); 2]; HEIGHT];
                match self.left {
                    LeftFactor::Plain(left) => {
                        let left = &left[first * stride..][..HEIGHT * stride];
                        for (k, right) in self.right.chunks_exact(stride).enumerate() {
                            let mut column_of_left = [0.0; HEIGHT];
                            for (i, value) in column_of_left.iter_mut().enumerate() {
                                *value = left[i * stride + k];
                            }
                            add_products(s, &column_of_left, window(right, column), &mut sums);
                        }
                    }
                    LeftFactor::Transposed(left) => {
                        let rows = left.chunks_exact(stride);
                        for (left, right) in rows.zip(self.right.chunks_exact(stride)) {
                            add_products(s, window(left, first), window(right, column), &mut sums);
                        }
                    }
                }
                for (i, sums) in sums.into_iter().enumerate() {
                    for (half, sum) in sums.into_iter().enumerate() {
                        let column = column + half * LANES;
                        let to = lanes_mut(self.to, (row + i) * stride + column);
                        let Some((a, b, c)) = self.terms else {
                            s.store(sum, to);
                            continue;
                        };
                        let right = lanes(self.right, (first + i) * stride + column);
                        let sum = s.mul(s.splat(c), sum);
                        s.store(s.mul_add(s.splat(b), s.load(right), sum), to);
                        if let Some(diagonal) =
                            (first + i).checked_sub(column).filter(|d| *d < LANES)
                        {
                            to[diagonal] += a;
                        }
                    }
                }
            }
        }
    }
}

/// Adds the outer product of a part of a column and a part of a row.
#[inline(always)]
fn add_products<S: Simd>(
    s: S,
    left: &[f32; HEIGHT],
    right: &[f32; WIDTH],
    sums: &mut [[S::V; 2]; HEIGHT],
) {
    let right = [s.load(lanes(right, 0)), s.load(lanes(right, LANES))];
    for (left, sums) in left.iter().zip(sums) {
        let left = s.splat(*left);
        sums[0] = s.mul_add(left, right[0], sums[0]);
        sums[1] = s.mul_add(left, right[1], sums[1]);
    }
}

// The norm is summed in whole vectors.
const _: () = {
    let mut index = 0;
    while index < MATRICES.len() {
        let Matrix { rows, columns, .. } = MATRICES[index];
        assert!((rows * columns).is_multiple_of(LANES));
        index += 1;
    }
};
