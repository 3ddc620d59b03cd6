//! The table of layers: what each makes of an image, its parameters and its work.

use burn::nn::Linear;
use burn::tensor::activation::sigmoid;
use burn::tensor::backend::Backend;
use burn::tensor::module::max_pool2d;
use burn::tensor::{Shape, Tensor};
use serde::Serialize;

use super::LeNet;

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

impl<B: Backend> LeNet<B> {
    /// Sends a few `images`, `[N, 1, 28, 28]`, through the network layer by layer with Burn's plain operations, and
    /// notes the shape of each result.
    pub fn summary(&self, images: Tensor<B, 4>) -> Vec<LayerSummary> {
        let mut table = Table(Vec::new());
        let pool = |x| max_pool2d(x, [2, 2], [2, 2], [0, 0], [1, 1], false);

        let x = sigmoid(self.conv1.forward(images));
        table.convolution("conv2d", x.shape(), self.conv1.weight.shape());
        let x = pool(x);
        table.shape_only("max_pooling2d", x.shape());
        let x = sigmoid(self.conv2.forward(x));
        table.convolution("conv2d_1", x.shape(), self.conv2.weight.shape());
        let x = pool(x);
        table.shape_only("max_pooling2d_1", x.shape());
        let x: Tensor<B, 2> = x.flatten(1, 3);
        table.shape_only("flatten", x.shape());
        let x = sigmoid(dense(&self.fc1, x));
        table.dense("dense", x.shape(), self.fc1.weight.shape());
        let x = sigmoid(dense(&self.fc2, x));
        table.dense("dense_1", x.shape(), self.fc2.weight.shape());
        let x = sigmoid(dense(&self.fc3, x));
        table.dense("dense_2", x.shape(), self.fc3.weight.shape());
        table.0
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

struct Table(Vec<LayerSummary>);

impl Table {
    fn push(&mut self, name: &'static str, output: Shape, parameters: usize, macs: usize) {
        self.0.push(LayerSummary { name, output_shape: output.to_vec(), parameters, macs });
    }

    fn shape_only(&mut self, name: &'static str, output: Shape) {
        self.push(name, output, 0, 0);
    }

    /// `weight` is `[C_out, C, height, width]`; each is used once for each position of the output.
    fn convolution(&mut self, name: &'static str, output: Shape, weight: Shape) {
        let positions = output[2] * output[3];
        let weights = weight.num_elements();
        self.push(name, output, weights + weight[0], weights * positions);
    }

    /// `weight` is `[C, C_out]`; each is used once.
    fn dense(&mut self, name: &'static str, output: Shape, weight: Shape) {
        let weights = weight.num_elements();
        self.push(name, output, weights + weight[1], weights);
    }
}
