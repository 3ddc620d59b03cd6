//! The table of layers: what each makes of an image, its parameters and its work.

use burn::nn::Linear;
use burn::tensor::activation::sigmoid;
use burn::tensor::backend::Backend;
use burn::tensor::module::max_pool2d;
use burn::tensor::{Shape, Tensor};
use serde::Serialize;

use super::{Host, LeNet, Weights};

/// One layer of the network, under the name that Keras gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerSummary {
    /// Keras' name, as in `conv2d_1`.
    pub name: &'static str,
    /// Shape of the layer's output, `[N, C, H, W]` or `[N, C]`.
    pub output_shape: Vec<usize>,
    /// Number of weights and biases.
    pub parameters: usize,
    /// Multiply-adds of a forward pass, for one image.
    pub macs: usize,
}

/// The layers for `images` images, by a forward pass of one: layers treat all alike.
pub fn layers(images: usize) -> Vec<LayerSummary> {
    let device = Default::default();
    let network = LeNet::<Host>::from_weights(&Weights::zeros(), &device);
    let mut layers = network.summary(Tensor::zeros([1, 1, 28, 28], &device));
    layers.iter_mut().for_each(|layer| layer.output_shape[0] = images);
    layers
}

impl<B: Backend> LeNet<B> {
    /// Sends a few `images`, `[N, 1, 28, 28]`, through the network layer by layer with Burn's plain operations, and
    /// notes the shape of each result.
    pub fn summary(&self, images: Tensor<B, 4>) -> Vec<LayerSummary> {
        let mut layers = Vec::new();
        // A weight is used once for each position of its output channel, of which a dense layer has one.
        let mut note = |name, output: Shape, weight: Option<Shape>| {
            let weights = weight.map_or(0, |shape| shape.num_elements());
            layers.push(LayerSummary {
                name,
                parameters: if weights > 0 { weights + output[1] } else { 0 },
                macs: weights * output[2..].iter().product::<usize>(),
                output_shape: output.to_vec(),
            });
        };
        let pool = |x| max_pool2d(x, [2, 2], [2, 2], [0, 0], [1, 1], false);

        let x = sigmoid(self.conv1.forward(images));
        note("conv2d", x.shape(), Some(self.conv1.weight.shape()));
        let x = pool(x);
        note("max_pooling2d", x.shape(), None);
        let x = sigmoid(self.conv2.forward(x));
        note("conv2d_1", x.shape(), Some(self.conv2.weight.shape()));
        let x = pool(x);
        note("max_pooling2d_1", x.shape(), None);
        let mut x: Tensor<B, 2> = x.flatten(1, 3);
        note("flatten", x.shape(), None);
        for (name, layer) in [("dense", &self.fc1), ("dense_1", &self.fc2), ("dense_2", &self.fc3)]
        {
            x = sigmoid(dense(layer, x));
            note(name, x.shape(), Some(layer.weight.shape()));
        }
        layers
    }
}

/// A dense layer without a matrix product, for which Burn's CPU backend starts threads, and panics where it may not.
fn dense<B: Backend>(layer: &Linear<B>, x: Tensor<B, 2>) -> Tensor<B, 2> {
    let products = x.unsqueeze_dim::<3>(2) * layer.weight.val().unsqueeze::<3>(); // [N, C, C_out]
    let sums: Tensor<B, 2> = products.sum_dim(1).squeeze_dim(1);
    match &layer.bias {
        Some(bias) => sums + bias.val().unsqueeze(),
        None => sums,
    }
}
