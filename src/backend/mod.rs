//! LeNet as operations of a Burn backend: what the network says, its losses and gradients, a step of gradient descent.
//!
//! [`LeNetBackend`] extends Burn's `Backend` by these three operations on [`PARAMETERS`] numbers in one tensor. Their default
//! bodies are Burn's own operations ([`reference`](mod@reference)); the CPU runs [`crate::backend::cpu`] instead, a GPU the kernels in
//! `wgpu`. A [`Trainer`] makes the steps of a training out of them, in memory of its own, so that no step waits for the host
//! or copies what it could change in place.

pub mod cpu;
#[cfg(feature = "wgpu")]
pub mod gpu;
pub mod reference;

use burn::tensor::backend::Backend;
use burn::tensor::ops::FloatTensor;
use burn::tensor::{Tensor, TensorPrimitive};

use crate::backend::cpu::ParameterUpdate;
use crate::data::{Batches, Minibatch};
use crate::error::Error;
use crate::model::{Activation, PARAMETERS, SampleResult, Weights};
use crate::optim::Sgd;

/// What a batch is worth, and which way its parameters would be better.
#[derive(Debug, Clone)]
pub struct Gradients<B: Backend> {
    /// Loss of each image, `[N]`.
    ///
    /// Sparse categorical cross-entropy as TensorFlow 2.0 computes it on outputs that are sigmoids: clip each output o to
    /// [`CLIP`](crate::model::CLIP)` .. 1 - CLIP`, take `p = o / sum(o)`, and the loss is `-ln p[label]`.
    ///
    /// Source: `sparse_categorical_crossentropy` in `tensorflow/python/keras/backend.py`, release 2.0, for
    /// `from_logits=False`. The Keras of today, since TensorFlow 2.3, looks behind the sigmoid for its input
    /// (`output._keras_logits`) and silently takes the softmax of that: another function, with which epoch 1 ends
    /// at accuracy 0.55 instead of 0.40. The notebook that this program replaces ran on 2.0.
    pub losses: FloatTensor<B>,
    /// 1 for each image whose largest output, of equals the first, is its label's, or else 0: `[N]`.
    pub correct: FloatTensor<B>,
    /// Gradient of the mean loss, in the layout of the parameters: `[PARAMETERS]`.
    pub gradients: FloatTensor<B>,
}

/// A Burn backend that has LeNet as single operations.
///
/// Equal values in a pooling window: the gradient goes to the first of them in row order.
pub trait LeNetBackend: Backend {
    /// Makes the steps of a training.
    type Trainer: Trainer<Self>;

    /// How many trainings are faster side by side than one after the other, where there are so many CPU threads.
    fn side_by_side(_threads: usize) -> usize {
        1
    }

    /// The ten outputs of each image, `[N, 10]`, each from 0 to 1.
    fn outputs(
        activation: Activation,
        parameters: FloatTensor<Self>,
        images: Minibatch<'_>,
    ) -> FloatTensor<Self> {
        reference::outputs::<Self>(activation, parameters, images)
    }

    /// Losses, right answers and gradients of a batch.
    fn gradients(
        activation: Activation,
        parameters: FloatTensor<Self>,
        images: Minibatch<'_>,
    ) -> Gradients<Self> {
        reference::gradients::<Self>(activation, parameters, images)
    }

    /// The parameters and velocity after a step of gradient descent; without momentum there is no velocity.
    fn update(
        sgd: Sgd,
        rate: f32,
        parameters: FloatTensor<Self>,
        velocity: Option<FloatTensor<Self>>,
        gradients: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>) {
        reference::update::<Self>(sgd, rate, parameters, velocity, gradients)
    }
}

/// The parameters of a network in training and, where there is momentum, their velocity: on the host, in the layout of
/// [`Weights::to_parameters`].
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// The parameters.
    pub values: Vec<f32>,
    /// The velocity of each.
    pub velocity: Option<Vec<f32>>,
}

impl Parameters {
    /// These weights at the start of a training by the rule `sgd`.
    pub fn new(weights: &Weights, sgd: Sgd) -> Self {
        let velocity = sgd.has_velocity().then(|| vec![0.0; PARAMETERS]);
        Self { values: weights.to_parameters(), velocity }
    }

    /// A step of them on the CPU.
    pub fn descent(&mut self, sgd: Sgd, rate: f32) -> ParameterUpdate<'_> {
        let Self { values, velocity } = self;
        ParameterUpdate { sgd, rate, parameters: values, velocity: velocity.as_deref_mut() }
    }
}

/// A training on a device. It holds the parameters and whatever its steps reuse; a step does not wait for the device.
pub trait Trainer<B: Backend>: Sized {
    /// A training of a network with `activation` by the rule `sgd`, from `start`.
    fn new(activation: Activation, sgd: Sgd, start: &Parameters, device: &B::Device) -> Self;

    /// Begins an epoch at its batch number `first`, counted from 0; `rates` has the learning rate of each of its batches.
    fn begin(&mut self, pass: Batches, rates: Vec<f32>, first: usize);

    /// One step, on the next batch of the epoch.
    ///
    /// # Panics
    /// If the epoch has no more batches, or none has begun.
    fn step(&mut self);

    /// The scores of the images of all steps since the last call, in order. Waits for the device.
    ///
    /// # Errors
    /// If the device failed.
    fn scores(&mut self) -> Result<Vec<SampleResult>, Error>;

    /// The parameters and velocity after the last step. Waits for the device.
    ///
    /// # Errors
    /// If the device failed.
    fn parameters(&mut self) -> Result<Parameters, Error>;
}

/// A tensor's values, row-major, without Burn's panic where the device reports an error. Waits for it.
pub(crate) fn read<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Result<Vec<f32>, Error> {
    let device = tensor.device();
    let failed = |cause: String| Error::Device { backend: B::name(&device), cause };
    // A read alone does not report the errors of the work before it; `sync` does.
    B::sync(&device).map_err(|error| failed(error.to_string()))?;
    let data = tensor.try_into_data().map_err(|error| failed(error.to_string()))?;
    data.convert::<f32>().into_vec().map_err(|error| failed(format!("{error:?}")))
}

fn primitive<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> FloatTensor<B> {
    tensor.into_primitive().tensor()
}

fn tensor<B: Backend, const D: usize>(primitive: FloatTensor<B>) -> Tensor<B, D> {
    Tensor::from_primitive(TensorPrimitive::Float(primitive))
}
