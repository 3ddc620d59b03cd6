//! LeNet out of Burn's plain layers, one operation after the other, differentiated by Burn: what the fused
//! operations are held against.

use burn::nn::pool::MaxPool2dConfig;
use burn::tensor::activation::sigmoid;
use burn::tensor::backend::Backend;
use burn::tensor::{Int, Tensor, TensorPrimitive};
use lenet::model::LeNet;
use lenet::ops::stock;

/// Outputs `[N, 10]` for images `[N, 1, 28, 28]`, the sigmoid before the pool as in the notebook.
pub fn forward<B: Backend>(model: &LeNet<B>, images: Tensor<B, 4>) -> Tensor<B, 2> {
    let pool = MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
    let x = pool.forward(sigmoid(model.conv1.forward(images)));
    let x = pool.forward(sigmoid(model.conv2.forward(x)));
    let x = sigmoid(model.fc1.forward(x.flatten(1, 3)));
    let x = sigmoid(model.fc2.forward(x));
    sigmoid(model.fc3.forward(x))
}

/// The mean loss `[1]` of outputs `[N, 10]`.
pub fn loss<B: Backend>(outputs: Tensor<B, 2>, labels: Tensor<B, 1, Int>) -> Tensor<B, 1> {
    let (loss, _) =
        stock::cross_entropy::<B>(outputs.into_primitive().tensor(), labels.into_primitive());
    Tensor::from_primitive(TensorPrimitive::Float(loss))
}
