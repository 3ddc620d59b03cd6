//! Batches of any size, images that are changed, numbers at the edge.

use lenet::data::{Augmentation, ImageDataset, LabelledImages, PIXELS, Part, Pass, Scaling};
use lenet::descent::Sgd;
use lenet::model::{Activation, PARAMETERS, Weights};
use lenet::ops::LeNetBackend;

use super::{check, difference, images, oracle, read, relative_difference, upload};

/// Scaled images, each changed another way, in batches of `batch_size`.
pub fn changed(batch_size: usize, count: usize) -> Pass {
    let augmentation = Augmentation {
        flip: true,
        shift: 3,
        clean_epochs: 0,
    };
    Pass {
        // Some image twice, none in its place.
        order: (0..count as u32).map(|place| 7919 * place % 5000).collect(),
        changes: augmentation.draw(count, 1, 1, 2),
        scaling: Scaling::STANDARD,
        ..Pass::in_order(&images(Part::Test), batch_size)
    }
}

/// The initial parameters of a network, as its training begins, with biases that are not zero.
pub fn initial(activation: Activation, seed: u64, gain: f32) -> Vec<f32> {
    let mut weights = Weights::initial(seed, gain).for_activation(activation);
    for biases in weights.tensors_mut().iter_mut().skip(1).step_by(2) {
        let values = biases.iter_mut().enumerate();
        values.for_each(|(index, bias)| *bias = 0.1 * (index % 5) as f32 - 0.2);
    }
    weights.to_parameters()
}

fn compare<B: LeNetBackend>(
    device: &B::Device,
    what: &str,
    activation: Activation,
    parameters: &[f32],
    pass: &Pass,
) {
    let images = pass.batch(0);
    let found = B::outputs(activation, upload::<B>(parameters, device), images);
    let expected = oracle::outputs(activation, parameters, images);
    let error = difference(&read::<B>(found), &expected);
    check::<B>(device, &format!("outputs, {what}"), error, 2e-6);

    let found = B::gradients(activation, upload::<B>(parameters, device), images);
    let [losses, correct, gradients] = oracle::gradients(activation, parameters, images);
    let error = difference(&read::<B>(found.losses), &losses);
    check::<B>(device, &format!("losses, {what}"), error, 1e-4);
    assert_eq!(read::<B>(found.correct), correct);
    let (error, tensor) = relative_difference(&read::<B>(found.gradients), &gradients);
    let what = format!("gradients, relative, {what} ({tensor})");
    check::<B>(device, &what, error, 1e-4);
}

/// Batches of 1 to 33 and one that fits no buffer made for ordinary ones.
pub fn batch_sizes<B: LeNetBackend>(device: &B::Device) {
    for activation in [Activation::Sigmoid, Activation::Tanh] {
        let parameters = initial(activation, 3, 1.0);
        for size in [1, 2, 3, 7, 8, 9, 15, 17, 25, 31, 32, 33] {
            let what = format!("{activation:?}, batch {size}");
            compare::<B>(device, &what, activation, &parameters, &changed(size, size));
        }
    }
    let parameters = initial(Activation::Tanh, 4, 1.0);
    let pass = changed(1100, 1100);
    compare::<B>(device, "Tanh, batch 1100", Activation::Tanh, &parameters, &pass);
}

/// Where all sums of a window are equal, the gradient goes to the first.
pub fn ties<B: LeNetBackend>(device: &B::Device) {
    let flat = (0..20).map(|image| [12 * image; PIXELS]).collect();
    let labels = (0..20).map(|image| image % 10).collect();
    let images = ImageDataset::new(LabelledImages::new(flat, labels).unwrap());
    let pass = Pass {
        scaling: Scaling::STANDARD,
        ..Pass::in_order(&images, 20)
    };
    for activation in [Activation::Sigmoid, Activation::Tanh] {
        let parameters = initial(activation, 5, 1.0);
        let what = format!("{activation:?}, flat images");
        compare::<B>(device, &what, activation, &parameters, &pass);
    }
}

/// Outputs of 0 and 1: their loss is finite, and what the loss clips has no gradient.
pub fn saturation<B: LeNetBackend>(device: &B::Device) {
    let pass = changed(16, 16);
    for activation in [Activation::Sigmoid, Activation::Tanh] {
        let mut weights = Weights::from_parameters(&initial(activation, 6, 1.0));
        let biases = &mut weights.tensors_mut()[9];
        biases.copy_from_slice(&[-300.0, 300.0, -90.0, 90.0, 30.0, -30.0, 0.0, 0.1, -0.1, 15.0]);
        let parameters = weights.to_parameters();
        let images = pass.batch(0);
        let found = B::gradients(activation, upload::<B>(&parameters, device), images);
        let losses = read::<B>(found.losses);
        let gradients = read::<B>(found.gradients);
        assert!(losses.iter().all(|loss| (0.0..30.0).contains(loss)), "{losses:?}");
        let biases = &gradients[PARAMETERS - 10..];
        let is_clipped: Vec<bool> = biases.iter().map(|gradient| *gradient == 0.0).collect();
        assert_eq!(
            is_clipped,
            [true, true, true, true, true, true, false, false, false, false],
            "{biases:?}"
        );
        let [expected, _, _] = oracle::gradients(activation, &parameters, images);
        let error = difference(&losses, &expected);
        let what = format!("losses, {activation:?}, outputs of 0 and 1");
        check::<B>(device, &what, error, 1e-3);
        assert!(gradients.iter().all(|gradient| gradient.is_finite()));
    }
}

/// A weight that is no number must not be hidden by anything on the way to the loss.
pub fn no_number<B: LeNetBackend>(device: &B::Device) {
    let pass = changed(2, 2);
    for activation in [Activation::Sigmoid, Activation::Tanh] {
        // Of fc1 and after: in a convolution, max-pool may pass over it.
        for tensor in 4..10 {
            let mut weights = Weights::from_parameters(&initial(activation, 7, 1.0));
            weights.tensors_mut()[tensor].fill(f32::NAN);
            let parameters = upload::<B>(&weights.to_parameters(), device);
            let found = B::gradients(activation, parameters, pass.batch(0));
            let losses = read::<B>(found.losses);
            assert!(losses.iter().all(|loss| loss.is_nan()), "{tensor}: {losses:?}");
        }
    }
}

/// The rule of gradient descent, with everything and with nothing.
pub fn rules<B: LeNetBackend>(device: &B::Device) {
    let values = |seed| initial(Activation::Sigmoid, seed, 1.0);
    let (parameters, velocity, gradients) = (values(8), values(9), values(10));
    for (momentum, nesterov, weight_decay) in [
        (0.0, false, 0.0),
        (0.0, false, 0.01),
        (0.9, false, 0.0),
        (0.7, true, 0.02),
    ] {
        let sgd = Sgd {
            momentum,
            nesterov,
            weight_decay,
        };
        let velocity = sgd.has_velocity().then_some(velocity.as_slice());
        let up = |values: &[f32]| upload::<B>(values, device);
        let (found, found_velocity) =
            B::update(sgd, 0.3, up(&parameters), velocity.map(up), up(&gradients));
        let (expected, expected_velocity) =
            oracle::update(sgd, 0.3, &parameters, velocity, &gradients);
        let error = difference(&read::<B>(found), &expected);
        check::<B>(device, &format!("update, {sgd:?}"), error, 1e-6);
        assert_eq!(found_velocity.is_some(), sgd.has_velocity());
        if let (Some(found), Some(expected)) = (found_velocity, expected_velocity) {
            let error = difference(&read::<B>(found), &expected);
            check::<B>(device, "velocity", error, 1e-6);
        }
    }
}
