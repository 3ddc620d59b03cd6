//! The update of weights by stochastic gradient descent.

use super::simd::{Kernel, LANES, Level, Simd};

/// Weights above which the work is shared. Cut in halves, as the dense layers cut it, a weight stays in the cache of one thread.
const FORK: usize = 20_000;

/// `weight = weight - rate * gradient`, in place.
///
/// # Panics
/// The lengths do not agree.
pub fn step(level: Level, rate: f32, weight: &mut [f32], gradient: &[f32]) {
    assert_eq!(weight.len(), gradient.len());
    if weight.len() > FORK {
        let half = (weight.len() / 2).next_multiple_of(LANES);
        let (weight, gradient) = (weight.split_at_mut(half), gradient.split_at(half));
        rayon::join(
            || step(level, rate, weight.0, gradient.0),
            || step(level, rate, weight.1, gradient.1),
        );
        return;
    }
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
