//! LeNet's layers as operations of a Burn backend.
//!
//! [`LeNetBackend`] extends Burn's `Backend` by a forward and a backward method for each kind of layer. Their
//! default bodies are Burn's own operations ([`stock`]), which is what a GPU runs; the CPU backend overrides
//! them with the fused code of [`crate::kernels`]. On a differentiating backend each layer is one node of the
//! graph (`autodiff.rs`). The functions at the foot of this file are what the model calls.

mod autodiff;
#[cfg(feature = "ndarray")]
mod ndarray;
pub mod stock;
#[cfg(feature = "wgpu")]
mod wgpu;

use burn::nn::Linear;
use burn::nn::conv::Conv2d;
use burn::tensor::backend::Backend;
use burn::tensor::ops::{FloatTensor, IntTensor};
use burn::tensor::{Int, Tensor, TensorPrimitive};

pub use crate::kernels::{sgd::Momentum, turn::Turn};

/// What the forward pass of a convolution leaves behind.
#[derive(Debug, Clone)]
pub struct ConvPool<B: Backend> {
    /// The layer's output, `[N, C_out, (H - 4) / 2, (W - 4) / 2]`.
    pub output: FloatTensor<B>,
    /// Which value each pooling window chose, in the backend's own coding; same shape as `output`.
    pub choice: IntTensor<B>,
}

/// Gradients of a layer's input, weights and bias; the input's only where it was asked for.
#[derive(Debug, Clone)]
pub struct LayerGradients<B: Backend> {
    /// Gradient of the input, in the input's shape.
    pub input: Option<FloatTensor<B>>,
    /// Gradient of the weights, in their shape.
    pub weight: FloatTensor<B>,
    /// Gradient of the bias, `[C_out]`.
    pub bias: FloatTensor<B>,
}

/// A Burn backend that has LeNet's layers as single operations.
///
/// Equal values in a pooling window: the gradient goes to the first of them in row order.
pub trait LeNetBackend: Backend {
    /// 5x5 convolution without padding, bias, 2x2 max-pool, sigmoid: `[N, C, H, W]`, weights
    /// `[C_out, C, 5, 5]`, bias `[C_out]` to `[N, C_out, (H - 4) / 2, (W - 4) / 2]`.
    ///
    /// The sigmoid comes last although the network has it before the pool: it is monotone, so the result is
    /// the same for a quarter of the work.
    fn conv_pool_sigmoid(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> ConvPool<Self> {
        stock::conv_pool_sigmoid::<Self>(input, weight, bias)
    }

    /// Gradients of [`Self::conv_pool_sigmoid`]; `gradient` is that of its output.
    fn conv_pool_sigmoid_backward(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        forward: ConvPool<Self>,
        gradient: FloatTensor<Self>,
        wants_input: bool,
    ) -> LayerGradients<Self> {
        stock::conv_pool_sigmoid_backward::<Self>(input, weight, forward, gradient, wants_input)
    }

    /// `sigmoid(input x weight + bias)`: `[N, C]`, `[C, C_out]`, `[C_out]` to `[N, C_out]`.
    fn dense_sigmoid(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        stock::dense_sigmoid::<Self>(input, weight, bias)
    }

    /// Gradients of [`Self::dense_sigmoid`]; `gradient` is that of its `output`.
    fn dense_sigmoid_backward(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        output: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        wants_input: bool,
    ) -> LayerGradients<Self> {
        stock::dense_sigmoid_backward::<Self>(input, weight, output, gradient, wants_input)
    }

    /// The loss of [`cross_entropy`], `[1]`, and the number of right answers, `[1]`, from outputs `[N, 10]`
    /// and labels `[N]`.
    fn cross_entropy(
        outputs: FloatTensor<Self>,
        labels: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        stock::cross_entropy::<Self>(outputs, labels)
    }

    /// Gradient of the loss with respect to the outputs, times `gradient` `[1]`.
    fn cross_entropy_backward(
        outputs: FloatTensor<Self>,
        labels: IntTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        stock::cross_entropy_backward::<Self>(outputs, labels, gradient)
    }

    /// What descent goes along for a layer's weight and bias, from their gradients. The weight is `[C, C_out]` or
    /// `[C_out, C, 5, 5]`, the bias `[C_out]`; the sum runs over all that a unit is given.
    ///
    /// `d = scale * (d_weight - shift * d_bias) + weight_decay * weight` and `bias_scale * d_bias - shift * sum(d)`.
    fn turn_gradients(
        turn: Turn,
        weight: FloatTensor<Self>,
        d_weight: FloatTensor<Self>,
        d_bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        stock::turn_gradients::<Self>(turn, weight, d_weight, d_bias)
    }

    /// A step of plain gradient descent, `weight - rate * gradient`, both of one shape.
    fn step(
        rate: f32,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        stock::step::<Self>(rate, weight, gradient)
    }

    /// A step of gradient descent with momentum: the new weight and velocity. All three have one shape.
    ///
    /// The velocity becomes `momentum * velocity + gradient`, and is what the weight goes down by, times the rate;
    /// with Nesterov's momentum it goes down by `gradient + momentum * velocity`.
    fn momentum_step(
        rule: Momentum,
        weight: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        stock::momentum_step::<Self>(rule, weight, velocity, gradient)
    }

    /// `average + share * (weight - average)`, both of one shape.
    fn average(
        share: f32,
        average: FloatTensor<Self>,
        weight: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        stock::average::<Self>(share, average, weight)
    }
}

/// Runs `layer` on images `[N, C, H, W]`: convolution, max-pool, sigmoid.
pub fn conv_pool_sigmoid<B: LeNetBackend>(input: Tensor<B, 4>, layer: &Conv2d<B>) -> Tensor<B, 4> {
    let (weight, bias) = (layer.weight.val(), bias(layer.bias.as_deref()));
    let forward = B::conv_pool_sigmoid(primitive(input), primitive(weight), primitive(bias));
    tensor(forward.output)
}

/// Runs `layer` on features `[N, C]`: matrix product, bias, sigmoid.
pub fn dense_sigmoid<B: LeNetBackend>(input: Tensor<B, 2>, layer: &Linear<B>) -> Tensor<B, 2> {
    let (weight, bias) = (layer.weight.val(), bias(layer.bias.as_deref()));
    tensor(B::dense_sigmoid(
        primitive(input),
        primitive(weight),
        primitive(bias),
    ))
}

/// What a batch's outputs are worth, still on the device.
#[derive(Debug, Clone)]
pub struct Score<B: Backend> {
    /// Mean loss of the batch, `[1]`; carries the gradient.
    pub loss: Tensor<B, 1>,
    /// Number of images whose largest output is their label's, `[1]`.
    pub correct: Tensor<B, 1>,
}

/// Smallest and largest output that the loss distinguishes: outputs are clipped to `[CLIP, 1 - CLIP]`.
pub const CLIP: f64 = 1e-7;

/// Sparse categorical cross-entropy as TensorFlow 2.0 computes it on outputs `[N, 10]` that are sigmoids:
/// clip each output o to [`CLIP`]`..1 - `[`CLIP`], take `p = o / sum(o)`, and the loss is the mean of
/// `-ln p[label]`.
///
/// Source: `sparse_categorical_crossentropy` in `tensorflow/python/keras/backend.py`, release 2.0, for
/// `from_logits=False`. The Keras of today, since TensorFlow 2.3, looks behind the sigmoid for its input
/// (`output._keras_logits`) and silently takes the softmax of that: another function, with which epoch 1 ends
/// at accuracy 0.55 instead of 0.40. The notebook that this program replaces ran on 2.0.
pub fn cross_entropy<B: LeNetBackend>(
    outputs: Tensor<B, 2>,
    labels: Tensor<B, 1, Int>,
) -> Score<B> {
    let (loss, correct) = B::cross_entropy(primitive(outputs), labels.into_primitive());
    Score {
        loss: tensor(loss),
        correct: tensor(correct),
    }
}

/// What descent goes along, from the gradients of a layer's weight and bias. See
/// [`LeNetBackend::turn_gradients`].
pub fn turn_gradients<B: LeNetBackend, const D: usize>(
    turn: Turn,
    weight: Tensor<B, D>,
    d_weight: Tensor<B, D>,
    d_bias: Tensor<B, 1>,
) -> (Tensor<B, D>, Tensor<B, 1>) {
    let [weight, d_weight] = [weight, d_weight].map(primitive);
    let (d_weight, d_bias) = B::turn_gradients(turn, weight, d_weight, primitive(d_bias));
    (tensor(d_weight), tensor(d_bias))
}

/// A step of plain gradient descent, `weight - rate * gradient`.
pub fn step<B: LeNetBackend, const D: usize>(
    rate: f32,
    weight: Tensor<B, D>,
    gradient: Tensor<B, D>,
) -> Tensor<B, D> {
    tensor(B::step(rate, primitive(weight), primitive(gradient)))
}

/// A step of gradient descent with momentum: the new weight and velocity. See
/// [`LeNetBackend::momentum_step`].
pub fn momentum_step<B: LeNetBackend, const D: usize>(
    rule: Momentum,
    weight: Tensor<B, D>,
    velocity: Tensor<B, D>,
    gradient: Tensor<B, D>,
) -> (Tensor<B, D>, Tensor<B, D>) {
    let [weight, velocity, gradient] = [weight, velocity, gradient].map(primitive);
    let (weight, velocity) = B::momentum_step(rule, weight, velocity, gradient);
    (tensor(weight), tensor(velocity))
}

/// The moving average `average + share * (weight - average)`.
pub fn average<B: LeNetBackend, const D: usize>(
    share: f32,
    average: Tensor<B, D>,
    weight: Tensor<B, D>,
) -> Tensor<B, D> {
    tensor(B::average(share, primitive(average), primitive(weight)))
}

fn bias<B: Backend>(bias: Option<&Tensor<B, 1>>) -> Tensor<B, 1> {
    bias.expect("every layer of LeNet is built with a bias")
        .clone()
}

fn primitive<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> FloatTensor<B> {
    tensor.into_primitive().tensor()
}

fn tensor<B: Backend, const D: usize>(primitive: FloatTensor<B>) -> Tensor<B, D> {
    Tensor::from_primitive(TensorPrimitive::Float(primitive))
}
