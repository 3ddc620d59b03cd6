//! The update rule of [`Sgd`] for one parameter.

use cubecl::prelude::*;

use super::fours::is_between;
use super::layout::{SLOT, epoch as words};
use super::muon;
use crate::model::OFFSETS;
use crate::optim::Sgd;

/// The part of an update rule that decides which code runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UpdateRule {
    has_momentum: bool,
    is_nesterov: bool,
    pub has_muon: bool,
}

impl From<Sgd> for UpdateRule {
    fn from(sgd: Sgd) -> Self {
        Self {
            has_momentum: sgd.slots() > 0,
            is_nesterov: sgd.nesterov,
            has_muon: sgd.muon.is_some(),
        }
    }
}

/// Updates the velocity of a parameter, and then the parameter. If [`Muon`](crate::optim::Muon) updates the parameter, writes
/// the direction for Muon instead of updating the parameter.
#[cube]
pub fn update_parameter(
    parameters: &mut Array<f32>,
    epoch: &Array<u32>,
    parameter: usize,
    gradient: f32,
    learning_rate: f32,
    #[comptime] rule: UpdateRule,
) {
    let mut direction_at = 0usize;
    if comptime!(rule.has_muon) {
        direction_at = muon::direction_index(parameter);
    }
    let has_muon = direction_at > 0;
    let value = parameters[parameter];
    let has_no_decay = is_bias(parameter) || has_muon;
    let weight_decay = select(has_no_decay, 0.0f32, f32::reinterpret(epoch[words::WEIGHT_DECAY]));
    let gradient = gradient + weight_decay * value;
    let mut direction = gradient;
    if comptime!(rule.has_momentum) {
        let momentum = f32::reinterpret(epoch[words::MOMENTUM]);
        let velocity = momentum * parameters[SLOT + parameter] + gradient;
        parameters[SLOT + parameter] = velocity;
        direction = velocity;
        if comptime!(rule.is_nesterov) {
            direction = gradient + momentum * velocity;
        }
    }
    if has_muon {
        parameters[direction_at] = direction;
    } else {
        parameters[parameter] = value - learning_rate * direction;
    }
}

/// Returns the learning rate of the minibatch whose last image precedes [`words::NEXT`].
#[cube]
pub fn learning_rate(epoch: &Array<u32>) -> f32 {
    let batch = (epoch[words::NEXT] as usize - 1) / epoch[words::BATCH_SIZE] as usize;
    f32::reinterpret(epoch[words::LEARNING_RATES + batch])
}

#[cube]
fn is_bias(parameter: usize) -> bool {
    let mut is_bias = parameter >= comptime!(OFFSETS[9]);
    #[unroll]
    for layer in 0..4usize {
        let from = comptime!(OFFSETS[2 * layer + 1]);
        let to = comptime!(OFFSETS[2 * layer + 2]);
        is_bias = is_bias || is_between(parameter, from, to);
    }
    is_bias
}
