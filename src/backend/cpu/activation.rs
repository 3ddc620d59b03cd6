//! The activations, the logistic function 1 / (1 + exp(-x)) and tanh, and their derivatives.

use crate::model::Activation;

use super::simd::{Simd, Vectors};

/// Coefficients of the minimax polynomial 1 + f (c1 + f (c2 + ...)) of 2^f on [-1/2, 1/2], found by the Remez exchange algorithm
/// in 40-digit arithmetic. The largest relative error is 9.2e-8. The constant 1 is fixed so that sigmoid(0) is exactly 1/2.
#[allow(
    clippy::approx_constant,
    clippy::excessive_precision,
    reason = "the first coefficient is close to ln 2"
)]
const EXP2: [f32; 5] =
    [0.693_146_977_6, 0.240_222_420_9, 0.055_507_337_4, 0.009_671_512_6, 0.001_326_472_91];

/// Computes sigmoid(x) with an absolute error of at most 2e-7 and, for x > -40, a relative error of at most 4e-6.
///
/// Returns 0 for x below -40, where sigmoid(x) is at most 4e-18. Products of such small values with gradients would be
/// denormal, and denormal arithmetic is a hundred times slower on a CPU. NaN stays NaN.
///
/// Method: exp(-x) = 2^n 2^f with an integer n and |f| <= 1/2. Adding 1.5 * 2^23 to a float rounds it to an integer and leaves
/// that integer in the lowest bits. The exponent's bias of 127 is added in the same step, so that shifting the bits into the
/// exponent gives 2^n.
#[inline(always)]
fn sigmoid<const N: usize, S: Vectors<N>>(s: S, x: S::V) -> S::V {
    const ROUND: f32 = 12_582_912.0 + 127.0;
    let minus_log2_e = s.splat(-std::f32::consts::LOG2_E);
    let lowest = s.splat(-40.0);
    let z = x;
    let x = s.min(s.max(x, lowest), s.splat(87.0));
    let shifted = s.mul_add(x, minus_log2_e, s.splat(ROUND));
    let minus_n = s.sub(s.splat(ROUND), shifted);
    let f = s.mul_add(x, minus_log2_e, minus_n);
    let mut p = s.splat(EXP2[4]);
    for c in [EXP2[3], EXP2[2], EXP2[1], EXP2[0], 1.0] {
        p = s.mul_add(p, f, s.splat(c));
    }
    let one = s.splat(1.0);
    let y = s.div(one, s.mul_add(p, s.shift_into_exponent(shifted), one));
    s.select_greater(lowest, z, s.splat(0.0), y)
}

/// Computes tanh(x) = 2 sigmoid(2 x) - 1 with an absolute error of at most 4e-7.
#[inline(always)]
fn tanh<const N: usize, S: Vectors<N>>(s: S, x: S::V) -> S::V {
    let two = s.splat(2.0);
    s.sub(s.mul(two, sigmoid(s, s.mul(two, x))), s.splat(1.0))
}

/// Replaces each value of `x` by its activation.
///
/// # Panics
/// Panics if the length is not a multiple of [`WIDE`](super::simd::WIDE).
#[inline(always)]
pub(super) fn activate<S: Simd>(s: S, activation: Activation, x: &mut [f32]) {
    let s = s.wide();
    let (x, rest) = x.as_chunks_mut();
    assert!(rest.is_empty());
    for x in x {
        let y = match activation {
            Activation::Sigmoid => sigmoid(s, s.load(x)),
            Activation::Tanh => tanh(s, s.load(x)),
        };
        s.store(y, x);
    }
}

/// The magnitude below which a gradient is set to zero. Smaller gradients do not change any weight. The product of this value
/// and the smallest non-zero activation is still a normal number.
const TINY: f32 = 1e-19;

#[inline(always)]
fn without_tiny<const N: usize, S: Vectors<N>>(s: S, d: S::V) -> S::V {
    let zero = s.splat(0.0);
    let magnitude = s.max(d, s.sub(zero, d));
    // Comparisons with NaN are false, so NaN passes through.
    s.select_greater(s.splat(TINY), magnitude, zero, d)
}

/// Turns gradients of activations into gradients of pre-activations: multiplies each value of `d` by the derivative at the
/// activation `y`, which is `y (1 - y)` for sigmoid and `1 - y * y` for tanh. Results whose magnitude is below [`TINY`] become
/// 0.
///
/// # Panics
/// Panics if the lengths differ or are not a multiple of [`WIDE`](super::simd::WIDE).
#[inline(always)]
pub(super) fn times_slope<S: Simd>(s: S, activation: Activation, y: &[f32], d: &mut [f32]) {
    assert_eq!(y.len(), d.len());
    let s = s.wide();
    let ((y, rest), (d, _)) = (y.as_chunks(), d.as_chunks_mut());
    assert!(rest.is_empty());
    let one = s.splat(1.0);
    for (y, d) in y.iter().zip(d) {
        let y = s.load(y);
        let d_z = match activation {
            Activation::Sigmoid => s.mul(s.mul(s.load(d), y), s.sub(one, y)),
            Activation::Tanh => s.mul(s.load(d), s.sub(one, s.mul(y, y))),
        };
        s.store(without_tiny(s, d_z), d);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::simd::{Kernel, SimdLevel, WIDE};

    struct Activate<'a>(Activation, &'a mut [f32]);

    impl Kernel for Activate<'_> {
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            activate(s, self.0, self.1);
        }
    }

    struct TimesSlope<'a>(Activation, [f32; WIDE], &'a mut [f32; WIDE]);

    impl Kernel for TimesSlope<'_> {
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            times_slope(s, self.0, &self.1, self.2);
        }
    }

    fn activated(level: SimdLevel, activation: Activation, x: &[f32]) -> Vec<f32> {
        let mut y = x.to_vec();
        y.resize(x.len().next_multiple_of(WIDE), 0.0);
        level.run(Activate(activation, &mut y));
        y.truncate(x.len());
        y
    }

    #[test]
    fn derivatives_match_hand_computed_values() {
        for level in SimdLevel::available() {
            for (activation, y, slope) in [
                (Activation::Sigmoid, 0.25, 0.1875),
                (Activation::Sigmoid, 1.0, 0.0),
                (Activation::Tanh, 0.5, 0.75),
                (Activation::Tanh, -1.0, 0.0),
                (Activation::Sigmoid, 1e-20, 0.0),
                (Activation::Tanh, 0.0, 1.0),
            ] {
                let mut d = [2.0; WIDE];
                level.run(TimesSlope(activation, [y; WIDE], &mut d));
                assert_eq!(d, [2.0 * slope; WIDE], "{level}");
            }
        }
    }

    /// Returns every 499th `f32` from 2^-40 to 100 and their negatives, in ascending order.
    fn samples() -> Vec<f32> {
        let bits = (2.0_f32.powi(-40).to_bits()..100.0_f32.to_bits()).step_by(499);
        let above: Vec<f32> = bits.map(f32::from_bits).collect();
        above.iter().rev().map(|x| -x).chain(above.iter().copied()).collect()
    }

    #[test]
    fn activation_error_is_bounded() {
        let x = samples();
        for level in SimdLevel::available() {
            for (x, y) in x.iter().zip(activated(level, Activation::Tanh, &x)) {
                let error = (f64::from(y) - f64::from(*x).tanh()).abs();
                assert!(error <= 4e-7, "{level}: tanh({x}) is off by {error}");
            }
            for (x, y) in x.iter().zip(activated(level, Activation::Sigmoid, &x)) {
                let exact = 1.0 / (1.0 + (-f64::from(*x)).exp());
                let error = (f64::from(y) - exact).abs();
                let is_near = error <= 2e-7 && (error <= 4e-6 * exact || *x <= -40.0);
                assert!(is_near, "{level}: sigmoid({x}) is {exact}, not {y}");
            }
        }
    }

    #[test]
    fn sigmoid_is_monotone_within_rounding() {
        for level in SimdLevel::available() {
            let y = activated(level, Activation::Sigmoid, &samples());
            for pair in y.windows(2) {
                assert!(pair[1] >= pair[0] * (1.0 - 5e-7), "{level}: {} then {}", pair[0], pair[1]);
            }
            assert!(y.iter().all(|y| (0.0..=1.0).contains(y)), "{level}");
        }
    }

    #[test]
    fn activation_special_values_are_exact() {
        const INF: f32 = f32::INFINITY;
        for level in SimdLevel::available() {
            let x = [0.0, -0.0, 20.0, INF, -40.5, -INF, f32::MAX, f32::MIN, f32::NAN];
            let y = activated(level, Activation::Sigmoid, &x);
            assert_eq!(y[..8], [0.5, 0.5, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0], "{level}");
            assert!(y[8].is_nan(), "{level}");
            assert_eq!(activated(level, Activation::Tanh, &[0.0, INF, -INF]), [0.0, 1.0, -1.0]);
        }
    }
}
