//! Max-pool over a window of four values.

use super::simd::Vectors;

/// Returns, for each lane, the maximum of four values and the index of the maximum; ties go to the lowest index.
#[inline(always)]
pub(super) fn maximum<const N: usize, S: Vectors<N>>(
    s: S,
    [a, b, c, d]: [S::V; 4],
) -> (S::V, S::V) {
    let in_upper = s.select_greater(b, a, s.splat(1.0), s.splat(0.0));
    let in_lower = s.select_greater(d, c, s.splat(3.0), s.splat(2.0));
    let (upper, lower) = (s.max(a, b), s.max(c, d));
    (s.max(upper, lower), s.select_greater(lower, upper, in_lower, in_upper))
}
