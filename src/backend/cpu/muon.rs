//! The update of the large matrices with orthogonalised momentum; see [`crate::optim::Muon`].
//!
//! Each matrix is stored so that it has at least as many rows as columns. Padding with zeros makes the products whole tiles of
//! sixteen columns. Each value is summed in a fixed order.

use rayon::prelude::*;

use crate::model::{PARAMETERS, range};
use crate::optim::{MATRICES, Matrix, Muon};

use super::matrix_product::{BLOCK, LeftFactor, Mirror, Product};
use super::simd::{Kernel, LANES, Simd, SimdLevel, WIDE};

/// Buffers of the orthogonalisation, reused between steps.
#[derive(Default)]
pub(super) struct NewtonSchulz {
    directions: Vec<f32>,
    matrices: [Orthogonalisation; 3],
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
        let tasks = MATRICES.iter().zip(&mut self.matrices).map(|(matrix, orthogonalisation)| {
            let places = range(matrix.tensor);
            let (w, others) =
                std::mem::take(&mut rest)[places.start - end..].split_at_mut(places.len());
            (rest, end) = (others, places.end);
            (*matrix, orthogonalisation, w, &directions[places])
        });
        let tasks: Vec<_> = tasks.collect();
        tasks.into_par_iter().for_each(|(matrix, orthogonalisation, w, d)| {
            orthogonalisation.resize(matrix);
            level.run(Load { matrix, d, to: orthogonalisation });
            orthogonalisation.run(level);
            level.run(Apply { matrix, from: orthogonalisation, muon, learning_rate, w });
        });
    }
}

/// The matrix `x` to orthogonalise, the result `y`, and the square matrices in between, all row-major with row stride `stride`.
#[derive(Default)]
struct Orthogonalisation {
    /// Rows of x (the longer side).
    rows: usize,
    /// Columns of x (the shorter side).
    columns: usize,
    stride: usize,
    x: Vec<f32>,
    y: Vec<f32>,
    g: Vec<f32>,
    p: Vec<f32>,
    q: Vec<f32>,
    scratch: Vec<f32>,
}

impl Orthogonalisation {
    /// Makes room for a matrix of the size of `matrix`.
    fn resize(&mut self, matrix: Matrix) {
        let (rows, columns) = (matrix.rows.max(matrix.columns), matrix.rows.min(matrix.columns));
        // With a stride that is a power of two, the rows would compete for a few sets of the cache.
        let stride = (columns.div_ceil(WIDE) | 1) * WIDE;
        (self.rows, self.columns, self.stride) = (rows, columns, stride);
        for matrix in [&mut self.x, &mut self.y] {
            matrix.resize(rows.next_multiple_of(BLOCK) * stride, 0.0);
        }
        for square in [&mut self.g, &mut self.p, &mut self.q, &mut self.scratch] {
            square.resize(columns.next_multiple_of(WIDE) * stride, 0.0);
        }
    }

    /// Computes the orthogonal matrix `y = x q`.
    ///
    /// If `x` is multiplied by a polynomial `p` of `g = transpose(x) x`, then `g` is multiplied by `p` twice. The iterations
    /// therefore need only `g`. The product of their polynomials is `q`, by which `x` is multiplied at the end. This takes a
    /// third fewer operations than multiplying the longer `x` in every iteration.
    fn run(&mut self, level: SimdLevel) {
        let [a, b, c] = Muon::COEFFICIENTS;
        let polynomial = Some((a, b, c));
        let Self { rows, columns, stride, x, y, g, p, q, scratch } = self;
        let (stride, square) = (*stride, *columns * *stride);
        let width = columns.next_multiple_of(WIDE);
        let block =
            |left: LeftFactor<'_>, right: &[f32], terms, first, first_column, to: &mut [f32]| {
                level.run(Product { left, right, terms, width, stride, first, first_column, to });
            };
        // All square matrices are polynomials of one symmetric matrix. They and their products are symmetric.
        let symmetric = |left: &[f32], right: &[f32], terms, to: &mut [f32]| {
            let left = LeftFactor::Transposed(left);
            for (index, to) in to.chunks_mut(BLOCK * stride).enumerate() {
                block(left, right, terms, index * BLOCK, index * BLOCK, to);
            }
            level.run(Mirror { square: to, width, stride });
        };
        symmetric(&x[..*rows * stride], x, None, g);
        symmetric(&g[..square], g, polynomial, q);
        p.copy_from_slice(q);
        for _ in 1..Muon::ROUNDS {
            symmetric(&g[..square], p, None, scratch);
            symmetric(&scratch[..square], p, None, g);
            symmetric(&g[..square], g, polynomial, p);
            symmetric(&q[..square], p, None, scratch);
            std::mem::swap(q, scratch);
        }
        // Threads share this product only: for the smaller ones, moving the matrices between the cores takes longer than it saves.
        let blocks = y.par_chunks_mut(BLOCK * stride).enumerate();
        blocks.for_each(|(index, to)| {
            block(LeftFactor::Plain(x), &q[..square], None, index * BLOCK, 0, to);
        });
    }
}

/// Sets `x = d / |d|`.
struct Load<'a> {
    matrix: Matrix,
    d: &'a [f32],
    to: &'a mut Orthogonalisation,
}

impl Kernel for Load<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { matrix, d, to } = self;
        let Orthogonalisation { rows, columns, stride, .. } = *to;
        let mut sums = [0.0_f64; LANES];
        for chunk in d.as_chunks::<LANES>().0 {
            for (sum, d) in sums.iter_mut().zip(chunk) {
                *sum += f64::from(*d) * f64::from(*d);
            }
        }
        let norm = sums.iter().sum::<f64>().sqrt() as f32;
        let factor = 1.0 / norm.max(Muon::LEAST_NORM);
        for (row, x) in to.x.chunks_exact_mut(stride).take(rows).enumerate() {
            if matrix.rows == rows {
                for (x, d) in x.iter_mut().zip(&d[row * columns..][..columns]) {
                    *x = d * factor;
                }
            } else {
                for (x, d) in x.iter_mut().zip(d[row..].iter().step_by(rows)) {
                    *x = d * factor;
                }
            }
        }
    }
}

/// Updates the weights: `w = w - learning_rate * (scale * y + weight_decay * w)`.
struct Apply<'a> {
    matrix: Matrix,
    from: &'a Orthogonalisation,
    muon: Muon,
    learning_rate: f32,
    w: &'a mut [f32],
}

impl Kernel for Apply<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { matrix, from, muon, learning_rate, w } = self;
        let Orthogonalisation { rows, columns, stride, .. } = *from;
        let scale = Muon::scale(matrix);
        for (row, y) in from.y.chunks_exact(stride).take(rows).enumerate() {
            let y = &y[..columns];
            if matrix.rows == rows {
                for (w, y) in w[row * columns..][..columns].iter_mut().zip(y) {
                    *w -= learning_rate * (scale * y + muon.weight_decay * *w);
                }
            } else {
                for (w, y) in w[row..].iter_mut().step_by(rows).zip(y) {
                    *w -= learning_rate * (scale * y + muon.weight_decay * *w);
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
