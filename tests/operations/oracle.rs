//! What the operations should compute, by Burn's operations in doubles on the CPU.

use burn::tensor::ops::FloatTensor;
use burn_ndarray::NdArray;
use lenet::data::{Pass, View};
use lenet::descent::Sgd;
use lenet::model::Activation;
use lenet::ops::{Parameters, Score, reference};

use super::{read, upload};

type B = NdArray<f64>;

/// The outputs.
pub fn outputs(activation: Activation, parameters: &[f32], images: View<'_>) -> Vec<f32> {
    let parameters = upload::<B>(parameters, &Default::default());
    read::<B>(reference::outputs::<B>(activation, parameters, images))
}

/// Losses, right answers, gradients.
pub fn gradients(activation: Activation, parameters: &[f32], images: View<'_>) -> [Vec<f32>; 3] {
    let parameters = upload::<B>(parameters, &Default::default());
    let found = reference::gradients::<B>(activation, parameters, images);
    [found.losses, found.correct, found.gradients].map(read::<B>)
}

/// A step of gradient descent.
pub fn update(
    sgd: Sgd,
    rate: f32,
    parameters: &[f32],
    velocity: Option<&[f32]>,
    gradients: &[f32],
) -> (Vec<f32>, Option<Vec<f32>>) {
    let up = |values: &[f32]| upload::<B>(values, &Default::default());
    let velocity = velocity.map(up);
    let (parameters, velocity) =
        reference::update::<B>(sgd, rate, up(parameters), velocity, up(gradients));
    (read::<B>(parameters), velocity.map(read::<B>))
}

/// A training over a whole pass, never rounded to less than doubles.
pub fn train(
    activation: Activation,
    sgd: Sgd,
    start: &Parameters,
    pass: &Pass,
    rates: &[f32],
) -> (Vec<Score>, Parameters) {
    let up = |values: &Vec<f32>| upload::<B>(values, &Default::default());
    let mut parameters: FloatTensor<B> = up(&start.values);
    let mut velocity = start.velocity.as_ref().map(up);
    let mut scores = Vec::new();
    for (batch, rate) in rates.iter().enumerate() {
        let images = pass.batch(batch);
        let found = reference::gradients::<B>(activation, parameters.clone(), images);
        let (losses, correct) = (read::<B>(found.losses), read::<B>(found.correct));
        scores.extend(losses.iter().zip(correct).map(|(loss, correct)| Score {
            loss: *loss,
            is_correct: correct == 1.0,
        }));
        (parameters, velocity) =
            reference::update::<B>(sgd, *rate, parameters, velocity, found.gradients);
    }
    let end = Parameters {
        values: read::<B>(parameters),
        velocity: velocity.map(read::<B>),
    };
    (scores, end)
}
