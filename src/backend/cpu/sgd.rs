//! A step of gradient descent on all parameters or a run of them: [`crate::optim`] has the rule.

use crate::model::range;
use crate::optim::{Muon, Sgd};

use super::muon::NewtonSchulz;
use super::simd::{Kernel, LANES, Simd, SimdLevel};

/// What a step of gradient descent transforms, and how.
#[derive(Debug)]
pub struct ParameterUpdate<'a> {
    /// The rule.
    pub sgd: Sgd,
    /// The learning rate of this step.
    pub rate: f32,
    /// All parameters.
    pub parameters: &'a mut [f32],
    /// The velocity of each, where there is momentum.
    pub velocity: Option<&'a mut [f32]>,
}

impl<'a> ParameterUpdate<'a> {
    /// A step along `gradients`.
    ///
    /// # Panics
    /// A slice has not [`PARAMETERS`](crate::model::PARAMETERS) values.
    pub fn update(self, level: SimdLevel, gradients: &[f32]) {
        self.apply(level, &mut NewtonSchulz::default(), |target| {
            level.run(Update { target, gradients });
        });
    }

    /// The step whose gradients `give` hands over.
    pub(super) fn apply(
        self,
        level: SimdLevel,
        orthogonal: &mut NewtonSchulz,
        give: impl FnOnce(Target<'_>),
    ) {
        let Self { sgd, rate, parameters, velocity } = self;
        let directions = sgd.muon.is_some().then(|| orthogonal.directions());
        let descent = ParameterUpdate { sgd, rate, parameters: &mut *parameters, velocity };
        give(Target { descent, directions });
        if let Some(muon) = sgd.muon {
            orthogonal.step(level, muon, rate, parameters);
        }
    }
}

/// Where the gradients of a run of parameters go.
pub(super) struct Target<'a> {
    pub descent: ParameterUpdate<'a>,
    /// Where the directions of the large matrices go instead, for [`super::muon`].
    pub directions: Option<&'a mut [f32]>,
}

impl<'a> Target<'a> {
    /// The gradients themselves: from 0, a step of length -1 ends at them.
    pub(super) fn keep(gradients: &'a mut [f32]) -> Self {
        gradients.fill(0.0);
        let (sgd, rate) = (Sgd::default(), -1.0);
        let descent = ParameterUpdate { sgd, rate, parameters: gradients, velocity: None };
        Self { descent, directions: None }
    }

    /// That of the first `count` parameters and that of the others.
    pub(super) fn split_at(self, count: usize) -> (Self, Self) {
        let ParameterUpdate { sgd, rate, parameters, velocity } = self.descent;
        let (first, others) = parameters.split_at_mut(count);
        let (first_v, others_v) = velocity.map(|v| v.split_at_mut(count)).unzip();
        let (first_d, others_d) = self.directions.map(|d| d.split_at_mut(count)).unzip();
        let part = |parameters, velocity, directions| Self {
            descent: ParameterUpdate { sgd, rate, parameters, velocity },
            directions,
        };
        (part(first, first_v, first_d), part(others, others_v, others_d))
    }

    /// Takes the gradients `g` of the parameters from place `at` on, which are of tensor `tensor` of
    /// [`crate::model::TENSORS`].
    #[inline(always)]
    pub(super) fn take<S: Simd>(&mut self, s: S, at: usize, g: &[f32], tensor: usize) {
        let places = at..at + g.len();
        let ParameterUpdate { sgd, rate, parameters, velocity } = &mut self.descent;
        let velocity = velocity.as_mut().map(|v| &mut v[places.clone()]);
        let is_bias = tensor % 2 == 1;
        let (w, rate, weight_decay) = match &mut self.directions {
            Some(directions) if Muon::moves(tensor) => {
                // As in `keep`.
                let d = &mut directions[places];
                d.fill(0.0);
                (d, -1.0, 0.0)
            }
            _ => (&mut parameters[places], *rate, if is_bias { 0.0 } else { sgd.weight_decay }),
        };
        let sgd = Sgd { weight_decay, ..*sgd };
        descend(s, sgd, rate, w, velocity, g);
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

/// A step on all parameters along their `gradients`.
struct Update<'a> {
    target: Target<'a>,
    gradients: &'a [f32],
}

impl Kernel for Update<'_> {
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for tensor in 0..10 {
            let places = range(tensor);
            self.target.take(s, places.start, &self.gradients[places], tensor);
        }
    }
}
