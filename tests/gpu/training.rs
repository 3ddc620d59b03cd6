//! Training runs on the GPU: repeated, resumed, with minibatches that take several launches, and with results read at any time.

use std::ops::Range;

use burn_wgpu::{Wgpu, WgpuDevice};
use lenet::backend::gpu::GpuTrainer;
use lenet::backend::{Parameters, Trainer};
use lenet::data::{Batches, Scaling};
use lenet::model::{Activation, PARAMETERS, SampleResult, Weights, range};
use lenet::optim::{Schedule, Sgd};

use super::device;
use super::implementation::{Implementation, Kernels};
use super::plain::Plain;
use super::support::{f32s, largest_difference, noise, relative_difference, table};

const SGD: Sgd = Sgd { momentum: 0.9, nesterov: true, weight_decay: 1e-3, muon: None };

pub fn start(sgd: Sgd) -> Parameters {
    let weights = Weights::initial(11, 1.0).for_activation(Activation::Tanh);
    Parameters::new(weights, sgd)
}

fn learning_rates(batches: &Batches) -> Vec<f32> {
    let schedule = Schedule::Linear { warm_up: 0.3 };
    let steps = batches.batches();
    (0..steps).map(|step| (0.05 * schedule.factor(step, steps)) as f32).collect()
}

/// Trains on the minibatches `part` of an epoch, and returns the results and the final parameters.
fn train(
    device: &WgpuDevice,
    start: &Parameters,
    batches: &Batches,
    part: Range<usize>,
) -> (Vec<SampleResult>, Parameters) {
    let mut trainer = GpuTrainer::new(Activation::Tanh, SGD, start, device);
    trainer.start_epoch(batches.clone(), learning_rates(batches), part.start);
    part.for_each(|_| trainer.step());
    (trainer.results().unwrap(), trainer.parameters().unwrap())
}

#[test]
fn resumed_training_is_bit_identical() {
    let Some(device) = device() else { return };
    let batches = noise(60, 9, Scaling::STANDARD);
    let start = start(SGD);
    let complete = train(device, &start, &batches, 0..7);
    assert_eq!(train(device, &start, &batches, 0..7), complete);
    for stop in 1..7 {
        let (mut results, middle) = train(device, &start, &batches, 0..stop);
        let (rest, end) = train(device, &middle, &batches, stop..7);
        results.extend(rest);
        assert_eq!((results, end), complete, "stopped after {stop}");
    }
}

#[test]
fn large_batch_matches_f64() {
    // A minibatch of 1,030 images takes two launches.
    let Some(device) = device() else { return };
    let batches = noise(2070, 1030, Scaling::STANDARD);
    let learning_rates = learning_rates(&batches);
    for sgd in [SGD, Sgd::default()] {
        let start = start(sgd);
        let mut trainer = GpuTrainer::new(Activation::Tanh, sgd, &start, device);
        trainer.start_epoch(batches.clone(), learning_rates.clone(), 0);
        let mut plain = Plain::new(Activation::Tanh, start.weights.values());
        let (mut velocity, mut losses) = (vec![0.0; PARAMETERS], vec![]);
        for (step, rate) in learning_rates.iter().enumerate() {
            trainer.step();
            let found = plain.gradients(batches.batch(step));
            losses.extend(f32s(&found.losses));
            plain.update(sgd, f64::from(*rate), &mut velocity, &found.gradients);
        }
        let results = trainer.results().unwrap();
        let found: Vec<f32> = results.iter().map(|result| result.loss).collect();
        let name = "GPU trainer";
        let difference = largest_difference(&found, &losses);
        table(name, "losses of batches of 1030", difference, 1e-5);
        let end = trainer.parameters().unwrap();
        let difference = largest_difference(end.weights.values(), &f32s(&plain.parameters));
        table(name, "parameters after batches of 1030", difference, 1e-6);
        for slot in &end.slots {
            let (relative, tensor) = relative_difference(slot.values(), &f32s(&velocity));
            let what = format!("velocity after batches of 1030, relative ({tensor})");
            table(name, &what, relative, 1e-4);
        }
    }
}

#[test]
fn results_can_be_read_between_steps() {
    let Some(device) = device() else { return };
    let batches = noise(30, 9, Scaling::STANDARD);
    let new = || GpuTrainer::new(Activation::Tanh, SGD, &start(SGD), device);
    let (mut trainer, mut reads_once) = (new(), new());
    assert_eq!(trainer.results().unwrap(), []);
    let mut all = Vec::new();
    for _ in 0..2 {
        trainer.start_epoch(batches.clone(), learning_rates(&batches), 0);
        reads_once.start_epoch(batches.clone(), learning_rates(&batches), 0);
        for step in 0..4 {
            trainer.step();
            reads_once.step();
            if step % 3 == 1 {
                all.extend(trainer.results().unwrap());
                assert_eq!(trainer.results().unwrap(), []);
            }
        }
    }
    all.extend(trainer.results().unwrap());
    assert_eq!(all.len(), 60);
    assert_eq!(reads_once.results().unwrap(), all);
    assert_eq!(trainer.parameters().unwrap(), reads_once.parameters().unwrap());
}

#[test]
fn clipped_outputs_have_no_gradient() {
    let Some(device) = device() else { return };
    let batches = noise(16, 16, Scaling::STANDARD);
    let by = Kernels::<Wgpu>(device.clone());
    for activation in [Activation::Sigmoid, Activation::Tanh] {
        let mut weights = Weights::initial(6, 1.0).for_activation(activation);
        // Tanh saturates at half the pre-activation at which a sigmoid saturates.
        let biases = [-300.0, 300.0, -90.0, 90.0, 30.0, -30.0, 0.0, 0.1, -0.1, 5.0];
        weights.tensor_mut(9).copy_from_slice(&biases);
        let found = by.gradients(activation, &weights, &batches, 0);
        let expected = Plain::new(activation, weights.values()).gradients(batches.batch(0));
        let losses: Vec<f32> = found.results.iter().map(|result| result.loss).collect();
        let difference = largest_difference(&losses, &f32s(&expected.losses));
        table("GPU kernels", "losses of outputs of 0 and 1", difference, 1e-4);
        let is_zero: Vec<bool> = found.values[range(9)].iter().map(|g| *g == 0.0).collect();
        assert_eq!(is_zero[..9], [true, true, true, true, true, true, false, false, false]);
        assert!(found.values.iter().all(|gradient| gradient.is_finite()));
    }
}
