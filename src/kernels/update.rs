//! A step of gradient descent on some parameters ([`crate::descent`] has the rule), or their gradients as they are.

use crate::descent::{Muon, Sgd};
use crate::model::range;

use super::simd::{Kernel, LANES, Simd};

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
        /// Where the directions of the large matrices go instead, for [`super::muon`].
        directions: Option<&'a mut [f32]>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bias, which does not decay.
    Bias,
    Weight,
    /// A weight that [`Muon`] moves, where it is used.
    Matrix,
}

impl Kind {
    /// That of tensor `index` of [`crate::model::TENSORS`].
    pub(super) fn of(index: usize) -> Self {
        match index % 2 {
            0 if Muon::moves(index) => Self::Matrix,
            0 => Self::Weight,
            _ => Self::Bias,
        }
    }
}

impl<'a> Target<'a> {
    /// That of the first `count` parameters and that of the others.
    pub(super) fn split_at(self, count: usize) -> (Self, Self) {
        match self {
            Self::Gradients(gradients) => {
                let (first, others) = gradients.split_at_mut(count);
                (Self::Gradients(first), Self::Gradients(others))
            }
            Self::Update { sgd, rate, parameters, velocity, directions } => {
                let (first, others) = parameters.split_at_mut(count);
                let (first_v, others_v) = velocity.map(|v| v.split_at_mut(count)).unzip();
                let (first_d, others_d) = directions.map(|d| d.split_at_mut(count)).unzip();
                let part = |parameters, velocity, directions| Self::Update {
                    sgd,
                    rate,
                    parameters,
                    velocity,
                    directions,
                };
                (part(first, first_v, first_d), part(others, others_v, others_d))
            }
        }
    }

    /// Takes the gradients `g` of the parameters from place `at` on.
    #[inline(always)]
    pub(super) fn take<S: Simd>(&mut self, s: S, at: usize, g: &[f32], kind: Kind) {
        let places = at..at + g.len();
        match self {
            Self::Gradients(gradients) => gradients[places].copy_from_slice(g),
            Self::Update { sgd, rate, parameters, velocity, directions } => {
                let velocity = velocity.as_mut().map(|v| &mut v[places.clone()]);
                let (w, rate, weight_decay) = match (directions, kind) {
                    (Some(directions), Kind::Matrix) => {
                        // From 0, a step of length -1 ends at the direction.
                        let d = &mut directions[places];
                        d.fill(0.0);
                        (d, -1.0, 0.0)
                    }
                    (_, Kind::Bias) => (&mut parameters[places], *rate, 0.0),
                    _ => (&mut parameters[places], *rate, sgd.weight_decay),
                };
                let sgd = Sgd { weight_decay, ..*sgd };
                descend(s, sgd, rate, w, velocity, g);
            }
        }
    }
}

/// A step of some parameters, and of their velocity where there is one.
#[inline(always)]
fn descend<S: Simd>(s: S, sgd: Sgd, rate: f32, w: &mut [f32], v: Option<&mut [f32]>, g: &[f32]) {
    let ((w, w_rest), (g, g_rest)) = (w.as_chunks_mut(), g.as_chunks());
    let (v, v_rest) = v.unwrap_or_default().as_chunks_mut();
    for (i, (w, g)) in w.iter_mut().zip(g).enumerate() {
        descend_vector(s, sgd, rate, w, v.get_mut(i), g);
    }
    if !g_rest.is_empty() {
        let (mut w, mut v) = (padded(w_rest), padded(v_rest));
        let velocity = (!v_rest.is_empty()).then_some(&mut v);
        descend_vector(s, sgd, rate, &mut w, velocity, &padded(g_rest));
        w_rest.copy_from_slice(&w[..w_rest.len()]);
        v_rest.copy_from_slice(&v[..v_rest.len()]);
    }
}

/// `w = w - rate * (g + weight_decay * w)`, or along the velocity or, with Nesterov's momentum, ahead of it.
#[inline(always)]
fn descend_vector<S: Simd>(
    s: S,
    sgd: Sgd,
    rate: f32,
    w: &mut [f32; LANES],
    v: Option<&mut [f32; LANES]>,
    g: &[f32; LANES],
) {
    let weight = s.load(w);
    let mut direction = s.mul_add(s.splat(sgd.weight_decay), weight, s.load(g));
    if let Some(v) = v {
        let momentum = s.splat(sgd.momentum);
        let velocity = s.mul_add(momentum, s.load(v), direction);
        s.store(velocity, v);
        direction = match sgd.nesterov {
            true => s.mul_add(momentum, velocity, direction),
            false => velocity,
        };
    }
    s.store(s.mul_add(s.splat(-rate), direction, weight), w);
}

/// The last values of a row as a whole vector, so that every place is computed alike, wherever rows end.
#[inline(always)]
fn padded(rest: &[f32]) -> [f32; LANES] {
    let mut vector = [0.0; LANES];
    vector[..rest.len()].copy_from_slice(rest);
    vector
}

/// One step on all parameters along their `gradients`.
pub(super) struct Update<'a> {
    pub target: Target<'a>,
    pub gradients: &'a [f32],
}

impl Kernel for Update<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for tensor in 0..10 {
            let places = range(tensor);
            let (at, kind) = (places.start, Kind::of(tensor));
            self.target.take(s, at, &self.gradients[places], kind);
        }
    }
}
