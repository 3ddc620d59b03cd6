//! Golden values computed by Keras (`goldens/make_goldens.py`) on the real images.

use lenet::backend::Parameters;
use lenet::data::{Batches, Part};
use lenet::eval::Evaluation;
use lenet::format;
use lenet::model::{Activation, TENSORS, Weights, argmax};
use lenet::optim::Sgd;
use safetensors::SafeTensors;

use super::implementations;
use super::support::{images, largest_difference, relative_difference, table};

const STEPS: &[u8] = include_bytes!("../goldens/steps.safetensors");
const VALUES: &str = include_str!("../goldens/goldens.json");
const TRAINED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/trained.safetensors");

/// Returns the values of one tensor of `steps.safetensors`.
fn golden(name: &str) -> Vec<f32> {
    let file = SafeTensors::deserialize(STEPS).unwrap();
    let (chunks, _) = file.tensor(name).unwrap().data().as_chunks();
    chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// Returns the ten tensors whose names start with `prefix`.
fn golden_weights(prefix: &str) -> Weights {
    format::from_torch(&TENSORS.map(|spec| golden(&format!("{prefix}.{}", spec.name))))
}

fn values() -> serde_json::Value {
    serde_json::from_str(VALUES).unwrap()
}

#[test]
fn first_step_matches_keras() {
    let pass = Batches::in_order(&images(Part::Train), 32);
    let start = golden_weights("init");
    for by in implementations() {
        let name = by.name();
        let outputs = by.outputs(Activation::Sigmoid, &start, pass.batch(0));
        let difference = largest_difference(&outputs, &golden("output"));
        table(&name, "first outputs, Keras", difference, 1e-6);
        let found = by.gradients(Activation::Sigmoid, &start, &pass, 0);
        let keras = golden_weights("grad");
        let (relative, tensor) = relative_difference(&found.values, keras.values());
        let what = format!("first gradients, relative, Keras ({tensor})");
        table(&name, &what, relative, 1e-4);
    }
}

#[test]
fn twenty_steps_match_keras() {
    let mut pass = Batches::in_order(&images(Part::Train), 32);
    pass.order.truncate(20 * 32);
    let sgd = Sgd::default();
    let start = Parameters::new(golden_weights("init"), sgd);
    for by in implementations() {
        let name = by.name();
        let (end, losses) = by.train(Activation::Sigmoid, sgd, &start, &pass, &[0.9; 20]);
        let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
        let losses: Vec<f32> = losses.chunks(32).map(mean).collect();
        let keras: Vec<f32> = serde_json::from_value(values()["step_losses"].clone()).unwrap();
        let difference = largest_difference(&losses, &keras);
        table(&name, "20 step losses, Keras", difference, 1e-4);
        let keras = golden_weights("after20");
        for (index, spec) in TENSORS.iter().enumerate() {
            let what = format!("{} after 20 steps, Keras", spec.name);
            let difference = largest_difference(end.weights.tensor(index), keras.tensor(index));
            table(&name, &what, difference, 1e-4);
        }
    }
}

#[test]
fn keras_model_has_equal_metrics() {
    let weights = format::read(TRAINED.as_ref()).unwrap().weights;
    let validation = images(Part::Train).split(0.1).unwrap().1;
    assert_eq!(validation.labels().len(), 6000);
    for (name, images) in [("test", images(Part::Test)), ("val", validation)] {
        let keras = &values()[name];
        // Skip plain Burn, which is slow on the CPU.
        let kernels = implementations().into_iter();
        for by in kernels.filter(|by| !by.name().starts_with("plain Burn")) {
            let outputs = |batch_size| {
                let pass = Batches::in_order(&images, batch_size);
                let batches = (0..pass.batches()).map(|batch| pass.batch(batch));
                let rows =
                    batches.flat_map(|images| by.outputs(Activation::Sigmoid, &weights, images));
                let rows: Vec<f32> = rows.collect();
                rows.as_chunks().0.to_vec()
            };
            let outputs_at_once = outputs(1000);
            let found = Evaluation::new(&outputs_at_once, images.labels(), images.info());
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
            let predicted: Vec<_> = outputs_at_once[..100].iter().map(argmax).collect();
            assert_eq!(serde_json::to_value(predicted).unwrap(), keras["first_100_predictions"]);
            assert_eq!(outputs(777), outputs_at_once, "{}: whatever the batch size", by.name());
        }
    }
}
