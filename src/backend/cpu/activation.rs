//! The activations, the logistic function 1 / (1 + exp(-x)) and tanh, with their slopes; eight lanes at a time.

use crate::model::Activation;

use super::simd::Simd;

/// The minimax polynomial 1 + f (c1 + f (c2 + ...)) of 2^f on [-1/2, 1/2]: of all with five coefficients, the one with the least
/// greatest relative error, 9.2e-8, found by the Remez exchange algorithm in 40-digit arithmetic (its 1 is fixed, for sigmoid(0)
/// to be exactly 1/2).
#[allow(
    clippy::approx_constant,
    clippy::excessive_precision,
    reason = "the polynomial's coefficients, the first of which is near ln 2"
)]
const EXP2: [f32; 5] =
    [0.693_146_977_6, 0.240_222_420_9, 0.055_507_337_4, 0.009_671_512_6, 0.001_326_472_91];

/// sigmoid(x), at most 2e-7 from the true value; relative to it, at most 4e-6 where x > -40.
///
/// Below -40 it is 0, which is 4e-18 away: numbers so small that their products with gradients have no full precision any
/// more take a CPU a hundred times as long. A NaN stays one.
///
/// Method: exp(-x) = 2^n 2^f with n whole and |f| <= 1/2. Adding 1.5 * 2^23 rounds to a whole number and leaves it in the lowest
/// bits; 127, the exponent's bias, is added along with it, so a shift makes 2^n of it.
#[inline(always)]
fn sigmoid<S: Simd>(s: S, x: S::V) -> S::V {
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

/// tanh(x) = 2 sigmoid(2 x) - 1, at most 4e-7 from the true value.
#[inline(always)]
fn tanh<S: Simd>(s: S, x: S::V) -> S::V {
    let two = s.splat(2.0);
    s.sub(s.mul(two, sigmoid(s, s.mul(two, x))), s.splat(1.0))
}

/// Replaces each value of `x` by its activation.
///
/// # Panics
/// The length is no multiple of a vector's.
#[inline(always)]
pub(super) fn activate<S: Simd>(s: S, activation: Activation, x: &mut [f32]) {
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

/// A gradient this small moves no weight. Times the smallest activation it is still a number of full precision.
const TINY: f32 = 1e-19;

#[inline(always)]
fn without_tiny<S: Simd>(s: S, d: S::V) -> S::V {
    let zero = s.splat(0.0);
    let magnitude = s.max(d, s.sub(zero, d));
    // Of a NaN nothing is true, so that it stays.
    s.select_greater(s.splat(TINY), magnitude, zero, d)
}

/// Brings gradients from behind an activation to before it: each value of `d` times the activation's slope at the value
/// of `y`, which is the activation's result: `y (1 - y)` for sigmoid, `1 - y * y` for tanh. What is nearer to 0 than
/// [`TINY`] becomes 0.
///
/// # Panics
/// The lengths differ or are no multiple of a vector's.
#[inline(always)]
pub(super) fn times_slope<S: Simd>(s: S, activation: Activation, y: &[f32], d: &mut [f32]) {
    assert_eq!(y.len(), d.len());
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
    use crate::backend::cpu::simd::{Kernel, LANES, SimdLevel};

    struct Activate<'a>(Activation, &'a mut [f32]);

    impl Kernel for Activate<'_> {
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            activate(s, self.0, self.1);
        }
    }

    struct TimesSlope<'a>(Activation, [f32; LANES], &'a mut [f32; LANES]);

    impl Kernel for TimesSlope<'_> {
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            times_slope(s, self.0, &self.1, self.2);
        }
    }

    fn activated(level: SimdLevel, activation: Activation, x: &[f32]) -> Vec<f32> {
        let mut y = x.to_vec();
        y.resize(x.len().next_multiple_of(LANES), 0.0);
        level.run(Activate(activation, &mut y));
        y.truncate(x.len());
        y
    }

    #[test]
    fn slopes_are_the_derivatives() {
        for level in SimdLevel::available() {
            for (activation, y, slope) in [
                (Activation::Sigmoid, 0.25, 0.1875),
                (Activation::Sigmoid, 1.0, 0.0),
                (Activation::Tanh, 0.5, 0.75),
                (Activation::Tanh, -1.0, 0.0),
                (Activation::Sigmoid, 1e-20, 0.0),
                (Activation::Tanh, 0.0, 1.0),
            ] {
                let mut d = [2.0; LANES];
                level.run(TimesSlope(activation, [y; LANES], &mut d));
                assert_eq!(d, [2.0 * slope; LANES], "{level}");
            }
        }
    }

    /// Every 499th `f32` from 2^-40 to 100, and the same below zero, in order.
    fn samples() -> Vec<f32> {
        let bits = (2.0_f32.powi(-40).to_bits()..100.0_f32.to_bits()).step_by(499);
        let above: Vec<f32> = bits.map(f32::from_bits).collect();
        above.iter().rev().map(|x| -x).chain(above.iter().copied()).collect()
    }

    #[test]
    fn errors_stay_within_the_stated_bounds() {
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
    fn it_never_falls_by_more_than_a_rounding_and_stays_within_0_and_1() {
        for level in SimdLevel::available() {
            let y = activated(level, Activation::Sigmoid, &samples());
            for pair in y.windows(2) {
                assert!(pair[1] >= pair[0] * (1.0 - 5e-7), "{level}: {} then {}", pair[0], pair[1]);
            }
            assert!(y.iter().all(|y| (0.0..=1.0).contains(y)), "{level}");
        }
    }

    #[test]
    fn special_values_are_exact() {
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
