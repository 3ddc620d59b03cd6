//! Fixed-size views of slices, and memory aligned for vectors.

/// A value at the start of a cache line, so that rows of 16 floats never cross a cache line.
#[repr(align(64))]
#[derive(Clone, Copy)]
pub(super) struct Aligned<T>(pub T);

/// Returns the `N` values of `x` from `at` on.
#[inline(always)]
pub(super) fn window<T, const N: usize>(x: &[T], at: usize) -> &[T; N] {
    x[at..at + N].try_into().expect("the range is N long")
}

/// Returns the `N` values of `x` from `at` on for modification.
#[inline(always)]
pub(super) fn window_mut<T, const N: usize>(x: &mut [T], at: usize) -> &mut [T; N] {
    (&mut x[at..at + N]).try_into().expect("the range is N long")
}
