//! The network, its gradients and its training steps against figures computed by Keras itself
//! (`goldens/make_goldens.py`), on the real images.

#![allow(clippy::unwrap_used)]

#[path = "common/gradients.rs"]
mod gradients;

use burn::backend::Autodiff;
use burn::data::dataset::Dataset;
use burn::optim::{GradientsParams, Optimizer, SgdConfig};
use burn_ndarray::NdArray;
use lenet::data::{Batch, Batches, ImageDataset, Options, Part, load_part};
use lenet::eval::{self, evaluate};
use lenet::format;
use lenet::model::{LeNet, TENSORS, Weights};
use lenet::ops::cross_entropy;
use safetensors::SafeTensors;

use gradients::{largest, largest_difference};

type B = NdArray;
type A = Autodiff<NdArray>;

const STEPS: &[u8] = include_bytes!("goldens/steps.safetensors");
const FIGURES: &str = include_str!("goldens/goldens.json");
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

fn images(part: Part) -> ImageDataset {
    let dir = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/data").into());
    ImageDataset::new(
        load_part(
            part,
            &Options {
                dir,
                ..Options::default()
            },
        )
        .unwrap()
        .0,
    )
}

/// The first `count` training images in file order, 32 at a time.
fn batches(count: usize) -> Vec<Batch<A>> {
    Batches::in_order(&images(Part::Train), 32, &Default::default())
        .take(count)
        .collect()
}

fn start() -> LeNet<A> {
    LeNet::from_weights(&golden_weights("init"), &Default::default())
}

#[test]
fn first_outputs_and_all_ten_gradients_are_those_of_keras() {
    let (model, batch) = (start(), batches(1).remove(0));
    let outputs = model.forward(batch.images);
    let loss = cross_entropy(outputs.clone(), batch.labels).loss;
    let gradients = gradients::host(GradientsParams::from_grads(loss.backward(), &model));
    let outputs: Vec<f32> = outputs.into_data().to_vec().unwrap();
    let difference = largest_difference(&outputs, &golden("output"));
    println!("first outputs: largest difference {difference:e}");
    assert!(difference <= 1e-6, "{difference}");
    for ((spec, found), keras) in gradients.iter().zip(golden_weights("grad").tensors()) {
        let relative = largest_difference(found, keras) / largest(keras);
        println!(
            "gradient of {}: largest relative difference {relative:e}",
            spec.name
        );
        assert!(relative <= 1e-4, "{spec}: {relative}");
    }
}

#[test]
fn twenty_steps_have_the_losses_and_end_at_the_weights_of_keras() {
    let mut model = start();
    let mut descent = SgdConfig::new().init();
    let mut losses: Vec<f32> = Vec::new();
    for batch in batches(20) {
        let loss = cross_entropy(model.forward(batch.images), batch.labels).loss;
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        losses.push(loss.into_scalar());
        model = descent.step(0.9, model, gradients);
    }
    let keras: Vec<f32> = serde_json::from_value(figures()["step_losses"].clone()).unwrap();
    let difference = largest_difference(&losses, &keras);
    println!("20 step losses: largest difference {difference:e}");
    assert!(difference <= 1e-4, "{difference}");
    for ((spec, found), keras) in model
        .to_weights()
        .iter()
        .zip(golden_weights("after20").tensors())
    {
        let difference = largest_difference(found, keras);
        println!(
            "{} after 20 steps: largest difference {difference:e}",
            spec.name
        );
        assert!(difference <= 1e-4, "{spec}: {difference}");
    }
}

#[test]
fn a_model_trained_by_keras_is_right_on_the_same_images() {
    let device = Default::default();
    let weights = format::read(TRAINED.as_ref()).unwrap().weights;
    let model = LeNet::<B>::from_weights(&weights, &device);
    let validation = images(Part::Train).split(0.1).unwrap().1;
    assert_eq!(validation.len(), 6000);
    for (name, images) in [("test", images(Part::Test)), ("val", validation)] {
        let keras = &figures()[name];
        let outputs = eval::outputs(&model, &images, 1000, &device).unwrap();
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
    let odd = evaluate(&model, &images(Part::Test), 77, &device).unwrap();
    assert_eq!(odd.correct(), 6678, "whatever the batch size");
}
