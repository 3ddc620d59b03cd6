//! Trainings on the GPU: again, gone on with, of batches that fit no buffer, read whenever it pleases.

use std::ops::Range;

use burn_wgpu::{Wgpu, WgpuDevice};
use lenet::backend::{LeNetBackend, Parameters, Trainer};
use lenet::data::{Batches, Scaling};
use lenet::model::{Activation, PARAMETERS, SampleResult, Weights};
use lenet::optim::{Schedule, Sgd};

use super::device;
use super::plain::Plain;
use super::support::{largest_difference, noise, relative_difference, table};

type Training = <Wgpu as LeNetBackend>::Trainer;

const SGD: Sgd = Sgd { momentum: 0.9, nesterov: true, weight_decay: 1e-3, muon: None };

pub fn start(sgd: Sgd) -> Parameters {
    let weights = Weights::initial(11, 1.0).for_activation(Activation::Tanh);
    Parameters::new(&weights, sgd)
}

fn rates(pass: &Batches) -> Vec<f32> {
    let schedule = Schedule::Linear { warm_up: 0.3 };
    let steps = pass.batches();
    let rates = (0..steps).map(|step| (0.05 * schedule.factor(step, steps)) as f32);
    rates.collect()
}

/// The scores of some batches of a pass, and what it comes to.
fn train(
    device: &WgpuDevice,
    start: &Parameters,
    pass: &Batches,
    batches: Range<usize>,
) -> (Vec<SampleResult>, Parameters) {
    let mut training = Training::new(Activation::Tanh, SGD, start, device);
    training.begin(pass.clone(), rates(pass), batches.start);
    batches.for_each(|_| training.step());
    (training.scores().unwrap(), training.parameters().unwrap())
}

#[test]
fn the_same_training_has_the_same_bits_and_so_has_one_that_was_left_after_any_batch() {
    let Some(device) = device() else { return };
    let pass = noise(60, 9, Scaling::STANDARD);
    let begin = start(SGD);
    let whole = train(device, &begin, &pass, 0..7);
    assert_eq!(train(device, &begin, &pass, 0..7), whole);
    for left in 1..7 {
        let (mut scores, middle) = train(device, &begin, &pass, 0..left);
        let (rest, end) = train(device, &middle, &pass, left..7);
        scores.extend(rest);
        assert_eq!((scores, end), whole, "left after {left}");
    }
}

#[test]
fn a_batch_of_more_images_than_are_done_at_a_time_is_one_batch() {
    let Some(device) = device() else { return };
    let pass = noise(2070, 1030, Scaling::STANDARD);
    let rates = rates(&pass);
    for sgd in [SGD, Sgd::default()] {
        let begin = start(sgd);
        let mut training = Training::new(Activation::Tanh, sgd, &begin, device);
        training.begin(pass.clone(), rates.clone(), 0);
        let mut plain = Plain::new(Activation::Tanh, &begin.values);
        let (mut velocity, mut losses) = (vec![0.0; PARAMETERS], vec![]);
        for (step, rate) in rates.iter().enumerate() {
            training.step();
            let found = plain.gradients(pass.batch(step));
            losses.extend(found.losses.iter().map(|loss| *loss as f32));
            plain.descend(sgd, f64::from(*rate), &mut velocity, &found.gradients);
        }
        let scores = training.scores().unwrap();
        let found: Vec<f32> = scores.iter().map(|score| score.loss).collect();
        let name = "the GPU's trainer";
        let difference = largest_difference(&found, &losses);
        table(name, "losses of batches of 1030", difference, 1e-5);
        let end = training.parameters().unwrap();
        let expected: Vec<f32> = plain.parameters.iter().map(|x| *x as f32).collect();
        let difference = largest_difference(&end.values, &expected);
        table(name, "parameters after batches of 1030", difference, 1e-6);
        if let Some(found) = end.velocity {
            let expected: Vec<f32> = velocity.iter().map(|x| *x as f32).collect();
            let (relative, tensor) = relative_difference(&found, &expected);
            let what = format!("velocity after batches of 1030, relative ({tensor})");
            table(name, &what, relative, 1e-4);
        }
    }
}

#[test]
fn scores_come_once_whenever_they_are_asked_for() {
    let Some(device) = device() else { return };
    let pass = noise(30, 9, Scaling::STANDARD);
    let new = || Training::new(Activation::Tanh, SGD, &start(SGD), device);
    let (mut training, mut at_once) = (new(), new());
    assert_eq!(training.scores().unwrap(), []);
    let mut all = Vec::new();
    for _ in 0..2 {
        training.begin(pass.clone(), rates(&pass), 0);
        at_once.begin(pass.clone(), rates(&pass), 0);
        for step in 0..4 {
            training.step();
            at_once.step();
            if step % 3 == 1 {
                all.extend(training.scores().unwrap());
                assert_eq!(training.scores().unwrap(), []);
            }
        }
    }
    all.extend(training.scores().unwrap());
    assert_eq!(all.len(), 60);
    assert_eq!(at_once.scores().unwrap(), all);
    assert_eq!(training.parameters().unwrap(), at_once.parameters().unwrap());
}

#[test]
fn outputs_of_0_and_1_have_a_finite_loss_and_no_gradient() {
    let Some(device) = device() else { return };
    let pass = noise(16, 16, Scaling::STANDARD);
    let by = super::Backend::<Wgpu>(device.clone());
    for activation in [Activation::Sigmoid, Activation::Tanh] {
        let mut weights = Weights::initial(6, 1.0).for_activation(activation);
        // A tanh reaches its ends at half the sum.
        let biases = [-300.0, 300.0, -90.0, 90.0, 30.0, -30.0, 0.0, 0.1, -0.1, 5.0];
        weights.tensors_mut()[9].copy_from_slice(&biases);
        let parameters = weights.to_parameters();
        let found = super::Implementation::gradients(&by, activation, &parameters, pass.batch(0));
        let expected = Plain::new(activation, &parameters).gradients(pass.batch(0));
        let losses: Vec<f32> = expected.losses.iter().map(|loss| *loss as f32).collect();
        let difference = largest_difference(&found.losses, &losses);
        table("the GPU's kernels", "losses of outputs of 0 and 1", difference, 1e-4);
        let biases = &found.gradients[PARAMETERS - 10..];
        let is_clipped: Vec<bool> = biases.iter().map(|gradient| *gradient == 0.0).collect();
        assert_eq!(is_clipped[..9], [true, true, true, true, true, true, false, false, false]);
        assert!(found.gradients.iter().all(|gradient| gradient.is_finite()));
    }
}
