//! Figures computed by Keras itself (`goldens/make_goldens.py`), on the real images.

use burn_ndarray::NdArray;
use lenet::data::{Part, Pass};
use lenet::descent::Sgd;
use lenet::eval::{self, evaluate};
use lenet::format;
use lenet::kernels::Level;
use lenet::model::{Activation, TENSORS, Weights};
use lenet::ops::{LeNetBackend, Parameters, Trainer};
use safetensors::SafeTensors;

use super::agreement::Cpu;
use super::implementation::{Implementation, Reference, trained};
use super::{images, largest, largest_difference};

const STEPS: &[u8] = include_bytes!("../goldens/steps.safetensors");
const FIGURES: &str = include_str!("../goldens/goldens.json");
const TRAINED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/goldens/trained.safetensors"
);

/// The numbers of one tensor of `steps.safetensors`.
fn golden(name: &str) -> Vec<f32> {
    let file = SafeTensors::deserialize(STEPS).unwrap();
    let (chunks, _) = file.tensor(name).unwrap().data().as_chunks();
    chunks
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect()
}

/// The ten tensors whose names begin with `prefix`.
fn golden_weights(prefix: &str) -> Weights {
    Weights::new(TENSORS.map(|spec| golden(&format!("{prefix}.{}", spec.name))))
}

fn figures() -> serde_json::Value {
    serde_json::from_str(FIGURES).unwrap()
}

/// Burn's operations, and the kernels at every level.
fn implementations() -> Vec<Box<dyn Implementation>> {
    let cpu = Level::available()
        .into_iter()
        .map(|level| Box::new(Cpu(level)) as _);
    cpu.chain([Box::new(Reference::<NdArray>(Default::default())) as _])
        .collect()
}

#[test]
fn first_outputs_and_all_ten_gradients_are_those_of_keras() {
    let pass = Pass::in_order(&images(Part::Train), 32);
    let start = golden_weights("init").to_parameters();
    for by in implementations() {
        let name = by.name();
        let outputs = by.outputs(Activation::Sigmoid, &start, pass.batch(0));
        let difference = largest_difference(&outputs, &golden("output"));
        println!("{name}: first outputs: largest difference {difference:e}");
        assert!(difference <= 1e-6, "{name}: {difference}");
        let found = by.gradients(Activation::Sigmoid, &start, pass.batch(0));
        let found = Weights::from_parameters(&found.gradients);
        for ((spec, found), keras) in found.iter().zip(golden_weights("grad").tensors()) {
            let relative = largest_difference(found, keras) / largest(keras);
            println!(
                "{name}: gradient of {}: largest relative difference {relative:e}",
                spec.name
            );
            assert!(relative <= 1e-4, "{name}: {spec}: {relative}");
        }
    }
}

/// Checks 20 step losses and the weights after them.
fn check_twenty_steps(name: &str, losses: &[f32], parameters: &[f32]) {
    let keras: Vec<f32> = serde_json::from_value(figures()["step_losses"].clone()).unwrap();
    let difference = largest_difference(losses, &keras);
    println!("{name}: 20 step losses: largest difference {difference:e}");
    assert!(difference <= 1e-4, "{name}: {difference}");
    let found = Weights::from_parameters(parameters);
    for ((spec, found), keras) in found.iter().zip(golden_weights("after20").tensors()) {
        let difference = largest_difference(found, keras);
        println!(
            "{name}: {} after 20 steps: largest difference {difference:e}",
            spec.name
        );
        assert!(difference <= 1e-4, "{name}: {spec}: {difference}");
    }
}

fn mean(losses: &[f32]) -> f32 {
    losses.iter().sum::<f32>() / losses.len() as f32
}

#[test]
fn twenty_steps_have_the_losses_and_end_at_the_weights_of_keras() {
    let pass = Pass::in_order(&images(Part::Train), 32);
    for by in implementations() {
        let mut parameters = Parameters {
            values: golden_weights("init").to_parameters(),
            velocity: None,
        };
        let mut losses = vec![];
        for step in 0..20 {
            let found = by.gradients(Activation::Sigmoid, &parameters.values, pass.batch(step));
            losses.push(mean(&found.losses));
            by.update(Sgd::default(), 0.9, &mut parameters, &found.gradients);
        }
        check_twenty_steps(&by.name(), &losses, &parameters.values);
    }
}

/// The same by what trains.
#[test]
fn a_trainer_makes_kerass_twenty_steps() {
    let mut pass = Pass::in_order(&images(Part::Train), 32);
    pass.order.truncate(20 * 32);
    let start = Parameters {
        values: golden_weights("init").to_parameters(),
        velocity: None,
    };
    type CpuTrainer = <NdArray as LeNetBackend>::Trainer;
    let trainer = CpuTrainer::new(
        Activation::Sigmoid,
        Sgd::default(),
        &start,
        &Default::default(),
    );
    let (end, losses) = trained::<NdArray>(trainer, pass, vec![0.9; 20]);
    let losses: Vec<f32> = losses.chunks(32).map(mean).collect();
    check_twenty_steps("the trainer", &losses, &end.values);
}

#[test]
fn a_model_trained_by_keras_is_right_on_the_same_images() {
    let device = Default::default();
    let weights = format::read(TRAINED.as_ref()).unwrap().weights;
    let validation = images(Part::Train).split(0.1).unwrap().1;
    assert_eq!(validation.labels().len(), 6000);
    for (name, images) in [("test", images(Part::Test)), ("val", validation)] {
        let keras = &figures()[name];
        let outputs = eval::outputs::<NdArray>(&weights, &images, 1000, &device).unwrap();
        let found = eval::Evaluation::new(&outputs, images.labels());
        println!("{name}: loss {}, {} right", found.loss(), found.correct());
        assert!(
            (found.loss() - keras["loss"].as_f64().unwrap()).abs() <= 1e-5,
            "{}",
            found.loss()
        );
        assert_eq!(found.correct() as u64, keras["correct"].as_u64().unwrap());
        let confusion = serde_json::to_value(found.confusion).unwrap();
        assert_eq!(confusion, keras["confusion_true_by_predicted"]);
        let predicted: Vec<_> = outputs[..100].iter().map(eval::predicted).collect();
        assert_eq!(
            serde_json::to_value(predicted).unwrap(),
            keras["first_100_predictions"]
        );
    }
    let odd = evaluate::<NdArray>(&weights, &images(Part::Test), 77, &device).unwrap();
    assert_eq!(odd.correct(), 6678, "whatever the batch size");
}
