//! Outputs, losses, gradients and updates of every implementation, against plain loops in `f64`.

use lenet::backend::Parameters;
use lenet::data::{Batches, ImageDataset, Scaling};
use lenet::model::{Activation, TENSORS, Weights, range};
use lenet::optim::{MATRICES, Muon, Sgd};

use super::implementation::Implementation;
use super::implementations;
use super::plain::Plain;
use super::support::{f32s, largest_difference, noise, relative_difference, table};

/// Draws initial weights and sets the biases to small values.
fn weights(seed: u64, gain: f32, activation: Activation) -> Weights {
    let mut weights = Weights::initial(seed, gain).for_activation(activation);
    let mut count = 0;
    for tensor in (1..TENSORS.len()).step_by(2) {
        for bias in weights.tensor_mut(tensor) {
            *bias = 0.1 * (count % 5) as f32 - 0.2;
            count += 1;
        }
    }
    weights
}

/// Compares every implementation with the plain loops on the only minibatch of `batches`.
fn check(what: &str, activation: Activation, weights: &Weights, batches: &Batches) {
    let images = batches.batch(0);
    let expected = Plain::new(activation, weights.values()).gradients(images);
    for by in implementations() {
        let name = by.name();
        let what = format!("{what}, {activation:?}, batch {}", images.len());
        let outputs = by.outputs(activation, weights, images);
        let difference = largest_difference(&outputs, &f32s(&expected.outputs));
        table(&name, &format!("outputs, {what}"), difference, 2e-6);
        let found = by.gradients(activation, weights, batches, 0);
        let losses: Vec<f32> = found.results.iter().map(|result| result.loss).collect();
        let difference = largest_difference(&losses, &f32s(&expected.losses));
        table(&name, &format!("losses, {what}"), difference, 1e-5);
        let correct: Vec<bool> = found.results.iter().map(|result| result.is_correct).collect();
        assert_eq!(correct, expected.correct, "{name}: {what}");
        let (relative, tensor) = relative_difference(&found.values, &f32s(&expected.gradients));
        let what = format!("gradients, relative, {what} ({tensor})");
        table(&name, &what, relative, 1e-4);
    }
}

#[test]
fn every_batch_size_matches_f64() {
    for n in (1..=33).filter(|n| *n < 10 || n % 8 < 2 || *n == 23) {
        for activation in [Activation::Sigmoid, Activation::Tanh] {
            let batches = noise(n, n, Scaling::STANDARD);
            check("noise", activation, &weights(n as u64, 1.0, activation), &batches);
        }
    }
}

#[test]
fn max_pool_ties_go_to_first() {
    // Flat images and images with few grey levels have many ties. The sums of the first convolution are
    // exact in f32, so a tie in the plain loops is also a tie in every implementation.
    let mut batches = noise(9, 9, Scaling::Raw);
    let mut weights = Weights::initial(4, 1.0);
    for tensor in [0, 1] {
        weights.tensor_mut(tensor).iter_mut().for_each(|w| *w = (*w * 16.0).round() / 1024.0);
    }
    let images = batches.images.images().iter().enumerate().map(|(i, image)| match i {
        0 => [0; 784],
        1 => [7; 784],
        2 => std::array::from_fn(|p| if p < 392 { 0 } else { 5 }),
        _ => image.map(|pixel| pixel / 100),
    });
    let labels = batches.images.labels().to_vec();
    batches.images = ImageDataset::new(images.collect(), labels);
    batches.transforms.clear();
    check("ties", Activation::Sigmoid, &weights, &batches);
}

#[test]
fn saturated_networks_match_f64() {
    let batches = Batches { transforms: vec![], ..noise(13, 13, Scaling::Raw) };
    for (activation, gain) in [(Activation::Sigmoid, 4.0), (Activation::Tanh, 4.0)] {
        check("saturated", activation, &weights(2, gain, activation), &batches);
    }
}

#[test]
fn nan_weight_makes_loss_nan() {
    let batches = noise(3, 3, Scaling::STANDARD);
    for activation in [Activation::Sigmoid, Activation::Tanh] {
        for tensor in 0..10 {
            let mut weights = weights(3, 1.0, activation);
            weights.tensor_mut(tensor)[0] = f32::NAN;
            // Skip plain Burn, whose max-pool may ignore NaN.
            let kernels = implementations().into_iter();
            for by in kernels.filter(|by| !by.name().starts_with("plain Burn")) {
                let found = by.gradients(activation, &weights, &batches, 0);
                let is_nan = found.results.iter().all(|result| result.loss.is_nan());
                assert!(is_nan, "{}, {tensor}: {:?}", by.name(), found.results);
            }
        }
    }
}

/// Runs one step from saturated outputs. All gradients are exactly zero, so the update depends only on the parameters and the
/// velocity in `start`.
fn update(by: &dyn Implementation, sgd: Sgd, start: &Parameters) -> Parameters {
    let batches = noise(8, 8, Scaling::STANDARD);
    let gradients = by.gradients(Activation::Sigmoid, &start.weights, &batches, 0);
    assert!(gradients.values.iter().all(|g| *g == 0.0), "{}", by.name());
    by.train(Activation::Sigmoid, sgd, start, &batches, &[0.25]).0
}

/// Sets the last biases to values so large that the loss clips every output.
fn saturate(mut weights: Weights) -> Weights {
    let biases = weights.tensor_mut(9).iter_mut().enumerate();
    biases.for_each(|(class, bias)| *bias = if class % 2 == 0 { 30.0 } else { -30.0 });
    weights
}

#[test]
fn updates_match_f64() {
    let start = saturate(weights(5, 1.0, Activation::Sigmoid));
    let velocity = weights(6, 1.0, Activation::Sigmoid);
    let muon = Some(Muon { weight_decay: 0.5 });
    for (momentum, nesterov, weight_decay, muon) in [
        (0.0, false, 0.0, None),
        (0.0, false, 0.1, None),
        (0.9, false, 0.0, None),
        (0.9, true, 0.01, None),
        (0.0, false, 0.1, muon),
        (0.9, false, 0.0, muon),
        (0.9, true, 0.01, muon),
    ] {
        let sgd = Sgd { momentum, nesterov, weight_decay, muon };
        let slots = vec![velocity.clone(); sgd.slots()];
        let start = Parameters { weights: start.clone(), slots };
        let mut plain = Plain::new(Activation::Sigmoid, start.weights.values());
        let mut velocity = vec![0.0; start.weights.values().len()];
        if let Some(slot) = start.slots.first() {
            velocity = slot.values().iter().map(|v| f64::from(*v)).collect();
        }
        let zeros = vec![0.0; velocity.len()];
        plain.update(sgd, 0.25, &mut velocity, &zeros);
        let expected = f32s(&plain.parameters);
        // Muon multiplies matrices in three iterations, which adds rounding errors. The last biases are 30 or -30, so their
        // rounding errors are larger than those of the other parameters.
        let bound = if muon.is_some() { 2e-6 } else { 2e-7 };
        let biases = range(9).start;
        for by in implementations() {
            let found = update(by.as_ref(), sgd, &start);
            let what = format!("{} {sgd:?}", by.name());
            let values = found.weights.values();
            assert!(largest_difference(&values[..biases], &expected[..biases]) <= bound, "{what}");
            assert!(largest_difference(&values[biases..], &expected[biases..]) <= 4e-6, "{what}");
            assert_eq!(found.slots.len(), sgd.slots());
            for slot in &found.slots {
                let difference = largest_difference(slot.values(), &f32s(&velocity));
                assert!(difference <= 6e-6, "{what}: {difference}");
                let difference =
                    largest_difference(&slot.values()[..biases], &f32s(&velocity)[..biases]);
                assert!(difference <= 2e-7, "{what}: {difference}");
            }
        }
    }
}

#[test]
fn muon_matches_f64_at_every_scale() {
    let start = saturate(weights(5, 1.0, Activation::Sigmoid));
    let muon = Some(Muon { weight_decay: 0.5 });
    let sgd = Sgd { momentum: 0.5, muon, ..Sgd::default() };
    // Muon divides by the norm, but by at least 1e-7. At the first two scales, the norm is below this limit.
    for scale in [0.0, 1e-9, 1e-6, 1e7] {
        let mut velocity = weights(6, 1.0, Activation::Sigmoid);
        velocity.values_mut().iter_mut().for_each(|v| *v *= scale);
        let mut plain = Plain::new(Activation::Sigmoid, start.values());
        let mut doubles: Vec<f64> = velocity.values().iter().map(|v| f64::from(*v)).collect();
        let zeros = vec![0.0; doubles.len()];
        plain.update(sgd, 0.25, &mut doubles, &zeros);
        let expected = f32s(&plain.parameters);
        let start = Parameters { weights: start.clone(), slots: vec![velocity] };
        for by in implementations() {
            let found = update(by.as_ref(), sgd, &start);
            for matrix in MATRICES {
                let values = found.weights.tensor(matrix.tensor);
                let difference = largest_difference(values, &expected[range(matrix.tensor)]);
                assert!(difference <= 2e-6, "{} {scale} {matrix:?}: {difference}", by.name());
            }
        }
    }
}
