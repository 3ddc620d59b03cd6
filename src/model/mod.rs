//! The network: [`LeNet`], five layers as Burn modules, and its weights on the host as [`Weights`].

mod activation;
mod initial;
mod output;
mod parameters;
mod summary;
mod weights;

use burn::module::{Module, Param, ParamId};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::Tensor;
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::backend::Backend;
use burn::tensor::module::max_pool2d;

pub use activation::Activation;
pub use output::{CLIP, SampleResult, argmax};
pub use parameters::{OFFSETS, PARAMETERS, range};
pub use summary::{LayerSummary, layers};
pub use weights::{TENSORS, TensorSpec, Weights};

/// The backend of what no backend was chosen for: the bytes of a record, the shapes of layers.
#[cfg(feature = "ndarray")]
pub(crate) type Host = burn_ndarray::NdArray;
#[cfg(not(feature = "ndarray"))]
pub(crate) type Host = burn_wgpu::Wgpu;

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

impl<B: Backend> LeNet<B> {
    /// Outputs `[N, 10]`, each a sigmoid, for images `[N, 1, 28, 28]` of raw pixels.
    ///
    /// In Burn's plain operations, on any backend and differentiable. The activation comes after max-pool although the
    /// notebook has it before: it is monotone, so the result is the same for a quarter of the work.
    pub fn forward(&self, images: Tensor<B, 4>) -> Tensor<B, 2> {
        self.forward_with(Activation::Sigmoid, images)
    }

    /// As [`Self::forward`] for a network in training, whose layers end in `activation`.
    pub fn forward_with(&self, activation: Activation, images: Tensor<B, 4>) -> Tensor<B, 2> {
        let pool = |x| max_pool2d(x, [2, 2], [2, 2], [0, 0], [1, 1], false);
        let x = activate(activation, pool(self.conv1.forward(images))); // [N, 6, 12, 12]
        let x = activate(activation, pool(self.conv2.forward(x))); // [N, 16, 4, 4]
        let x = activate(activation, self.fc1.forward(x.flatten(1, 3))); // [N, 256] -> [N, 120]
        let x = activate(activation, self.fc2.forward(x)); // [N, 84]
        let x = activate(activation, self.fc3.forward(x)); // [N, 10]
        match activation {
            Activation::Sigmoid => x,
            Activation::Tanh => (x + 1.0) / 2.0,
        }
    }

    /// The network with these weights, on `device`.
    ///
    /// The parameters' ids are 1 to 10, not random as Burn's are: equal weights make equal files.
    pub fn from_weights(weights: &Weights, device: &B::Device) -> Self {
        Self::from_parameters(Tensor::from_floats(weights.to_parameters().as_slice(), device))
    }

    /// The network whose parameters are parts of one tensor `[PARAMETERS]`; through it, Burn differentiates that tensor.
    pub fn from_parameters(parameters: Tensor<B, 1>) -> Self {
        let device = &parameters.device();
        let conv = |index: usize| {
            let [outputs, inputs, height, width] = dims(index);
            let mut layer = Conv2dConfig::new([inputs, outputs], [height, width]).init(device);
            layer.weight = param(&parameters, index, dims::<4>(index));
            layer.bias = Some(param(&parameters, index + 1, dims::<1>(index + 1)));
            layer
        };
        let linear = |index: usize| {
            let [outputs, inputs] = dims(index);
            let mut layer = LinearConfig::new(inputs, outputs).init(device);
            // Burn stores [in, out] where PyTorch stores [out, in].
            layer.weight = param(&parameters, index, [inputs, outputs]);
            layer.bias = Some(param(&parameters, index + 1, dims::<1>(index + 1)));
            layer
        };
        Self { conv1: conv(0), conv2: conv(2), fc1: linear(4), fc2: linear(6), fc3: linear(8) }
    }

    /// The weights, read back to the host. Waits for the device.
    pub fn to_weights(&self) -> Weights {
        let conv = |layer: &Conv2d<B>| [host(&layer.weight), bias(layer.bias.as_ref())];
        let linear = |layer: &Linear<B>| {
            let [inputs, outputs] = layer.weight.dims();
            [transpose(&host(&layer.weight), inputs, outputs), bias(layer.bias.as_ref())]
        };
        let [a, b] = conv(&self.conv1);
        let [c, d] = conv(&self.conv2);
        let [e, f] = linear(&self.fc1);
        let [g, h] = linear(&self.fc2);
        let [i, j] = linear(&self.fc3);
        Weights::new([a, b, c, d, e, f, g, h, i, j])
    }
}

fn activate<B: Backend, const D: usize>(activation: Activation, x: Tensor<B, D>) -> Tensor<B, D> {
    match activation {
        Activation::Sigmoid => sigmoid(x),
        Activation::Tanh => tanh(x),
    }
}

/// The shape of tensor `index` of [`TENSORS`].
fn dims<const D: usize>(index: usize) -> [usize; D] {
    TENSORS[index].shape.try_into().expect("the caller names a tensor of rank D")
}

fn param<B: Backend, const D: usize>(
    parameters: &Tensor<B, 1>,
    index: usize,
    shape: [usize; D],
) -> Param<Tensor<B, D>> {
    let mut values = parameters.clone().slice([range(index)]).reshape(shape);
    // Parts of a tensor that Burn differentiates are no leaves of its graph; parts of any other are, for an optimiser.
    if !parameters.is_require_grad() {
        values = values.require_grad();
    }
    Param::initialized(ParamId::from(index as u64 + 1), values)
}

fn host<B: Backend, const D: usize>(param: &Param<Tensor<B, D>>) -> Vec<f32> {
    param.val().into_data().convert::<f32>().into_vec().expect("converted to f32 just now")
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
