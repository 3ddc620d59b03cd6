//! The update rule of [`Sgd`] on some of the parameters.

use crate::model::TENSORS;
use crate::optim::{Muon, Sgd};

use super::simd::{Simd, Vectors};

/// All parameters or a consecutive part of them, and how to update them.
pub(super) struct ParameterUpdate<'a> {
    /// The update rule.
    pub sgd: Sgd,
    /// Learning rate of this step.
    pub learning_rate: f32,
    /// The parameters.
    pub weights: &'a mut [f32],
    /// Velocity of each parameter, if the rule has momentum.
    pub velocity: Option<&'a mut [f32]>,
}

/// A consecutive part of the parameters, ready to receive its gradients.
pub(super) struct Target<'a> {
    /// The parameters.
    pub parameters: ParameterUpdate<'a>,
    /// Directions of the matrices that [`super::muon`] updates afterwards.
    pub directions: Option<&'a mut [f32]>,
}

impl<'a> Target<'a> {
    /// Splits the target after the first `count` parameters.
    pub(super) fn split_at(self, count: usize) -> (Self, Self) {
        let ParameterUpdate { sgd, learning_rate, weights, velocity } = self.parameters;
        let (first, others) = weights.split_at_mut(count);
        let (first_v, others_v) = velocity.map(|v| v.split_at_mut(count)).unzip();
        let (first_d, others_d) = self.directions.map(|d| d.split_at_mut(count)).unzip();
        let part = |weights, velocity, directions| Self {
            parameters: ParameterUpdate { sgd, learning_rate, weights, velocity },
            directions,
        };
        (part(first, first_v, first_d), part(others, others_v, others_d))
    }

    /// Updates the parameters `at..at + g.len()`, which belong to tensor `tensor` of [`TENSORS`], with their gradients `g`.
    #[inline(always)]
    pub(super) fn update<S: Simd>(&mut self, s: S, at: usize, g: &[f32], tensor: usize) {
        let part = at..at + g.len();
        let ParameterUpdate { sgd, learning_rate, weights, velocity } = &mut self.parameters;
        let velocity = velocity.as_mut().map(|v| &mut v[part.clone()]);
        let is_bias = TENSORS[tensor].shape.len() == 1;
        let (w, learning_rate, weight_decay) = match &mut self.directions {
            Some(directions) if Muon::updates(tensor) => {
                // Updating 0 with learning rate -1 gives 0 - (-1) * d, which is the direction d itself.
                let d = &mut directions[part];
                d.fill(0.0);
                (d, -1.0, 0.0)
            }
            _ => {
                let weight_decay = if is_bias { 0.0 } else { sgd.weight_decay };
                (&mut weights[part], *learning_rate, weight_decay)
            }
        };
        let sgd = Sgd { weight_decay, ..*sgd };
        update(s, sgd, learning_rate, w, velocity, g);
    }
}

/// Updates some parameters and their velocity, if any.
#[inline(always)]
fn update<S: Simd>(
    s: S,
    sgd: Sgd,
    learning_rate: f32,
    w: &mut [f32],
    v: Option<&mut [f32]>,
    g: &[f32],
) {
    let wide = s.wide();
    let ((w, w_rest), (g, g_rest)) = (w.as_chunks_mut(), g.as_chunks());
    let (v, v_rest) = v.unwrap_or_default().as_chunks_mut();
    for (i, (w, g)) in w.iter_mut().zip(g).enumerate() {
        update_vector(wide, sgd, learning_rate, w, v.get_mut(i), g);
    }
    if !g_rest.is_empty() {
        let (mut w, mut v) = (padded(w_rest), padded(v_rest));
        let velocity = (!v_rest.is_empty()).then_some(&mut v);
        update_vector(wide, sgd, learning_rate, &mut w, velocity, &padded(g_rest));
        w_rest.copy_from_slice(&w[..w_rest.len()]);
        v_rest.copy_from_slice(&v[..v_rest.len()]);
    }
}

/// Computes `w = w - learning_rate * d`; see [`crate::optim`] for the direction d.
#[inline(always)]
fn update_vector<const N: usize, S: Vectors<N>>(
    s: S,
    sgd: Sgd,
    learning_rate: f32,
    w: &mut [f32; N],
    v: Option<&mut [f32; N]>,
    g: &[f32; N],
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
    s.store(s.mul_add(s.splat(-learning_rate), direction, weight), w);
}

/// Pads the last values to a whole vector, so that the last values are computed with the same operations as all others.
#[inline(always)]
fn padded<const N: usize>(rest: &[f32]) -> [f32; N] {
    let mut vector = [0.0; N];
    vector[..rest.len()].copy_from_slice(rest);
    vector
}
