//! The update of weights by stochastic gradient descent.

use super::simd::{Kernel, LANES, Level, Simd};

/// `weight = weight - rate * gradient`, in place.
///
/// # Panics
/// The lengths do not agree.
pub fn step(level: Level, rate: f32, weight: &mut [f32], gradient: &[f32]) {
    assert_eq!(weight.len(), gradient.len());
    level.run(Step {
        rate,
        weight,
        gradient,
    });
}

struct Step<'a> {
    rate: f32,
    weight: &'a mut [f32],
    gradient: &'a [f32],
}

impl Kernel for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let minus_rate = s.splat(-self.rate);
        let (weights, weights_rest) = self.weight.as_chunks_mut::<LANES>();
        let (gradients, gradients_rest) = self.gradient.as_chunks::<LANES>();
        for (w, g) in weights.iter_mut().zip(gradients) {
            s.store(s.mul_add(minus_rate, s.load(g), s.load(w)), w);
        }
        for (w, g) in weights_rest.iter_mut().zip(gradients_rest) {
            *w -= self.rate * g;
        }
    }
}
