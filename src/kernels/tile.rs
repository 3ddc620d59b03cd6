//! Tiles of matrix products: the inner loops of the dense layers.

use std::borrow::Cow;

use super::lanes_mut;
use super::simd::{LANES, Simd};

/// Up to `V` vectors of columns of a row-major matrix.
pub(super) struct Panel<'a, const V: usize> {
    values: Cow<'a, [f32]>,
    stride: usize,
    column: usize,
}

impl<'a, const V: usize> Panel<'a, V> {
    /// The columns of `matrix` from `column` on. Where they do not fill the vectors they are copied, beside zeros.
    #[inline(always)]
    pub(super) fn new(matrix: &'a [f32], stride: usize, column: usize) -> Self {
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
    pub(super) fn row(&self, i: usize) -> &[[f32; LANES]; V] {
        let at = i * self.stride + self.column;
        let vectors = self.values[at..at + V * LANES].as_chunks().0;
        vectors.try_into().expect("the range is V vectors long")
    }
}

/// `R` rows of `matrix` from `first` on; for the rows that it lacks, its last row once more.
#[inline(always)]
pub(super) fn rows<const R: usize>(matrix: &[f32], stride: usize, first: usize) -> [&[f32]; R] {
    let mut rows = [&matrix[first * stride..(first + 1) * stride]; R];
    for i in 1..R {
        let at = (first + i) * stride;
        rows[i] = matrix.get(at..at + stride).unwrap_or(rows[i - 1]);
    }
    rows
}

/// A tile of `start + a * b`: `R` rows by `V` vectors, with `inner` terms. `a` gives columns and `b` rows.
///
/// Four rows by two vectors, or eight by one, are the eight accumulators that hide the latency of the multiply-adds. Four by
/// two is better: it loads six values for eight multiply-adds, eight by one loads nine.
#[inline(always)]
pub(super) fn multiply<'a, S: Simd, const R: usize, const V: usize>(
    s: S,
    start: [S::V; V],
    inner: usize,
    a: impl Fn(usize) -> [f32; R],
    b: impl Fn(usize) -> &'a [[f32; LANES]; V],
) -> [[S::V; V]; R] {
    let mut tile = [start; R];
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
pub(super) fn store<S: Simd, const R: usize, const V: usize>(
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
        store_row(s, row, to);
    }
}

/// Writes the first columns of a row, as many as `to` has.
#[inline(always)]
pub(super) fn store_row<S: Simd, const V: usize>(s: S, row: &[S::V; V], to: &mut [f32]) {
    if to.len() == V * LANES {
        for (j, v) in row.iter().enumerate() {
            s.store(*v, lanes_mut(to, j * LANES));
        }
    } else {
        let mut values = [[0.0; LANES]; V];
        for (v, to) in row.iter().zip(&mut values) {
            s.store(*v, to);
        }
        to.copy_from_slice(&values.as_flattened()[..to.len()]);
    }
}
