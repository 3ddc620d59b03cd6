//! The update of the large matrices with orthogonalised momentum; see [`crate::optim::Muon`].
//!
//! Each matrix is stored so that it has at least as many rows as columns. Padding with zeros makes the products whole tiles of
//! sixteen columns. Blocks of rows are split among threads, and each value is summed in a fixed order.

use rayon::prelude::*;

use crate::model::{PARAMETERS, range};
use crate::optim::{MATRICES, Matrix, Muon};

use super::matrix_product::{BLOCK, LeftFactor, Mirror, Product};
use super::simd::{LANES, SimdLevel, WIDE};

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
        let stride = (columns.div_ceil(WIDE) | 1) * WIDE;
        (self.rows, self.columns, self.stride) = (rows, columns, stride);
        let values = rows.next_multiple_of(BLOCK) * stride;
        self.x.resize(values, 0.0);
        self.next.resize(values, 0.0);
        let square = columns.next_multiple_of(WIDE) * stride;
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
        let width = columns.next_multiple_of(WIDE);
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
                level.run(Mirror { square: to, width, stride });
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

// The norm is summed in whole vectors.
const _: () = {
    let mut index = 0;
    while index < MATRICES.len() {
        let Matrix { rows, columns, .. } = MATRICES[index];
        assert!((rows * columns).is_multiple_of(LANES));
        index += 1;
    }
};
