//! Against figures computed by Keras itself (`goldens/make_goldens.py`), on the real images.

use lenet::data::{Part, Pass};
use lenet::descent::Sgd;
use lenet::eval;
use lenet::format;
use lenet::model::{Activation, OFFSETS, TENSORS, Weights};
use lenet::ops::{LeNetBackend, Parameters, Trainer};
use safetensors::SafeTensors;

use super::{check, difference, images, read, relative_difference, upload};

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
    let floats = chunks.iter().map(|bytes| f32::from_le_bytes(*bytes));
    floats.collect()
}

/// The ten tensors whose names begin with `prefix`, as a row of parameters.
fn golden_parameters(prefix: &str) -> Vec<f32> {
    let tensors = TENSORS.map(|spec| golden(&format!("{prefix}.{}", spec.name)));
    Weights::new(tensors).to_parameters()
}

fn figures() -> serde_json::Value {
    serde_json::from_str(FIGURES).unwrap()
}

/// Outputs, loss and ten gradients of the first batch.
pub fn first_batch<B: LeNetBackend>(device: &B::Device) {
    let pass = Pass::in_order(&images(Part::Train), 32);
    let start = || upload::<B>(&golden_parameters("init"), device);
    let outputs = read::<B>(B::outputs(Activation::Sigmoid, start(), pass.batch(0)));
    let error = difference(&outputs, &golden("output"));
    check::<B>(device, "first outputs, Keras", error, 1e-6);

    let found = B::gradients(Activation::Sigmoid, start(), pass.batch(0));
    let losses = read::<B>(found.losses);
    let keras = figures()["step_losses"][0].as_f64().unwrap() as f32;
    let error = (losses.iter().sum::<f32>() / 32.0 - keras).abs();
    check::<B>(device, "first loss, Keras", error, 1e-5);
    let gradients = read::<B>(found.gradients);
    let (error, tensor) = relative_difference(&gradients, &golden_parameters("grad"));
    let what = format!("gradients, relative, Keras ({tensor})");
    check::<B>(device, &what, error, 1e-4);
}

/// The losses of twenty steps, and the weights after them.
pub fn twenty_steps<B: LeNetBackend>(device: &B::Device) {
    let start = Parameters {
        values: golden_parameters("init"),
        velocity: None,
    };
    let mut trainer = B::Trainer::new(Activation::Sigmoid, Sgd::default(), &start, device);
    let mut pass = Pass::in_order(&images(Part::Train), 32);
    pass.order.truncate(20 * 32);
    trainer.begin(pass, vec![0.9; 20], 0);
    (0..20).for_each(|_| trainer.step());
    let scores = trainer.scores().unwrap();
    let losses: Vec<f32> = scores
        .chunks(32)
        .map(|batch| batch.iter().map(|score| score.loss).sum::<f32>() / 32.0)
        .collect();
    let keras: Vec<f32> = serde_json::from_value(figures()["step_losses"].clone()).unwrap();
    let error = difference(&losses, &keras);
    check::<B>(device, "20 step losses, Keras", error, 1e-4);
    let found = trainer.parameters().unwrap().values;
    let keras = golden_parameters("after20");
    for (index, spec) in TENSORS.iter().enumerate() {
        let range = OFFSETS[index]..OFFSETS[index + 1];
        let error = difference(&found[range.clone()], &keras[range]);
        let what = format!("{} after 20 steps, Keras", spec.name);
        check::<B>(device, &what, error, 1e-4);
    }
}

/// What a model that Keras trained says to the test images.
pub fn trained_model<B: LeNetBackend>(device: &B::Device) {
    let weights = format::read(TRAINED.as_ref()).unwrap().weights;
    let test = images(Part::Test);
    let keras = &figures()["test"];
    for batch_size in [1000, 770] {
        let found = eval::evaluate::<B>(&weights, &test, batch_size, device).unwrap();
        let error = (found.loss() - keras["loss"].as_f64().unwrap()).abs() as f32;
        check::<B>(device, "test loss of a trained model, Keras", error, 1e-5);
        assert_eq!(found.correct() as u64, keras["correct"].as_u64().unwrap());
        let confusion = serde_json::to_value(found.confusion).unwrap();
        assert_eq!(confusion, keras["confusion_true_by_predicted"]);
    }
}
