//! The layers out of Burn's own operations: what a backend without kernels of ours runs, and what our kernels
//! are measured and tested against.

use burn::tensor::backend::Backend;
use burn::tensor::ops::{ConvOptions, FloatTensor, IntTensor};
use burn::tensor::{Int, Tensor, TensorMetadata, activation};

use super::{CLIP, ConvPool, LayerGradients, primitive, tensor};

/// No padding, no stride, no dilation, one group.
fn valid() -> ConvOptions<2> {
    ConvOptions::new([1, 1], [0, 0], [1, 1], 1)
}

/// See [`super::LeNetBackend::conv_pool_sigmoid`].
pub fn conv_pool_sigmoid<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
) -> ConvPool<B> {
    let sums = B::conv2d(input, weight, Some(bias), valid());
    let pooled = B::max_pool2d_with_indices(sums, [2, 2], [2, 2], [0, 0], [1, 1], false);
    ConvPool {
        output: B::sigmoid(pooled.output),
        choice: pooled.indices,
    }
}

/// See [`super::LeNetBackend::conv_pool_sigmoid_backward`].
pub fn conv_pool_sigmoid_backward<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    forward: ConvPool<B>,
    gradient: FloatTensor<B>,
    wants_input: bool,
) -> LayerGradients<B> {
    let gradient = through_sigmoid::<B, 4>(forward.output, gradient);
    let bias = gradient
        .clone()
        .sum_dim(3)
        .sum_dim(2)
        .sum_dim(0)
        .flatten::<1>(0, 3);

    let [n, _, height, width] = input.shape().dims();
    let [channels, _, kernel_height, kernel_width] = weight.shape().dims();
    let sums = Tensor::<B, 4>::empty(
        [
            n,
            channels,
            height + 1 - kernel_height,
            width + 1 - kernel_width,
        ],
        &gradient.device(),
    );
    let gradient = B::max_pool2d_with_indices_backward(
        primitive(sums), // read for its shape alone
        [2, 2],
        [2, 2],
        [0, 0],
        [1, 1],
        false,
        primitive(gradient),
        forward.choice,
    )
    .x_grad;
    LayerGradients {
        input: wants_input.then(|| {
            B::conv2d_x_backward(input.clone(), weight.clone(), gradient.clone(), valid())
        }),
        weight: B::conv2d_weight_backward(input, weight, gradient, valid()),
        bias: primitive(bias),
    }
}

/// See [`super::LeNetBackend::dense_sigmoid`].
pub fn dense_sigmoid<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
) -> FloatTensor<B> {
    let (input, weight, bias) = (
        tensor::<B, 2>(input),
        tensor::<B, 2>(weight),
        tensor::<B, 1>(bias),
    );
    primitive(activation::sigmoid(input.matmul(weight) + bias.unsqueeze()))
}

/// See [`super::LeNetBackend::dense_sigmoid_backward`].
pub fn dense_sigmoid_backward<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    output: FloatTensor<B>,
    gradient: FloatTensor<B>,
    wants_input: bool,
) -> LayerGradients<B> {
    let gradient = through_sigmoid::<B, 2>(output, gradient);
    let (input, weight) = (tensor::<B, 2>(input), tensor::<B, 2>(weight));
    LayerGradients {
        input: wants_input.then(|| primitive(gradient.clone().matmul(weight.transpose()))),
        weight: primitive(input.transpose().matmul(gradient.clone())),
        bias: primitive(gradient.sum_dim(0).flatten::<1>(0, 1)),
    }
}

/// The gradient before a sigmoid from that behind it: `gradient * o * (1 - o)`.
fn through_sigmoid<B: Backend, const D: usize>(
    output: FloatTensor<B>,
    gradient: FloatTensor<B>,
) -> Tensor<B, D> {
    let output = tensor::<B, D>(output);
    let slope = output.clone() * (output.neg() + 1.0);
    tensor::<B, D>(gradient) * slope
}

/// See [`super::LeNetBackend::cross_entropy`].
pub fn cross_entropy<B: Backend>(
    outputs: FloatTensor<B>,
    labels: IntTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let outputs = tensor::<B, 2>(outputs);
    let labels = Tensor::<B, 1, Int>::from_primitive(labels).unsqueeze_dim::<2>(1);
    let correct = outputs
        .clone()
        .argmax(1)
        .equal(labels.clone())
        .float()
        .sum();
    let outputs = outputs.clamp(CLIP, 1.0 - CLIP);
    let sum = outputs.clone().sum_dim(1);
    let loss = (sum.log() - outputs.gather(1, labels).log()).mean();
    (primitive(loss), primitive(correct))
}

/// See [`super::LeNetBackend::cross_entropy_backward`].
///
/// For `p = o / s`, `s = sum(o)`: the derivative of `ln s - ln o[label]` by `o[k]` is `1 / s`, less
/// `1 / o[k]` where k is the label; and none where clipping holds o fast.
pub fn cross_entropy_backward<B: Backend>(
    outputs: FloatTensor<B>,
    labels: IntTensor<B>,
    gradient: FloatTensor<B>,
) -> FloatTensor<B> {
    let outputs = tensor::<B, 2>(outputs);
    let [n, classes] = outputs.dims();
    let labels = Tensor::<B, 1, Int>::from_primitive(labels).unsqueeze_dim::<2>(1);
    let clipped = outputs.clone().clamp(CLIP, 1.0 - CLIP);
    let is_label = Tensor::<B, 1, Int>::arange(0..classes as i64, &outputs.device())
        .unsqueeze::<2>()
        .expand([n, classes])
        .equal(labels.expand([n, classes]))
        .float();
    let free = outputs.equal(clipped.clone()).float();
    let by_sum = clipped.clone().sum_dim(1).recip();
    let scale = tensor::<B, 1>(gradient)
        .div_scalar(n as f64)
        .unsqueeze::<2>();
    primitive((by_sum - is_label / clipped) * free * scale)
}
