//! Figures computed by Keras itself (`goldens/make_goldens.py`), on the real images.

use lenet::backend::Parameters;
use lenet::data::{Batches, Part};
use lenet::eval::Evaluation;
use lenet::format;
use lenet::model::{Activation, TENSORS, Weights};
use lenet::optim::Sgd;
use safetensors::SafeTensors;

use super::implementations;
use super::support::{images, largest_difference, relative_difference, table};

const STEPS: &[u8] = include_bytes!("../goldens/steps.safetensors");
const FIGURES: &str = include_str!("../goldens/goldens.json");
const TRAINED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/trained.safetensors");

/// The numbers of one tensor of `steps.safetensors`.
fn golden(name: &str) -> Vec<f32> {
    let file = SafeTensors::deserialize(STEPS).unwrap();
    let (chunks, _) = file.tensor(name).unwrap().data().as_chunks();
    chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// The ten tensors whose names begin with `prefix`.
fn golden_weights(prefix: &str) -> Weights {
    Weights::new(TENSORS.map(|spec| golden(&format!("{prefix}.{}", spec.name))))
}

fn figures() -> serde_json::Value {
    serde_json::from_str(FIGURES).unwrap()
}

#[test]
fn first_outputs_and_all_ten_gradients_are_those_of_keras() {
    let pass = Batches::in_order(&images(Part::Train), 32);
    let start = golden_weights("init").to_parameters();
    for by in implementations() {
        let name = by.name();
        let outputs = by.outputs(Activation::Sigmoid, &start, pass.batch(0));
        let difference = largest_difference(&outputs, &golden("output"));
        table(&name, "first outputs, Keras", difference, 1e-6);
        let found = by.gradients(Activation::Sigmoid, &start, pass.batch(0));
        let keras = golden_weights("grad").to_parameters();
        let (relative, tensor) = relative_difference(&found.gradients, &keras);
        let what = format!("first gradients, relative, Keras ({tensor})");
        table(&name, &what, relative, 1e-4);
    }
}

/// Checks 20 step losses and the weights after them.
fn check_twenty_steps(name: &str, losses: &[f32], parameters: &[f32]) {
    let keras: Vec<f32> = serde_json::from_value(figures()["step_losses"].clone()).unwrap();
    let difference = largest_difference(losses, &keras);
    table(name, "20 step losses, Keras", difference, 1e-4);
    let found = Weights::from_parameters(parameters);
    for ((spec, found), keras) in found.iter().zip(golden_weights("after20").tensors()) {
        let what = format!("{} after 20 steps, Keras", spec.name);
        table(name, &what, largest_difference(found, keras), 1e-4);
    }
}

fn mean(losses: &[f32]) -> f32 {
    losses.iter().sum::<f32>() / losses.len() as f32
}

#[test]
fn twenty_steps_have_the_losses_and_end_at_the_weights_of_keras() {
    let mut pass = Batches::in_order(&images(Part::Train), 32);
    pass.order.truncate(20 * 32);
    let start = Parameters { values: golden_weights("init").to_parameters(), velocity: None };
    for by in implementations() {
        let (end, losses) =
            by.train(Activation::Sigmoid, Sgd::default(), &start, &pass, &[0.9; 20]);
        let losses: Vec<f32> = losses.chunks(32).map(mean).collect();
        check_twenty_steps(&by.name(), &losses, &end.values);
        // The same by an operation for the gradients and one for the update.
        let (mut parameters, mut losses) = (start.clone(), vec![]);
        for step in 0..20 {
            let found = by.gradients(Activation::Sigmoid, &parameters.values, pass.batch(step));
            losses.push(mean(&found.losses));
            by.update(Sgd::default(), 0.9, &mut parameters, &found.gradients);
        }
        check_twenty_steps(&by.name(), &losses, &parameters.values);
    }
}

#[test]
fn a_model_trained_by_keras_is_right_on_the_same_images() {
    let weights = format::read(TRAINED.as_ref()).unwrap().weights;
    let parameters = weights.to_parameters();
    let validation = images(Part::Train).split(0.1).unwrap().1;
    assert_eq!(validation.labels().len(), 6000);
    for (name, images) in [("test", images(Part::Test)), ("val", validation)] {
        let keras = &figures()[name];
        // Burn's own operations on the CPU take a while.
        let ours = implementations().into_iter();
        for by in ours.filter(|by| !by.name().starts_with("Burn")) {
            let outputs = |batch_size| {
                let pass = Batches::in_order(&images, batch_size);
                let batches = (0..pass.batches()).map(|batch| pass.batch(batch));
                let rows =
                    batches.flat_map(|images| by.outputs(Activation::Sigmoid, &parameters, images));
                let rows: Vec<f32> = rows.collect();
                rows.as_chunks().0.to_vec()
            };
            let outputs_at_once = outputs(1000);
            let found = Evaluation::new(&outputs_at_once, images.labels());
            let difference = (found.loss() - keras["loss"].as_f64().unwrap()).abs();
            table(
                &by.name(),
                &format!("{name} loss of a trained model, Keras"),
                difference as f32,
                1e-5,
            );
            assert_eq!(found.correct() as u64, keras["correct"].as_u64().unwrap());
            let confusion = serde_json::to_value(found.confusion).unwrap();
            assert_eq!(confusion, keras["confusion_true_by_predicted"]);
            let predicted: Vec<_> =
                outputs_at_once[..100].iter().map(lenet::model::argmax).collect();
            assert_eq!(serde_json::to_value(predicted).unwrap(), keras["first_100_predictions"]);
            assert_eq!(outputs(777), outputs_at_once, "{}: whatever the batch size", by.name());
        }
    }
}
