//! The layers out of Burn's own operations: what a backend without kernels of ours runs, and what our kernels
//! are measured and tested against.

use burn::tensor::backend::Backend;
use burn::tensor::ops::{ConvOptions, FloatTensor, IntTensor};
use burn::tensor::{Int, Tensor, TensorMetadata, activation};

use super::{CLIP, ConvPool, LayerGradients, Momentum, Turn, primitive, tensor};

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

/// See [`super::LeNetBackend::turn_gradients`].
pub fn turn_gradients<B: Backend>(
    turn: Turn,
    weight: FloatTensor<B>,
    d_weight: FloatTensor<B>,
    d_bias: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let shape = weight.shape();
    let units = d_bias.shape()[0];
    // As `[inputs, units]`, whatever the layer.
    let by_unit = |x: FloatTensor<B>| match shape.num_dims() {
        2 => tensor::<B, 2>(x),
        _ => tensor::<B, 4>(x).flatten::<2>(1, 3).transpose(),
    };
    let (weight, d_weight) = (by_unit(weight), by_unit(d_weight));
    let d_bias = tensor::<B, 1>(d_bias);
    let d = (d_weight - d_bias.clone().mul_scalar(turn.shift).unsqueeze())
        .mul_scalar(turn.scale)
        .add(weight.mul_scalar(turn.weight_decay));
    let sums = d.clone().sum_dim(0).reshape([units]);
    let d_bias = d_bias.mul_scalar(turn.bias_scale) - sums.mul_scalar(turn.shift);
    let d = match shape.num_dims() {
        2 => primitive(d),
        _ => primitive(d.transpose().reshape::<4, _>(shape.dims::<4>())),
    };
    (d, primitive(d_bias))
}

/// See [`super::LeNetBackend::step`].
pub fn step<B: Backend>(
    rate: f32,
    weight: FloatTensor<B>,
    gradient: FloatTensor<B>,
) -> FloatTensor<B> {
    B::float_sub(weight, B::float_mul_scalar(gradient, rate.into()))
}

/// See [`super::LeNetBackend::momentum_step`].
pub fn momentum_step<B: Backend>(
    rule: Momentum,
    weight: FloatTensor<B>,
    velocity: FloatTensor<B>,
    gradient: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let times = |x: FloatTensor<B>, factor: f32| B::float_mul_scalar(x, factor.into());
    let velocity = B::float_add(times(velocity, rule.momentum), gradient.clone());
    let direction = if rule.nesterov {
        B::float_add(times(velocity.clone(), rule.momentum), gradient)
    } else {
        velocity.clone()
    };
    let weight = B::float_sub(weight, times(direction, rule.rate));
    (weight, velocity)
}

/// See [`super::LeNetBackend::average`].
pub fn average<B: Backend>(
    share: f32,
    average: FloatTensor<B>,
    weight: FloatTensor<B>,
) -> FloatTensor<B> {
    let way = B::float_sub(weight, average.clone());
    B::float_add(average, B::float_mul_scalar(way, share.into()))
}
