//! The network, its gradients and its training steps against figures computed by Keras itself
//! (`goldens/make_goldens.py`), on the real images.

use burn::backend::Autodiff;
use burn::data::dataset::Dataset;
use burn::optim::{GradientsParams, Optimizer, SgdConfig};
use burn_ndarray::NdArray;
use lenet::data::{Batches, ImageDataset, Options, Part, load_part};
use lenet::eval::{self, evaluate};
use lenet::format;
use lenet::model::{LeNet, TENSORS, Weights};
use lenet::ops::cross_entropy;
use safetensors::SafeTensors;

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

fn largest(values: &[f32]) -> f32 {
    values
        .iter()
        .fold(0.0, |largest, value| largest.max(value.abs()))
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .fold(0.0, |largest, (a, b)| largest.max((a - b).abs()))
}

/// Makes the first `steps` steps of the goldens: 32 images at a time in file order, rate 0.9. Returns the
/// network, each step's loss, the first step's outputs and gradients.
fn train(steps: usize) -> (LeNet<A>, Vec<f32>, Vec<f32>, Weights) {
    let device = Default::default();
    let images = images(Part::Train);
    let mut model = LeNet::<A>::from_weights(&golden_weights("init"), &device);
    let mut descent = SgdConfig::new().init();
    let mut losses = Vec::new();
    let mut first = None;
    for batch in Batches::<A>::in_order(&images, 32, &device).take(steps) {
        let outputs = model.forward(batch.images);
        let score = cross_entropy(outputs.clone(), batch.labels);
        losses.push(score.loss.clone().into_scalar());
        let gradients = GradientsParams::from_grads(score.loss.backward(), &model);
        first.get_or_insert_with(|| {
            (
                outputs.into_data().to_vec().unwrap(),
                host(&model, &gradients),
            )
        });
        model = descent.step(0.9, model, gradients);
    }
    let (outputs, gradients) = first.unwrap();
    (model, losses, outputs, gradients)
}

/// The gradients in the layout of weights: a network whose parameters they are is read back.
fn host(model: &LeNet<A>, gradients: &GradientsParams) -> Weights {
    let mut of_gradients = LeNet::<B>::from_weights(&Weights::zeros(), &Default::default());
    let conv = |layer: &mut burn::nn::conv::Conv2d<B>, from: &burn::nn::conv::Conv2d<A>| {
        layer.weight = layer
            .weight
            .clone()
            .map(|_| gradients.get(from.weight.id).unwrap());
        let id = from.bias.as_ref().unwrap().id;
        layer.bias = layer
            .bias
            .take()
            .map(|bias| bias.map(|_| gradients.get(id).unwrap()));
    };
    conv(&mut of_gradients.conv1, &model.conv1);
    conv(&mut of_gradients.conv2, &model.conv2);
    let linear = |layer: &mut burn::nn::Linear<B>, from: &burn::nn::Linear<A>| {
        layer.weight = layer
            .weight
            .clone()
            .map(|_| gradients.get(from.weight.id).unwrap());
        let id = from.bias.as_ref().unwrap().id;
        layer.bias = layer
            .bias
            .take()
            .map(|bias| bias.map(|_| gradients.get(id).unwrap()));
    };
    linear(&mut of_gradients.fc1, &model.fc1);
    linear(&mut of_gradients.fc2, &model.fc2);
    linear(&mut of_gradients.fc3, &model.fc3);
    of_gradients.to_weights()
}

#[test]
fn first_outputs_and_all_ten_gradients_are_those_of_keras() {
    let (_, _, outputs, gradients) = train(1);
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
    let (model, losses, _, _) = train(20);
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
