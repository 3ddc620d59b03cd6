//! The CPU's kernels at a level as an implementation.

use lenet::data::View;
use lenet::descent::Sgd;
use lenet::kernels::{self, Level, Stepper};
use lenet::model::{Activation, PARAMETERS};
use lenet::ops::Parameters;

use super::implementation::{Found, Implementation};

/// The CPU's kernels at a level.
pub struct Cpu(pub Level);

impl Implementation for Cpu {
    fn name(&self) -> String {
        format!("kernels, {}", self.0)
    }
    fn outputs(&self, activation: Activation, parameters: &[f32], images: View<'_>) -> Vec<f32> {
        kernels::outputs(self.0, activation, parameters, images)
    }
    fn gradients(&self, activation: Activation, parameters: &[f32], images: View<'_>) -> Found {
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
