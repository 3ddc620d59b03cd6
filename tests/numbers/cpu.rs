//! The CPU's kernels at a level as an implementation.

use lenet::backend::Parameters;
use lenet::backend::cpu::{self, SimdLevel, Stepper};
use lenet::data::Minibatch;
use lenet::model::{Activation, PARAMETERS};
use lenet::optim::Sgd;

use super::implementation::{Found, Implementation};

/// The CPU's kernels at a level.
pub struct Cpu(pub SimdLevel);

impl Implementation for Cpu {
    fn name(&self) -> String {
        format!("kernels, {}", self.0)
    }
    fn outputs(
        &self,
        activation: Activation,
        parameters: &[f32],
        images: Minibatch<'_>,
    ) -> Vec<f32> {
        cpu::outputs(self.0, activation, parameters, images)
    }
    fn gradients(
        &self,
        activation: Activation,
        parameters: &[f32],
        images: Minibatch<'_>,
    ) -> Found {
        let (mut stepper, mut gradients) = (Stepper::default(), vec![f32::NAN; PARAMETERS]);
        stepper.gradients(self.0, activation, parameters, images, &mut gradients);
        Found {
            losses: stepper.scores().map(|score| score.loss).collect(),
            correct: stepper.scores().map(|score| f32::from(score.is_correct)).collect(),
            gradients,
        }
    }
    fn update(&self, sgd: Sgd, rate: f32, parameters: &mut Parameters, gradients: &[f32]) {
        parameters.descent(sgd, rate).update(self.0, gradients);
    }
}
