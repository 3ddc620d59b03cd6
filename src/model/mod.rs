//! The network: [`LeNet`], five layers as Burn modules, and its weights on the host as [`Weights`].

mod folding;
mod initial;
mod summary;
mod weights;

use burn::module::{Module, Param, ParamId};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, TensorData};

use crate::ops::{LeNetBackend, conv_pool_sigmoid, dense_sigmoid};

pub use summary::LayerSummary;
pub use weights::{TENSORS, TensorSpec, Weights};

/// LeNet with sigmoids, for images of one channel and 28x28 raw pixels, 0..255.
///
/// Its record is that of plain Burn layers, so any Burn 0.21 program with these five fields loads its files.
#[derive(Module, Debug)]
pub struct LeNet<B: Backend> {
    /// 5x5, 1 -> 6 channels.
    pub conv1: Conv2d<B>,
    /// 5x5, 6 -> 16 channels.
    pub conv2: Conv2d<B>,
    /// 256 -> 120.
    pub fc1: Linear<B>,
    /// 120 -> 84.
    pub fc2: Linear<B>,
    /// 84 -> 10.
    pub fc3: Linear<B>,
}

impl<B: LeNetBackend> LeNet<B> {
    /// Outputs `[N, 10]`, each a sigmoid, for images `[N, 1, 28, 28]` of raw pixels.
    pub fn forward(&self, images: Tensor<B, 4>) -> Tensor<B, 2> {
        let x = conv_pool_sigmoid(images, &self.conv1); // [N, 6, 12, 12]
        let x = conv_pool_sigmoid(x, &self.conv2); // [N, 16, 4, 4]
        let x = dense_sigmoid(x.flatten(1, 3), &self.fc1); // [N, 256] -> [N, 120]
        let x = dense_sigmoid(x, &self.fc2); // [N, 84]
        dense_sigmoid(x, &self.fc3) // [N, 10]
    }
}

impl<B: Backend> LeNet<B> {
    /// The network with these weights, on `device`.
    ///
    /// The parameters' ids are 1 to 10, not random as Burn's are: equal weights make equal files.
    #[must_use]
    pub fn from_weights(weights: &Weights, device: &B::Device) -> Self {
        let values = weights.tensors();
        let conv = |index: usize| {
            let [outputs, inputs, height, width] = dims(index);
            let mut layer = Conv2dConfig::new([inputs, outputs], [height, width]).init(device);
            layer.weight = param(index, values[index].clone(), dims::<4>(index), device);
            layer.bias = Some(param(
                index + 1,
                values[index + 1].clone(),
                dims::<1>(index + 1),
                device,
            ));
            layer
        };
        let linear = |index: usize| {
            let [outputs, inputs] = dims(index);
            let mut layer = LinearConfig::new(inputs, outputs).init(device);
            // Burn stores [in, out] where PyTorch stores [out, in].
            let transposed = transpose(&values[index], outputs, inputs);
            layer.weight = param(index, transposed, [inputs, outputs], device);
            layer.bias = Some(param(
                index + 1,
                values[index + 1].clone(),
                dims::<1>(index + 1),
                device,
            ));
            layer
        };
        Self {
            conv1: conv(0),
            conv2: conv(2),
            fc1: linear(4),
            fc2: linear(6),
            fc3: linear(8),
        }
    }

    /// The weights, read back to the host. Waits for the device.
    #[must_use]
    pub fn to_weights(&self) -> Weights {
        let conv = |layer: &Conv2d<B>| [host(&layer.weight), bias(layer.bias.as_ref())];
        let linear = |layer: &Linear<B>| {
            let [inputs, outputs] = layer.weight.dims();
            [
                transpose(&host(&layer.weight), inputs, outputs),
                bias(layer.bias.as_ref()),
            ]
        };
        let [a, b] = conv(&self.conv1);
        let [c, d] = conv(&self.conv2);
        let [e, f] = linear(&self.fc1);
        let [g, h] = linear(&self.fc2);
        let [i, j] = linear(&self.fc3);
        Weights::new([a, b, c, d, e, f, g, h, i, j])
    }
}

/// The shape of tensor `index` of [`TENSORS`].
fn dims<const D: usize>(index: usize) -> [usize; D] {
    TENSORS[index]
        .shape
        .try_into()
        .expect("the caller names a tensor of rank D")
}

fn param<B: Backend, const D: usize>(
    index: usize,
    values: Vec<f32>,
    shape: [usize; D],
    device: &B::Device,
) -> Param<Tensor<B, D>> {
    let tensor = Tensor::from_data(TensorData::new(values, shape), device);
    Param::initialized(ParamId::from(index as u64 + 1), tensor.require_grad())
}

fn host<B: Backend, const D: usize>(param: &Param<Tensor<B, D>>) -> Vec<f32> {
    param
        .val()
        .into_data()
        .convert::<f32>()
        .into_vec()
        .expect("converted to f32 just now")
}

fn bias<B: Backend>(param: Option<&Param<Tensor<B, 1>>>) -> Vec<f32> {
    host(param.expect("every layer of LeNet is built with a bias"))
}

/// A `rows` x `columns` matrix, row-major, as its transpose, row-major.
pub(crate) fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut result = Vec::with_capacity(values.len());
    for column in 0..columns {
        result.extend((0..rows).map(|row| values[row * columns + column]));
    }
    result
}
