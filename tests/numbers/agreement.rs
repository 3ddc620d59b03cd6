//! Outputs, losses and gradients of every implementation, against plain loops in `f64`.

use lenet::backend::Parameters;
use lenet::data::{Batches, Minibatch, Scaling};
use lenet::model::{Activation, Weights, range};
use lenet::optim::{MATRICES, Muon, Sgd};

use super::implementations;
use super::plain::Plain;
use super::support::{largest_difference, noise, relative_difference, table};

/// Initial parameters, biases and all.
fn parameters(seed: u64, gain: f32, activation: Activation) -> Vec<f32> {
    let mut weights = Weights::initial(seed, gain).for_activation(activation);
    let biases = weights.tensors_mut().iter_mut().skip(1).step_by(2).flatten();
    biases.enumerate().for_each(|(i, b)| *b = 0.1 * (i % 5) as f32 - 0.2);
    weights.to_parameters()
}

/// Holds every implementation against the plain loops on `images`.
fn check(what: &str, activation: Activation, parameters: &[f32], images: Minibatch<'_>) {
    let expected = Plain::new(activation, parameters).gradients(images);
    let f32s = |values: &[f64]| values.iter().map(|x| *x as f32).collect::<Vec<_>>();
    for by in implementations() {
        let name = by.name();
        let what = format!("{what}, {activation:?}, batch {}", images.len());
        let outputs = by.outputs(activation, parameters, images);
        let difference = largest_difference(&outputs, &f32s(&expected.outputs));
        table(&name, &format!("outputs, {what}"), difference, 2e-6);
        let found = by.gradients(activation, parameters, images);
        let difference = largest_difference(&found.losses, &f32s(&expected.losses));
        table(&name, &format!("losses, {what}"), difference, 1e-5);
        assert_eq!(found.correct, f32s(&expected.correct), "{name}: {what}");
        let (relative, tensor) = relative_difference(&found.gradients, &f32s(&expected.gradients));
        let what = format!("gradients, relative, {what} ({tensor})");
        table(&name, &what, relative, 1e-4);
    }
}

#[test]
fn every_batch_size_is_worth_what_plain_loops_find() {
    for n in (1..=33).filter(|n| *n < 10 || n % 8 < 2 || *n == 23) {
        for activation in [Activation::Sigmoid, Activation::Tanh] {
            let pass = noise(n, n, Scaling::STANDARD);
            check("noise", activation, &parameters(n as u64, 1.0, activation), pass.batch(0));
        }
    }
}

#[test]
fn flat_images_and_few_grey_levels_send_gradients_to_the_first_of_equals() {
    let mut pass = noise(9, 9, Scaling::Raw);
    // Whole numbers are exact in f32, so equal sums are equal.
    let mut weights = Weights::initial(4, 1.0);
    for conv in [0, 1] {
        weights.tensors_mut()[conv].iter_mut().for_each(|w| *w = (*w * 16.0).round() / 1024.0);
    }
    let images = pass.images.images().iter().enumerate().map(|(i, image)| match i {
        0 => [0; 784],
        1 => [7; 784],
        2 => std::array::from_fn(|p| if p < 392 { 0 } else { 5 }),
        _ => image.map(|pixel| pixel / 100),
    });
    let labels = pass.images.labels().to_vec();
    pass.images = lenet::data::ImageDataset::new(images.collect(), labels);
    pass.transforms.clear();
    check("ties", Activation::Sigmoid, &weights.to_parameters(), pass.batch(0));
}

#[test]
fn raw_pixels_and_large_weights_that_saturate_agree() {
    let pass = Batches { transforms: vec![], ..noise(13, 13, Scaling::Raw) };
    for (activation, gain) in [(Activation::Sigmoid, 4.0), (Activation::Tanh, 4.0)] {
        check("saturated", activation, &parameters(2, gain, activation), pass.batch(0));
    }
}

#[test]
fn a_nan_goes_through_to_the_loss() {
    let pass = noise(3, 3, Scaling::STANDARD);
    for activation in [Activation::Sigmoid, Activation::Tanh] {
        for tensor in 0..10 {
            let mut weights = Weights::from_parameters(&parameters(3, 1.0, activation));
            weights.tensors_mut()[tensor][0] = f32::NAN;
            // Burn's max-pool may pass over it.
            let ours = implementations().into_iter();
            for by in ours.filter(|by| !by.name().starts_with("Burn")) {
                let found = by.gradients(activation, &weights.to_parameters(), pass.batch(0));
                let is_nan = found.losses.iter().all(|loss| loss.is_nan());
                assert!(is_nan, "{}, {tensor}: {:?}", by.name(), found.losses);
            }
        }
    }
}

#[test]
fn an_update_is_the_textbooks_in_every_rule() {
    let start = parameters(5, 1.0, Activation::Sigmoid);
    let gradients = parameters(6, 1.0, Activation::Sigmoid);
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
        let mut plain = Plain::new(Activation::Sigmoid, &start);
        let mut velocity: Vec<f64> = gradients.iter().map(|g| f64::from(*g) / 2.0).collect();
        if !sgd.has_velocity() {
            velocity.fill(0.0);
        }
        let first_velocity = velocity.iter().map(|v| *v as f32).collect();
        let doubles: Vec<f64> = gradients.iter().map(|g| f64::from(*g)).collect();
        plain.descend(sgd, 0.25, &mut velocity, &doubles);
        // Sums of products of sums, three times over.
        let bound = if muon.is_some() { 2e-6 } else { 2e-7 };
        for by in implementations() {
            let mut found = Parameters {
                values: start.clone(),
                velocity: sgd.has_velocity().then_some(()).map(|()| Vec::clone(&first_velocity)),
            };
            by.update(sgd, 0.25, &mut found, &gradients);
            let expected: Vec<f32> = plain.parameters.iter().map(|x| *x as f32).collect();
            assert!(largest_difference(&found.values, &expected) <= bound, "{} {sgd:?}", by.name());
            if let Some(found) = found.velocity {
                let expected: Vec<f32> = velocity.iter().map(|x| *x as f32).collect();
                assert!(largest_difference(&found, &expected) <= 2e-7, "{} {sgd:?}", by.name());
            }
        }
    }
}

#[test]
fn muon_steps_as_far_whatever_the_length_of_the_direction() {
    let start = parameters(5, 1.0, Activation::Sigmoid);
    let sgd = Sgd { muon: Some(Muon { weight_decay: 0.5 }), ..Sgd::default() };
    // The first two are below the length that is divided by.
    for length in [0.0, 1e-9, 1e-6, 1e7] {
        let gradients: Vec<f32> =
            parameters(6, 1.0, Activation::Sigmoid).iter().map(|g| g * length).collect();
        let mut plain = Plain::new(Activation::Sigmoid, &start);
        let doubles: Vec<f64> = gradients.iter().map(|g| f64::from(*g)).collect();
        plain.descend(sgd, 0.25, &mut vec![0.0; start.len()], &doubles);
        let expected: Vec<f32> = plain.parameters.iter().map(|x| *x as f32).collect();
        for by in implementations() {
            let mut found = Parameters { values: start.clone(), velocity: None };
            by.update(sgd, 0.25, &mut found, &gradients);
            for matrix in MATRICES {
                let places = range(matrix.tensor);
                let difference =
                    largest_difference(&found.values[places.clone()], &expected[places]);
                assert!(difference <= 2e-6, "{} {length} {matrix:?}: {difference}", by.name());
            }
        }
    }
}
