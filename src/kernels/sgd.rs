//! The update of weights by stochastic gradient descent, plain or with momentum, and their moving average.
//!
//! Each is one pass over a tensor's values, in place.

use super::simd::{Kernel, LANES, Level, Simd};

/// Weights above which the work is shared. Cut in halves, as the dense layers cut it, a weight stays in the cache of one thread.
const FORK: usize = 20_000;

/// `weight = weight - rate * gradient`, in place; each operation is rounded, as Burn's own are.
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

/// How a step with momentum is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Momentum {
    /// Step size.
    pub rate: f32,
    /// Share of its velocity that a weight keeps.
    pub momentum: f32,
    /// Whether the gradient is taken to be that of where the velocity leads (Nesterov).
    pub nesterov: bool,
}

/// `velocity = momentum * velocity + gradient`, then `weight = weight - rate * velocity` or, with Nesterov's
/// momentum, `weight = weight - rate * (gradient + momentum * velocity)`; in place.
///
/// As in PyTorch without dampening; Sutskever et al. 2013, equations 1 to 4, in the form of Bengio et al. 2012.
///
/// # Panics
/// The lengths do not agree.
pub fn momentum_step(
    level: Level,
    rule: Momentum,
    weight: &mut [f32],
    velocity: &mut [f32],
    gradient: &[f32],
) {
    assert_eq!(weight.len(), gradient.len());
    assert_eq!(velocity.len(), gradient.len());
    level.run(MomentumStep {
        rule,
        weight,
        velocity,
        gradient,
    });
}

/// `average = average + share * (weight - average)`, in place.
///
/// # Panics
/// The lengths do not agree.
pub fn average(level: Level, share: f32, average: &mut [f32], weight: &[f32]) {
    assert_eq!(average.len(), weight.len());
    level.run(Average {
        share,
        average,
        weight,
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
        let rate = s.splat(self.rate);
        let (weights, weights_rest) = self.weight.as_chunks_mut::<LANES>();
        let (gradients, gradients_rest) = self.gradient.as_chunks::<LANES>();
        for (w, g) in weights.iter_mut().zip(gradients) {
            s.store(s.sub(s.load(w), s.mul(rate, s.load(g))), w);
        }
        for (w, g) in weights_rest.iter_mut().zip(gradients_rest) {
            *w -= self.rate * g;
        }
    }
}

struct MomentumStep<'a> {
    rule: Momentum,
    weight: &'a mut [f32],
    velocity: &'a mut [f32],
    gradient: &'a [f32],
}

impl Kernel for MomentumStep<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Momentum {
            rate,
            momentum,
            nesterov,
        } = self.rule;
        let (minus_rate, keep) = (s.splat(-rate), s.splat(momentum));
        let (weights, weights_rest) = self.weight.as_chunks_mut::<LANES>();
        let (velocities, velocities_rest) = self.velocity.as_chunks_mut::<LANES>();
        let (gradients, gradients_rest) = self.gradient.as_chunks::<LANES>();
        for ((w, v), g) in weights.iter_mut().zip(velocities).zip(gradients) {
            let g = s.load(g);
            let moved = s.mul_add(keep, s.load(v), g);
            s.store(moved, v);
            let direction = if nesterov {
                s.mul_add(keep, moved, g)
            } else {
                moved
            };
            s.store(s.mul_add(minus_rate, direction, s.load(w)), w);
        }
        for ((w, v), g) in weights_rest
            .iter_mut()
            .zip(velocities_rest)
            .zip(gradients_rest)
        {
            *v = momentum * *v + g;
            let direction = if nesterov { momentum * *v + g } else { *v };
            *w -= rate * direction;
        }
    }
}

struct Average<'a> {
    share: f32,
    average: &'a mut [f32],
    weight: &'a [f32],
}

impl Kernel for Average<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let share = s.splat(self.share);
        let (averages, averages_rest) = self.average.as_chunks_mut::<LANES>();
        let (weights, weights_rest) = self.weight.as_chunks::<LANES>();
        for (a, w) in averages.iter_mut().zip(weights) {
            let mean = s.load(a);
            s.store(s.mul_add(share, s.sub(s.load(w), mean), mean), a);
        }
        for (a, w) in averages_rest.iter_mut().zip(weights_rest) {
            *a += self.share * (w - *a);
        }
    }
}
