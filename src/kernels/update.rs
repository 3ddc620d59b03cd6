//! A step of gradient descent on some parameters ([`crate::descent`] has the rule), or their gradients as they are.

use crate::descent::Sgd;
use crate::model::range;

use super::simd::{Kernel, LANES, Level, Simd};

/// Where gradients of a run of parameters go.
pub(super) enum Target<'a> {
    /// They are kept.
    Gradients(&'a mut [f32]),
    /// They change the parameters, and the velocity where there is one.
    Update {
        sgd: Sgd,
        rate: f32,
        parameters: &'a mut [f32],
        velocity: Option<&'a mut [f32]>,
    },
}

impl<'a> Target<'a> {
    /// That of the first `count` parameters and that of the others.
    pub(super) fn split_at(self, count: usize) -> (Self, Self) {
        match self {
            Self::Gradients(gradients) => {
                let (first, others) = gradients.split_at_mut(count);
                (Self::Gradients(first), Self::Gradients(others))
            }
            Self::Update {
                sgd,
                rate,
                parameters,
                velocity,
            } => {
                let (first, others) = parameters.split_at_mut(count);
                let (first_v, others_v) = velocity.map(|v| v.split_at_mut(count)).unzip();
                let part = |parameters, velocity| Self::Update {
                    sgd,
                    rate,
                    parameters,
                    velocity,
                };
                (part(first, first_v), part(others, others_v))
            }
        }
    }

    /// Takes the gradients `g` of the parameters from place `at` on; `decays` where weight decay applies.
    #[inline(always)]
    pub(super) fn take<S: Simd>(&mut self, s: S, at: usize, g: &[f32], decays: bool) {
        match self {
            Self::Gradients(gradients) => gradients[at..at + g.len()].copy_from_slice(g),
            Self::Update {
                sgd,
                rate,
                parameters,
                velocity,
            } => {
                let decay = if decays { sgd.weight_decay } else { 0.0 };
                let w = &mut parameters[at..at + g.len()];
                match velocity {
                    None => descend(s, *rate, decay, w, g),
                    Some(velocity) => {
                        let v = &mut velocity[at..at + g.len()];
                        descend_with_momentum(s, *sgd, *rate, decay, w, v, g);
                    }
                }
            }
        }
    }
}

/// Calls `on` for whole vectors of the slices, and for the rest padded by zeros: every place is computed alike, wherever the
/// slices begin and end.
#[inline(always)]
fn by_lanes<const N: usize>(slices: [&mut [f32]; N], g: &[f32], mut on: impl FnMut([&mut [f32; LANES]; N], &[f32; LANES])) {
    let whole = g.len() / LANES * LANES;
    let mut slices = slices;
    for at in (0..whole).step_by(LANES) {
        let vectors = slices.each_mut().map(|slice| super::lanes_mut(slice, at));
        on(vectors, super::lanes(g, at));
    }
    let rest = g.len() - whole;
    if rest > 0 {
        let mut padded = [[0.0; LANES]; N];
        let mut padded_g = [0.0; LANES];
        padded_g[..rest].copy_from_slice(&g[whole..]);
        for (to, slice) in padded.iter_mut().zip(&slices) {
            to[..rest].copy_from_slice(&slice[whole..]);
        }
        on(padded.each_mut(), &padded_g);
        for (from, slice) in padded.iter().zip(&mut slices) {
            slice[whole..].copy_from_slice(&from[..rest]);
        }
    }
}

/// `w = w - rate * (g + decay * w)`.
#[inline(always)]
fn descend<S: Simd>(s: S, rate: f32, decay: f32, w: &mut [f32], g: &[f32]) {
    let (minus_rate, decay) = (s.splat(-rate), s.splat(decay));
    by_lanes([w], g, |[w], g| {
        let weight = s.load(w);
        let g = s.mul_add(decay, weight, s.load(g));
        s.store(s.mul_add(minus_rate, g, weight), w);
    });
}

/// As [`descend`], along the velocity or, with Nesterov's momentum, ahead of it.
#[inline(always)]
fn descend_with_momentum<S: Simd>(
    s: S,
    sgd: Sgd,
    rate: f32,
    decay: f32,
    w: &mut [f32],
    v: &mut [f32],
    g: &[f32],
) {
    let (minus_rate, momentum) = (s.splat(-rate), s.splat(sgd.momentum));
    let decay = s.splat(decay);
    by_lanes([w, v], g, |[w, v], g| {
        let weight = s.load(w);
        let g = s.mul_add(decay, weight, s.load(g));
        let velocity = s.mul_add(momentum, s.load(v), g);
        s.store(velocity, v);
        let direction = match sgd.nesterov {
            true => s.mul_add(momentum, velocity, g),
            false => velocity,
        };
        s.store(s.mul_add(minus_rate, direction, weight), w);
    });
}

/// One step on all parameters along their `gradients`.
pub(super) fn update(level: Level, target: Target<'_>, gradients: &[f32]) {
    level.run(Update { target, gradients });
}

struct Update<'a> {
    target: Target<'a>,
    gradients: &'a [f32],
}

impl Kernel for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for tensor in 0..10 {
            let places = range(tensor);
            let (at, is_weight) = (places.start, tensor % 2 == 0);
            self.target.take(s, at, &self.gradients[places], is_weight);
        }
    }
}
