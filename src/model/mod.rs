//! The network: [`LeNet`], five layers as Burn modules, and its parameters on the host as [`Weights`].

mod activation;
mod initial;
mod loss;
mod shape;
mod summary;
mod weights;

use burn::module::{Module, Param, ParamId};
use burn::nn::conv::Conv2d;
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::backend::Backend;
use burn::tensor::module::max_pool2d;
use burn::tensor::{Tensor, TensorData};

pub use activation::Activation;
pub use loss::{CLIP, SampleResult, argmax, cross_entropy, probabilities};
pub use shape::{
    CONV1, CONV2, ConvShape, DenseShape, FC1, FC2, FC3, KERNEL, OFFSETS, OUTPUTS, PARAMETERS, TAPS,
    TENSORS, TensorSpec, range,
};
pub use summary::{LayerSummary, layers};
pub use weights::Weights;

/// The backend for work that can run on any backend: serialising a record, and deriving the shapes of layers.
#[cfg(feature = "ndarray")]
pub(crate) type Host = burn_ndarray::NdArray;
#[cfg(not(feature = "ndarray"))]
pub(crate) type Host = burn_wgpu::Wgpu;

/// A description of the model's input for the metadata of a model file. A file without it may hold the weights of another
/// network.
pub const INPUT: &str = "[N, 1, 28, 28], raw pixels, 0 to 255";

/// LeNet with sigmoids, for images of one channel and 28x28 raw pixels, 0..255.
///
/// The network consists of plain Burn layers, so any Burn 0.21 program whose module has these five fields can load a saved
/// record of it.
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

impl<B: Backend> LeNet<B> {
    /// Computes the outputs `[N, 10]`, each a sigmoid, for images `[N, 1, 28, 28]` of raw pixels.
    ///
    /// Uses plain Burn operations, which work on any backend and are differentiable. The notebook applies the activation before
    /// max-pool. Here the activation comes after max-pool: because the activation is monotone, the result is the same, and only
    /// a quarter of the values need an activation.
    pub fn forward(&self, images: Tensor<B, 4>) -> Tensor<B, 2> {
        self.forward_with(Activation::Sigmoid, images)
    }

    /// Computes the outputs like [`Self::forward`], but with `activation` after each layer, as in training.
    pub fn forward_with(&self, activation: Activation, images: Tensor<B, 4>) -> Tensor<B, 2> {
        let mut x = images;
        for conv in [&self.conv1, &self.conv2] {
            x = conv.forward(x); // [N, 6, 24, 24], [N, 16, 8, 8]
            x = max_pool2d(x, [2, 2], [2, 2], [0, 0], [1, 1], false); // [N, 6, 12, 12], [N, 16, 4, 4]
            x = activate(activation, x);
        }
        let x = x.flatten(1, 3); // [N, 256]
        let x = activate(activation, self.fc1.forward(x)); // [N, 120]
        let x = activate(activation, self.fc2.forward(x)); // [N, 84]
        let x = activate(activation, self.fc3.forward(x)); // [N, 10]
        match activation {
            Activation::Sigmoid => x,
            Activation::Tanh => (x + 1.0) / 2.0,
        }
    }

    /// Creates the network with these weights on `device`.
    ///
    /// The ids of the parameters are 1 to 10 instead of random, so that equal weights give equal files.
    pub fn from_weights(weights: &Weights, device: &B::Device) -> Self {
        Self::from_source(&Uploads { weights, device })
    }

    /// Creates a network whose parameters are slices of one tensor `[PARAMETERS]`, so that Burn can compute all gradients as
    /// one tensor.
    pub fn from_parameters(parameters: Tensor<B, 1>) -> Self {
        Self::from_source(&parameters)
    }

    /// Creates the layers without Burn's `init`, which would compile every initialiser for the backend.
    fn from_source(source: &impl Source<B>) -> Self {
        let conv = |index: usize| Conv2d {
            weight: param(source, index, dims::<4>(index)),
            bias: Some(param(source, index + 1, dims::<1>(index + 1))),
            stride: [1, 1],
            kernel_size: [KERNEL, KERNEL],
            dilation: [1, 1],
            groups: 1,
            padding: PaddingConfig2d::Valid,
        };
        let linear = |index: usize| {
            let [outputs, inputs] = dims(index);
            Linear {
                // Burn stores [in, out] where PyTorch stores [out, in].
                weight: param(source, index, [inputs, outputs]),
                bias: Some(param(source, index + 1, dims::<1>(index + 1))),
            }
        };
        Self { conv1: conv(0), conv2: conv(2), fc1: linear(4), fc2: linear(6), fc3: linear(8) }
    }

    /// Waits for the device and copies the weights to the host.
    pub fn to_weights(&self) -> Weights {
        let mut values = Vec::with_capacity(PARAMETERS);
        let mut add = |weight: Vec<f32>, bias: Option<&Param<Tensor<B, 1>>>| {
            values.extend(weight);
            values.extend(host(bias.expect("every layer of LeNet is built with a bias")));
        };
        for layer in [&self.conv1, &self.conv2] {
            add(host(&layer.weight), layer.bias.as_ref());
        }
        for layer in [&self.fc1, &self.fc2, &self.fc3] {
            add(host(&layer.weight), layer.bias.as_ref());
        }
        Weights::new(values)
    }
}

fn activate<B: Backend, const D: usize>(activation: Activation, x: Tensor<B, D>) -> Tensor<B, D> {
    match activation {
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => tanh(x),
    }
}

/// Returns the shape of tensor `index` of [`TENSORS`].
fn dims<const D: usize>(index: usize) -> [usize; D] {
    TENSORS[index].shape.try_into().expect("the tensor has rank D")
}

/// The origin of the parameters of a network.
trait Source<B: Backend> {
    /// Returns tensor `index` of [`TENSORS`] in this shape, ready for an optimizer or for Burn's differentiation.
    fn tensor<const D: usize>(&self, index: usize, shape: [usize; D]) -> Tensor<B, D>;
}

/// Weights that are copied to a device, each tensor in its shape. To slice and reshape one tensor on the device, the program would
/// have to contain Burn's operations for all types of numbers, a quarter of the library's machine code.
struct Uploads<'a, B: Backend> {
    weights: &'a Weights,
    device: &'a B::Device,
}

impl<B: Backend> Source<B> for Uploads<'_, B> {
    fn tensor<const D: usize>(&self, index: usize, shape: [usize; D]) -> Tensor<B, D> {
        let values = self.weights.values()[range(index)].to_vec();
        Tensor::from_data(TensorData::new(values, shape), self.device).require_grad()
    }
}

impl<B: Backend> Source<B> for Tensor<B, 1> {
    fn tensor<const D: usize>(&self, index: usize, shape: [usize; D]) -> Tensor<B, D> {
        let values = self.clone().slice([range(index)]).reshape(shape);
        // If Burn differentiates this tensor, its slices must stay inner nodes of the graph. Otherwise, mark each slice as a leaf,
        // so that an optimizer can update it.
        if self.is_require_grad() { values } else { values.require_grad() }
    }
}

fn param<B: Backend, const D: usize>(
    source: &impl Source<B>,
    index: usize,
    shape: [usize; D],
) -> Param<Tensor<B, D>> {
    Param::initialized(ParamId::from(index as u64 + 1), source.tensor(index, shape))
}

fn host<B: Backend, const D: usize>(param: &Param<Tensor<B, D>>) -> Vec<f32> {
    param.val().into_data().convert::<f32>().into_vec().expect("the data was converted to f32")
}
