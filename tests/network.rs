//! The fused network against the same network out of Burn's plain layers, and against the default bodies that
//! other backends run.

#![allow(clippy::unwrap_used)]

#[path = "common/gradients.rs"]
mod gradients;
#[path = "common/plain.rs"]
mod plain;

use burn::backend::Autodiff;
use burn::optim::GradientsParams;
use burn::tensor::activation::sigmoid;
use burn::tensor::module::max_pool2d;
use burn::tensor::{Tensor, TensorPrimitive};
use burn_ndarray::NdArray;
use lenet::data::{Batch, Batches, ImageDataset, Options, Part, Scaling, load_part};
use lenet::model::{LeNet, Weights};
use lenet::ops::{LeNetBackend, cross_entropy, stock};

use gradients::{largest, largest_difference};

type B = NdArray;
type A = Autodiff<NdArray>;

/// Some test images in batches of `size`.
fn batches(size: usize, count: usize) -> Vec<Batch<A>> {
    let dir = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/data").into());
    let images = load_part(
        Part::Test,
        &Options {
            dir,
            ..Options::default()
        },
    )
    .unwrap()
    .0;
    Batches::in_order(&ImageDataset::new(images), size, &Default::default())
        .take(count)
        .collect()
}

/// Outputs, loss and gradients of one pass, as numbers.
fn pass(weights: &Weights, batch: Batch<A>, network: Network) -> (Vec<f32>, f32, Weights) {
    let model = LeNet::<A>::from_weights(weights, &Default::default());
    let outputs = match network {
        Network::Fused => model.forward(batch.images),
        Network::Plain => plain::forward(&model, batch.images),
    };
    let loss = match network {
        Network::Fused => cross_entropy(outputs.clone(), batch.labels).loss,
        Network::Plain => plain::loss(outputs.clone(), batch.labels),
    };
    let gradients = GradientsParams::from_grads(loss.backward(), &model);
    let outputs = outputs.into_data().to_vec().unwrap();
    (outputs, loss.into_scalar(), gradients::host(gradients))
}

#[derive(Clone, Copy)]
enum Network {
    Fused,
    Plain,
}

#[test]
fn fused_and_plain_layers_have_the_same_outputs_and_gradients() {
    // Gain 4 saturates many sigmoids of the first layer.
    for (seed, gain, size) in [
        (1, 1.0, 32),
        (2, 4.0, 32),
        (3, 1.0, 1),
        (4, 2.0, 33),
        (5, 1.0, 257),
    ] {
        let weights = Weights::initial(seed, gain);
        for batch in batches(size, 2) {
            let (outputs, loss, fused) = pass(&weights, batch.clone(), Network::Fused);
            let (plain_outputs, plain_loss, plain) = pass(&weights, batch, Network::Plain);
            let difference = largest_difference(&outputs, &plain_outputs);
            assert!(
                difference <= 1e-6,
                "seed {seed}: outputs differ by {difference}"
            );
            assert!(
                (loss - plain_loss).abs() <= 1e-6,
                "seed {seed}: loss {loss}, {plain_loss}"
            );
            for ((spec, a), (_, b)) in fused.iter().zip(plain.iter()) {
                let relative = largest_difference(a, b) / largest(b);
                assert!(
                    relative <= 1e-4,
                    "seed {seed}: gradient of {spec} differs by {relative}"
                );
            }
        }
    }
}

/// The values of a float primitive.
fn values<const D: usize>(primitive: burn::tensor::ops::FloatTensor<B>) -> Vec<f32> {
    Tensor::<B, D>::from_primitive(TensorPrimitive::Float(primitive))
        .into_data()
        .to_vec()
        .unwrap()
}

#[test]
fn default_bodies_and_kernels_agree_layer_by_layer() {
    let device = Default::default();
    let weights = Weights::initial(6, 1.0);
    let model = LeNet::<B>::from_weights(&weights, &device);
    // Scaled to 0..1: of raw pixels the sums have thousands, and their rounding alone moves a sigmoid by 1e-4.
    let images = batches(5, 1).remove(0).images.inner().div_scalar(255.0);
    let images = images.into_primitive().tensor();
    let [weight, bias] = [
        model.conv1.weight.val().into_primitive().tensor(),
        model
            .conv1
            .bias
            .as_ref()
            .unwrap()
            .val()
            .into_primitive()
            .tensor(),
    ];
    let ours = B::conv_pool_sigmoid(images.clone(), weight.clone(), bias.clone());
    let stocks = stock::conv_pool_sigmoid::<B>(images.clone(), weight.clone(), bias);
    let gradient = ours.output.clone(); // any numbers do
    assert!(
        largest_difference(
            &values::<4>(ours.output.clone()),
            &values::<4>(stocks.output.clone())
        ) <= 1e-6
    );
    // The image's own gradient is not needed to train, yet it can be asked for: by Burn's operations.
    let ours = B::conv_pool_sigmoid_backward(
        images.clone(),
        weight.clone(),
        ours,
        gradient.clone(),
        false,
    );
    let stocks = stock::conv_pool_sigmoid_backward::<B>(images, weight, stocks, gradient, true);
    assert!(ours.input.is_none());
    assert_eq!(values::<4>(stocks.input.unwrap()).len(), 5 * 784);
    for (a, b) in [
        (values::<4>(ours.weight), values::<4>(stocks.weight)),
        (values::<1>(ours.bias), values::<1>(stocks.bias)),
    ] {
        assert!(largest_difference(&a, &b) / largest(&b) <= 1e-5);
    }
}

/// As [`plain::forward`], but pooled before the sigmoid, as our kernels do: rounding makes some sums of a window
/// equal once they are sigmoids, and then the gradient of a pixel goes to its neighbour.
fn pooling_first(model: &LeNet<A>, images: Tensor<A, 4>) -> Tensor<A, 2> {
    let pool = |x| max_pool2d(x, [2, 2], [2, 2], [0, 0], [1, 1], false);
    let x = sigmoid(pool(model.conv1.forward(images)));
    let x = sigmoid(pool(model.conv2.forward(x)));
    let x = sigmoid(model.fc1.forward(x.flatten(1, 3)));
    let x = sigmoid(model.fc2.forward(x));
    sigmoid(model.fc3.forward(x))
}

#[test]
fn the_gradient_of_the_images_can_be_had_too() {
    let weights = Weights::initial(7, 1.0);
    let batch = batches(3, 1).remove(0);
    let pixels = batch.images.into_data();
    let [fused, plain] = [Network::Fused, Network::Plain].map(|network| {
        let device = Default::default();
        let model = LeNet::<A>::from_weights(&weights, &device);
        let images = Tensor::<A, 4>::from_data(pixels.clone(), &device).div_scalar(255.0);
        let images = images.detach().require_grad();
        let outputs = match network {
            Network::Fused => model.forward(images.clone()),
            Network::Plain => pooling_first(&model, images.clone()),
        };
        let gradients = plain::loss(outputs, batch.labels.clone()).backward();
        images
            .grad(&gradients)
            .unwrap()
            .into_data()
            .to_vec::<f32>()
            .unwrap()
    });
    let relative = largest_difference(&fused, &plain) / largest(&plain);
    assert!(relative <= 1e-4, "{relative}");
}

#[test]
fn equal_values_in_a_window_send_the_gradient_to_the_first() {
    // A flat image: every window of the first layer is a tie.
    let device = Default::default();
    let images = Tensor::<B, 4>::full([1, 1, 28, 28], 3.0, &device);
    let model = LeNet::<B>::from_weights(&Weights::initial(8, 0.01), &device);
    let [weight, bias] = [
        model.conv1.weight.val().into_primitive().tensor(),
        model
            .conv1
            .bias
            .as_ref()
            .unwrap()
            .val()
            .into_primitive()
            .tensor(),
    ];
    let images = images.into_primitive().tensor();
    let stocks = stock::conv_pool_sigmoid::<B>(images.clone(), weight.clone(), bias.clone());
    let choice: Vec<i64> = Tensor::<B, 4, burn::tensor::Int>::from_primitive(stocks.choice)
        .into_data()
        .to_vec()
        .unwrap();
    // Burn codes a choice as its place in the plane of 24 x 24.
    let first = |cell: usize| (2 * (cell / 12) * 24 + 2 * (cell % 12)) as i64;
    assert!(
        choice
            .iter()
            .enumerate()
            .all(|(i, place)| *place == first(i % 144))
    );
    let ours = B::conv_pool_sigmoid(images, weight, bias);
    let choice = Tensor::<B, 4, burn::tensor::Int>::from_primitive(ours.choice).into_data();
    assert!(choice.iter::<i64>().all(|position| position == 0));
}

#[test]
fn folded_scaling_gives_the_outputs_of_scaled_pixels_on_every_test_image() {
    let device = Default::default();
    let mut weights = Weights::initial(9, 3.0);
    // Biases as a training leaves them.
    for bias in weights.tensors_mut().iter_mut().skip(1).step_by(2) {
        bias.iter_mut()
            .enumerate()
            .for_each(|(i, b)| *b = 0.1 * (i % 5) as f32 - 0.2);
    }
    let scaled = LeNet::<B>::from_weights(&weights, &device);
    let folded = LeNet::<B>::from_weights(&weights.for_raw_pixels(Scaling::STANDARD), &device);
    let dir = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/data").into());
    let options = Options {
        dir,
        ..Options::default()
    };
    let images = ImageDataset::new(load_part(Part::Test, &options).unwrap().0);
    let mut largest = 0.0f32;
    let raw = Batches::<B>::in_order(&images, 1000, &device);
    let standard = Batches::<B>::in_order(&images, 1000, &device).scaled(Scaling::STANDARD);
    for (raw, standard) in raw.zip(standard) {
        let [a, b] = [folded.forward(raw.images), scaled.forward(standard.images)]
            .map(|outputs| outputs.into_data().to_vec::<f32>().unwrap());
        largest = largest.max(largest_difference(&a, &b));
    }
    println!("folded and unfolded outputs differ by at most {largest:e}");
    assert!(largest <= 1e-5, "{largest}");
}
