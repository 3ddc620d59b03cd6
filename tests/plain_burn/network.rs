//! The network in Burn's own operations: the shapes of its layers, and its gradients in special cases.

use burn::backend::Autodiff;
use burn::tensor::module::max_pool2d;
use burn::tensor::{Int, Tensor};
use burn_ndarray::NdArray;
use lenet::model::{Activation, LeNet, OFFSETS, OUTPUTS, Weights, cross_entropy, layers};

type B = Autodiff<NdArray>;

#[test]
fn listed_shapes_match_forward_pass() {
    let device = Default::default();
    let network = LeNet::<B>::from_weights(&Weights::zeros(), &device);
    let mut shapes = Vec::new();
    let mut x = Tensor::<B, 4>::zeros([2, 1, 28, 28], &device);
    for conv in [&network.conv1, &network.conv2] {
        x = conv.forward(x);
        shapes.push(x.dims().to_vec());
        x = max_pool2d(x, [2, 2], [2, 2], [0, 0], [1, 1], false);
        shapes.push(x.dims().to_vec());
    }
    let mut x = x.flatten::<2>(1, 3);
    shapes.push(x.dims().to_vec());
    for layer in [&network.fc1, &network.fc2, &network.fc3] {
        x = layer.forward(x);
        shapes.push(x.dims().to_vec());
    }
    let listed: Vec<_> = layers(2).into_iter().map(|layer| layer.output_shape).collect();
    assert_eq!(listed, shapes);
}

#[test]
fn removed_outputs_have_no_effect() {
    let device = Default::default();
    let pixels: Vec<f32> = (0..2 * 784).map(|pixel| (pixel * 7 % 256) as f32 / 255.0).collect();
    let images = Tensor::<B, 1>::from_floats(&pixels[..], &device).reshape([2, 1, 28, 28]);
    let labels = Tensor::<B, 1, Int>::from_ints([2, 0], &device);
    for activation in [Activation::Sigmoid, Activation::Tanh] {
        let weights = Weights::initial(1, 3.0).for_activation(activation);
        let weights = weights.with_outputs(3, activation);
        let parameters = Tensor::<B, 1>::from_floats(weights.values(), &device).require_grad();
        let network = LeNet::from_parameters(parameters.clone());
        let outputs = network.forward_with(activation, images.clone());
        let losses = cross_entropy(outputs.clone(), labels.clone());
        // The loss over the first three outputs alone.
        let existing = cross_entropy(outputs.clone().narrow(1, 0, 3), labels.clone());
        let difference = (losses.clone() - existing).abs().max().into_scalar();
        assert!(difference < 2e-6, "{difference}");
        let largest = outputs.narrow(1, 3, 7).max().into_scalar();
        assert!(largest < 1e-8, "{largest}");
        let gradients = losses.sum().backward();
        let gradient = parameters.grad(&gradients).unwrap().into_data();
        let gradient = gradient.into_vec::<f32>().unwrap();
        let (fc3, bias) = gradient[OFFSETS[8]..].split_at(84 * OUTPUTS);
        let rows = fc3.chunks_exact(OUTPUTS).chain([bias]);
        assert!(rows.clone().all(|row| row[3..] == [0.0; 7]), "{activation:?}");
        assert!(rows.flat_map(|row| &row[..3]).any(|value| *value != 0.0), "{activation:?}");
    }
}

#[test]
fn clipped_outputs_have_no_gradient() {
    let device = Default::default();
    let values = [0.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5];
    let outputs = Tensor::<B, 2>::from_data([values], &device).require_grad();
    let labels = Tensor::from_ints([0], &device);
    let gradients = cross_entropy(outputs.clone(), labels).backward();
    let found = outputs.grad(&gradients).unwrap().into_data().into_vec::<f32>().unwrap();
    assert!(found[..2] == [0.0, 0.0] && found[2] > 0.0, "{found:?}");
}
