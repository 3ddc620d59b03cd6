//! Fixed-size views of slices, and memory aligned for vectors.

use super::simd::LANES;

/// A value at the start of a cache line, so that rows of 16 floats never cross a cache line.
#[repr(align(64))]
#[derive(Clone, Copy)]
pub(super) struct Aligned<T>(pub T);

/// Returns the `N` values of `x` from `at` on.
#[inline(always)]
pub(super) fn window<T, const N: usize>(x: &[T], at: usize) -> &[T; N] {
    x[at..at + N].try_into().expect("the range is N long")
}

/// Returns the eight values of `x` from `at` on.
#[inline(always)]
pub(super) fn lanes(x: &[f32], at: usize) -> &[f32; LANES] {
    window(x, at)
}

/// Returns the eight values of `x` from `at` on for modification.
#[inline(always)]
pub(super) fn lanes_mut(x: &mut [f32], at: usize) -> &mut [f32; LANES] {
    (&mut x[at..at + LANES]).try_into().expect("the range is LANES long")
}
