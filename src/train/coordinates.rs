//! Descent in the coordinates of the network's twin with tanh, and weight decay.
//!
//! A sigmoid is a tanh, `sigmoid(x) = (1 + tanh(x / 2)) / 2`, so LeNet is also a network of tanh layers. A layer of
//! ours computes `sigmoid(w s + b)` from sigmoids s, its twin `tanh(v t + c)` from `t = 2 s - 1`; both are the same
//! function where
//!
//! ```text
//! w = 4 v,  b = 2 c - 2 sum(v)      with sigmoids as input
//! w = 2 v,  b = 2 c                 in conv1, whose input is pixels
//! ```
//!
//! t lies about zero, where s is always positive, and from such inputs gradient descent goes more directly (LeCun et
//! al. 1998, "Efficient BackProp", sections 4.3 and 4.4). A step of the twin is a step of ours along the gradients
//! below; all of it is linear, so momentum needs no change, and the model remains what it is.

use burn::module::Param;
use burn::nn::Linear;
use burn::nn::conv::Conv2d;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use burn::tensor::backend::AutodiffBackend;
use serde::{Deserialize, Serialize};

use crate::model::{LeNet, Weights};
use crate::ops::{self, LeNetBackend, Turn};

use super::Recipe;

/// Whose weights gradient descent changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Coordinates {
    /// The network's own.
    #[default]
    Sigmoid,
    /// Its twin's with tanh.
    Tanh,
}

impl Coordinates {
    /// Sets the biases of initial weights so that these coordinates' biases are zero.
    pub fn zero_biases(self, weights: &mut Weights) {
        let shift = self.turn(Input::Sigmoids, 0.0).shift;
        let [_, _, inner @ ..] = weights.tensors_mut();
        for layer in inner.chunks_exact_mut(2) {
            let [weight, bias] = layer else { continue };
            let inputs = weight.len() / bias.len();
            for (weights, bias) in weight.chunks_exact(inputs).zip(bias) {
                *bias = 0.0 - shift * weights.iter().sum::<f32>();
            }
        }
    }

    /// How the gradients of a layer's weights and biases become steps of these coordinates: the squares and products
    /// of the factors at the head of this file.
    fn turn(self, input: Input, weight_decay: f32) -> Turn {
        let (scale, bias_scale, shift) = match (self, input) {
            (Self::Sigmoid, _) => (1.0, 1.0, 0.0),
            (Self::Tanh, Input::Pixels) => (4.0, 4.0, 0.0),
            (Self::Tanh, Input::Sigmoids) => (16.0, 4.0, 0.5),
        };
        Turn {
            scale,
            bias_scale,
            shift,
            weight_decay,
        }
    }
}

/// What a layer is given.
#[derive(Clone, Copy)]
enum Input {
    Pixels,
    Sigmoids,
}

/// Turns gradients into what descent goes along in a recipe's coordinates, with its weight decay.
pub(super) struct Direction {
    coordinates: Coordinates,
    weight_decay: f32,
}

impl Direction {
    pub(super) fn of(recipe: &Recipe) -> Self {
        Self {
            coordinates: recipe.coordinates,
            weight_decay: recipe.weight_decay as f32,
        }
    }

    /// Turns the gradients of `model`.
    pub(super) fn turn<B>(&self, model: &LeNet<B>, gradients: &mut GradientsParams)
    where
        B: AutodiffBackend,
        B::InnerBackend: LeNetBackend,
    {
        if self.coordinates == Coordinates::Sigmoid && self.weight_decay == 0.0 {
            return;
        }
        let conv = |layer: &Conv2d<B>, input, gradients: &mut GradientsParams| {
            self.turn_layer(input, &layer.weight, layer.bias.as_ref(), gradients);
        };
        conv(&model.conv1, Input::Pixels, gradients);
        conv(&model.conv2, Input::Sigmoids, gradients);
        for Linear { weight, bias, .. } in [&model.fc1, &model.fc2, &model.fc3] {
            self.turn_layer(Input::Sigmoids, weight, bias.as_ref(), gradients);
        }
    }

    fn turn_layer<B, const D: usize>(
        &self,
        input: Input,
        weight: &Param<Tensor<B, D>>,
        bias: Option<&Param<Tensor<B, 1>>>,
        gradients: &mut GradientsParams,
    ) where
        B: AutodiffBackend,
        B::InnerBackend: LeNetBackend,
    {
        let bias = bias.expect("every layer of LeNet is built with a bias").id;
        let d_weight = gradients.remove::<B::InnerBackend, D>(weight.id);
        let d_bias = gradients.remove::<B::InnerBackend, 1>(bias);
        let (d_weight, d_bias) = d_weight
            .zip(d_bias)
            .expect("every parameter of LeNet has a gradient");
        let turn = self.coordinates.turn(input, self.weight_decay);
        let weights = weight.val().inner();
        let (d_weight, d_bias) = ops::turn_gradients(turn, weights, d_weight, d_bias);
        gradients.register::<B::InnerBackend, D>(weight.id, d_weight);
        gradients.register::<B::InnerBackend, 1>(bias, d_bias);
    }
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use burn_ndarray::NdArray;

    use super::*;

    const INPUTS: usize = 3;
    const UNITS: usize = 2;

    /// A step of the twin by the chain rule, `[inputs, units]`: what it is along, for weights and biases of ours.
    fn step_of_twin(input: Input, w: &[f32], dw: &[f32], db: &[f32]) -> (Vec<f32>, Vec<f32>) {
        const DECAY: f32 = 0.25;
        // w = a v, b = 2 c - m sum(v), so that the twin's gradients are a dw - m db and 2 db.
        let (a, m) = match input {
            Input::Pixels => (2.0, 0.0),
            Input::Sigmoids => (4.0, 2.0),
        };
        let at = |input, unit| input * UNITS + unit;
        let dv = |i, u| a * dw[at(i, u)] - m * db[u] + DECAY * w[at(i, u)] / a;
        let weights = (0..INPUTS * UNITS).map(|place| a * dv(place / UNITS, place % UNITS));
        let biases =
            (0..UNITS).map(|u| 2.0 * 2.0 * db[u] - m * (0..INPUTS).map(|i| dv(i, u)).sum::<f32>());
        (weights.collect(), biases.collect())
    }

    #[test]
    fn a_step_of_ours_is_a_step_of_the_twin() {
        let device = Default::default();
        let (w, dw, db) = (
            [0.5, -1.0, 2.0, 0.25, -0.75, 1.5],
            [1.0, 2.0, -3.0, 0.5, 4.0, -1.0],
            [0.5, -2.0],
        );
        for input in [Input::Pixels, Input::Sigmoids] {
            let turn = Coordinates::Tanh.turn(input, 0.25);
            let (weights, biases) = step_of_twin(input, &w, &dw, &db);
            // As a dense layer, and as a convolution, which has its units first.
            let by_inputs = |x: [f32; 6]| {
                Tensor::<NdArray, 1>::from_floats(x, &device).reshape([INPUTS, UNITS])
            };
            let bias = || Tensor::<NdArray, 1>::from_floats(db, &device);
            let (d, b) = ops::turn_gradients(turn, by_inputs(w), by_inputs(dw), bias());
            assert_eq!(d.into_data().to_vec::<f32>().unwrap(), weights);
            assert_eq!(b.into_data().to_vec::<f32>().unwrap(), biases);
            let conv = |x| by_inputs(x).transpose().reshape([UNITS, INPUTS, 1, 1]);
            let (d, b) = ops::turn_gradients(turn, conv(w), conv(dw), bias());
            let d = d.reshape([UNITS, INPUTS]).transpose();
            assert_eq!(d.into_data().to_vec::<f32>().unwrap(), weights);
            assert_eq!(b.into_data().to_vec::<f32>().unwrap(), biases);
        }
    }

    #[test]
    fn the_twins_biases_begin_at_zero() {
        let mut weights = Weights::initial(1, 3.0);
        let own = weights.clone();
        Coordinates::Sigmoid.zero_biases(&mut weights);
        assert_eq!(weights, own);
        Coordinates::Tanh.zero_biases(&mut weights);
        let [_, conv1_bias, .., fc3, fc3_bias] = weights.tensors();
        assert_eq!(conv1_bias[..], [0.0; 6]);
        let twins = fc3_bias[7] + 0.5 * fc3[7 * 84..8 * 84].iter().sum::<f32>();
        assert!(twins.abs() < 1e-6, "{twins}");
    }
}
