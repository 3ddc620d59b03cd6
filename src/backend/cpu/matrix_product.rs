//! Products of matrices whose rows are padded to whole wide vectors, for [`super::muon`].

use super::simd::{Kernel, Simd, Vectors, WIDE, Wide, WideVector};
use super::slices::{window, window_mut};

/// Rows per task, and maximum number of rows of a tile.
pub(super) const BLOCK: usize = 8;

/// The left matrix of a product. It has the same row stride as the [`Product`].
#[derive(Clone, Copy)]
pub(super) enum LeftFactor<'a> {
    Plain(&'a [f32]),
    Transposed(&'a [f32]),
}

/// The [`BLOCK`] rows from `first` on of the product of two matrices, without the columns before the tile that contains
/// `first_column`.
pub(super) struct Product<'a> {
    pub(super) left: LeftFactor<'a>,
    pub(super) right: &'a [f32],
    /// Coefficients `a`, `b` and `c` of the formula for the result. If given, the result is `a + b right + c left right`
    /// instead of `left right`.
    pub(super) terms: Option<(f32, f32, f32)>,
    pub(super) width: usize,
    pub(super) stride: usize,
    pub(super) first: usize,
    pub(super) first_column: usize,
    pub(super) to: &'a mut [f32],
}

impl Kernel for Product<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let width = if S::Wide::IS_ONE_REGISTER { 2 * WIDE } else { WIDE };
        for column in (self.first_column / WIDE * WIDE..self.width).step_by(width) {
            match (S::Wide::IS_ONE_REGISTER, column + WIDE < self.width) {
                (true, true) => self.tile::<S, BLOCK, 2>(s.wide(), 0, column),
                (true, false) => self.tile::<S, BLOCK, 1>(s.wide(), 0, column),
                (false, _) => {
                    self.tile::<S, 4, 1>(s.wide(), 0, column);
                    self.tile::<S, 4, 1>(s.wide(), 4, column);
                }
            }
        }
    }
}

impl Product<'_> {
    /// Computes a tile of `R` rows by `C` wide vectors.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const C: usize>(
        &mut self,
        w: S::Wide,
        row: usize,
        column: usize,
    ) {
        let (stride, first) = (self.stride, self.first + row);
        let mut sums = [[w.splat(0.0); C]; R];
        let right = self.right.chunks_exact(stride);
        match self.left {
            LeftFactor::Plain(left) => {
                // All rows have the same length, so the loop has one bounds check.
                let mut rows: [&[f32]; R] = [&[]; R];
                for (i, row) in rows.iter_mut().enumerate() {
                    *row = &left[(first + i) * stride..][..stride];
                }
                for (k, right) in right.enumerate().take(stride) {
                    add_products::<S, R, C>(w, |i| rows[i][k], &right[column..], &mut sums);
                }
            }
            LeftFactor::Transposed(left) => {
                for (left, right) in left.chunks_exact(stride).zip(right) {
                    let left: &[f32; R] = window(left, first);
                    add_products::<S, R, C>(w, |i| left[i], &right[column..], &mut sums);
                }
            }
        }
        for (i, sums) in sums.into_iter().enumerate() {
            for (c, sum) in sums.into_iter().enumerate() {
                let column = column + c * WIDE;
                let to = window_mut(self.to, (row + i) * stride + column);
                let Some((a, b, c)) = self.terms else {
                    w.store(sum, to);
                    continue;
                };
                let right = window(self.right, (first + i) * stride + column);
                let sum = w.mul(w.splat(c), sum);
                w.store(w.mul_add(w.splat(b), w.load(right), sum), to);
                if let Some(diagonal) = (first + i).checked_sub(column).filter(|d| *d < WIDE) {
                    to[diagonal] += a;
                }
            }
        }
    }
}

/// Adds the outer product of a part of a column and a part of a row.
#[inline(always)]
fn add_products<S: Simd, const R: usize, const C: usize>(
    w: S::Wide,
    left: impl Fn(usize) -> f32,
    right: &[f32],
    sums: &mut [[WideVector<S>; C]; R],
) {
    let mut vectors = [w.splat(0.0); C];
    for (c, v) in vectors.iter_mut().enumerate() {
        *v = w.load(window(right, c * WIDE));
    }
    for (i, sums) in sums.iter_mut().enumerate() {
        let left = w.splat(left(i));
        for (sum, right) in sums.iter_mut().zip(&vectors) {
            *sum = w.mul_add(left, *right, *sum);
        }
    }
}

/// Mirrors the upper triangle into the lower triangle, in blocks of 16x16. The blocks on the diagonal are already complete.
pub(super) struct Mirror<'a> {
    pub(super) square: &'a mut [f32],
    pub(super) width: usize,
    pub(super) stride: usize,
}

impl Kernel for Mirror<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { square, width, stride } = self;
        let w = s.wide();
        for row in (WIDE..width).step_by(WIDE) {
            for column in (0..row).step_by(WIDE) {
                let mut block = [w.splat(0.0); WIDE];
                for (i, v) in block.iter_mut().enumerate() {
                    *v = w.load(window(square, (column + i) * stride + row));
                }
                for (i, v) in w.transpose(s, block).into_iter().enumerate() {
                    w.store(v, window_mut(square, (row + i) * stride + column));
                }
            }
        }
    }
}
