//! The CPU backend: LeNet's layers by the kernels, anything else by Burn's own operations.
//!
//! With [`arrays`] the only place that knows both Burn's arrays and the kernels' slices.

mod arrays;

use burn::tensor::TensorMetadata;
use burn::tensor::ops::{FloatTensor, IntTensor};
use burn_ndarray::{NdArray, NdArrayTensor};

use crate::kernels::{self, Gradients, Level, Pooled, conv1, conv2, dense, loss, sgd, turn};

use super::{ConvPool, LayerGradients, LeNetBackend, Momentum, Turn, stock};
use arrays::{array, choices, label_values, owned, tensor, values, values_mut};

impl LeNetBackend for NdArray {
    fn conv_pool_sigmoid(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> ConvPool<Self> {
        let Some(layer) = Layer::of(&input, &weight) else {
            return stock::conv_pool_sigmoid::<Self>(input, weight, bias);
        };
        let n = input.shape()[0];
        let shape = layer.output_shape(n);
        let size = shape.iter().product();
        let (mut y, mut choice) = (vec![0.0; size], vec![0; size]);
        let forward = match layer {
            Layer::Conv1 => conv1::forward,
            Layer::Conv2 => conv2::forward,
        };
        let [x, weight, bias] = [&input, &weight, &bias].map(values);
        forward(level(), n, &x, &weight, &bias, &mut y, &mut choice);
        ConvPool {
            output: tensor(y, &shape),
            choice: choices(choice, &shape),
        }
    }

    fn conv_pool_sigmoid_backward(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        forward: ConvPool<Self>,
        gradient: FloatTensor<Self>,
        wants_input: bool,
    ) -> LayerGradients<Self> {
        let choice = match &forward.choice {
            NdArrayTensor::U8(choice) => choice.view().to_slice(),
            _ => None,
        };
        let Some((layer, choice)) = Layer::of(&input, &weight).zip(choice) else {
            return stock::conv_pool_sigmoid_backward::<Self>(
                input,
                weight,
                forward,
                gradient,
                wants_input,
            );
        };
        if matches!(layer, Layer::Conv1) && wants_input {
            // No kernel computes the gradient of the images: training does not need it.
            let choice = burns_choice(choice, &forward.output.shape());
            let forward = ConvPool {
                output: forward.output,
                choice,
            };
            return stock::conv_pool_sigmoid_backward::<Self>(
                input, weight, forward, gradient, true,
            );
        }
        let n = input.shape()[0];
        let [x, w, y, d_y] = [&input, &weight, &forward.output, &gradient].map(values);
        let of = Pooled {
            x: &x,
            y: &y,
            choice,
            d_y: &d_y,
        };
        let (mut d_weight, mut d_bias) = (vec![0.0; w.len()], vec![0.0; weight.shape()[0]]);
        let gradients = Gradients {
            weight: &mut d_weight,
            bias: &mut d_bias,
        };
        let mut d_x = wants_input.then(|| vec![0.0; x.len()]);
        match layer {
            Layer::Conv1 => conv1::backward(level(), n, of, gradients),
            Layer::Conv2 => conv2::backward(level(), n, of, &w, d_x.as_deref_mut(), gradients),
        }
        LayerGradients {
            input: d_x.map(|d_x| tensor(d_x, &input.shape())),
            weight: tensor(d_weight, &weight.shape()),
            bias: tensor(d_bias, &weight.shape()[..1]),
        }
    }

    fn dense_sigmoid(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let shape = dense_shape(&input, &weight);
        let mut y = vec![0.0; shape.n * shape.outputs];
        let [x, weight, bias] = [&input, &weight, &bias].map(values);
        dense::forward(level(), shape, &x, &weight, &bias, &mut y);
        tensor(y, &[shape.n, shape.outputs])
    }

    fn dense_sigmoid_backward(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        output: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        wants_input: bool,
    ) -> LayerGradients<Self> {
        let shape = dense_shape(&input, &weight);
        let [x, w, y, d_y] = [&input, &weight, &output, &gradient].map(values);
        let of = dense::Dense {
            x: &x,
            y: &y,
            d_y: &d_y,
        };
        let mut d_x = vec![0.0; x.len()];
        let (mut d_weight, mut d_bias) = (vec![0.0; w.len()], vec![0.0; shape.outputs]);
        let gradients = Gradients {
            weight: &mut d_weight,
            bias: &mut d_bias,
        };
        dense::backward(level(), shape, of, &w, &mut d_x, gradients);
        LayerGradients {
            input: wants_input.then(|| tensor(d_x, &input.shape())),
            weight: tensor(d_weight, &weight.shape()),
            bias: tensor(d_bias, &[shape.outputs]),
        }
    }

    fn cross_entropy(
        outputs: FloatTensor<Self>,
        labels: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let Some(label_values) = label_values(&outputs, &labels) else {
            return stock::cross_entropy::<Self>(outputs, labels);
        };
        let found = loss::forward(&values(&outputs), label_values);
        let mean = found.sum / label_values.len().max(1) as f64;
        (
            tensor(vec![mean as f32], &[1]),
            tensor(vec![found.correct as f32], &[1]),
        )
    }

    fn cross_entropy_backward(
        outputs: FloatTensor<Self>,
        labels: IntTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let Some(label_values) = label_values(&outputs, &labels) else {
            return stock::cross_entropy_backward::<Self>(outputs, labels, gradient);
        };
        let o = values(&outputs);
        let mut d_o = vec![0.0; o.len()];
        loss::backward(&o, label_values, values(&gradient)[0], &mut d_o);
        tensor(d_o, &outputs.shape())
    }

    fn turn_gradients(
        turn: Turn,
        weight: FloatTensor<Self>,
        d_weight: FloatTensor<Self>,
        d_bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let units_last = weight.shape().num_dims() == 2;
        let (mut d_weight, mut d_bias) = (owned(d_weight), owned(d_bias));
        let weight = values(&weight);
        let [d_w, d_b] = [&mut d_weight, &mut d_bias].map(values_mut);
        if units_last {
            turn::dense(level(), turn, &weight, d_w, d_b);
        } else {
            turn::conv(turn, &weight, d_w, d_b);
        }
        (d_weight.into(), d_bias.into())
    }

    fn step(
        rate: f32,
        weight: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let mut weight = owned(weight);
        sgd::step(level(), rate, values_mut(&mut weight), &values(&gradient));
        weight.into()
    }

    fn momentum_step(
        rule: Momentum,
        weight: FloatTensor<Self>,
        velocity: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let (mut weight, mut velocity) = (owned(weight), owned(velocity));
        let gradient = values(&gradient);
        let [w, v] = [&mut weight, &mut velocity].map(values_mut);
        sgd::momentum_step(level(), rule, w, v, &gradient);
        (weight.into(), velocity.into())
    }

    fn average(
        share: f32,
        average: FloatTensor<Self>,
        weight: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let mut average = owned(average);
        sgd::average(level(), share, values_mut(&mut average), &values(&weight));
        average.into()
    }
}

/// The convolutions that there are kernels for.
#[derive(Clone, Copy)]
enum Layer {
    /// `[N, 1, 28, 28]` to `[N, 6, 12, 12]`.
    Conv1,
    /// `[N, 6, 12, 12]` to `[N, 16, 4, 4]`.
    Conv2,
}

impl Layer {
    /// The layer that takes this input and has this weight.
    fn of(input: &NdArrayTensor, weight: &NdArrayTensor) -> Option<Self> {
        match (&input.shape()[..], &weight.shape()[..]) {
            ([_, 1, 28, 28], [6, 1, 5, 5]) => Some(Self::Conv1),
            ([_, 6, 12, 12], [16, 6, 5, 5]) => Some(Self::Conv2),
            _ => None,
        }
    }

    fn output_shape(self, n: usize) -> [usize; 4] {
        match self {
            Self::Conv1 => [n, 6, 12, 12],
            Self::Conv2 => [n, 16, 4, 4],
        }
    }
}

/// The kernels' choices in Burn's coding: the place of the chosen value in the plane before pooling.
fn burns_choice(choice: &[u8], shape: &[usize]) -> NdArrayTensor {
    let (height, width) = (shape[2], shape[3]);
    let place = |(index, choice): (usize, &u8)| {
        let (row, column) = (index / width % height, index % width);
        let [below, right] = [choice >> 1, choice & 1].map(usize::from);
        ((2 * row + below) * 2 * width + 2 * column + right) as i64
    };
    array(choice.iter().enumerate().map(place).collect(), shape).into()
}

fn dense_shape(input: &NdArrayTensor, weight: &NdArrayTensor) -> dense::Shape {
    let [n, inputs] = input.shape().dims();
    dense::Shape {
        n,
        inputs,
        outputs: weight.shape()[1],
    }
}

/// The CPU level to use. A wrong `LENET_SIMD` is reported by the program at its start; to a program that has
/// not asked, it means nothing.
fn level() -> Level {
    kernels::level().unwrap_or_else(|_| Level::best())
}
