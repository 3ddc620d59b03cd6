//! Training and inference of LeNet on a Burn backend.
//!
//! [`reference`](mod@reference) is the readable version: plain Burn operations with autodiff, for any backend. [`cpu`] and
//! `gpu` do the same in fused kernels, with the same file names and the same order of stages:
//!
//! ```text
//! forward_backward   some images per task: pixels -> conv1 -> conv2 -> fc1 -> fc2 -> fc3 -> loss, then the backward pass
//! update             some parameters per task: sums the gradients over the images and updates the parameters
//! muon               the additional update of the large matrices, for recipes with Muon
//! ```
//!
//! All arguments and results of the methods are in host memory. A step neither waits for the device nor copies data between
//! host and device.

pub mod cpu;
#[cfg(feature = "wgpu")]
pub mod gpu;
pub mod reference;

use burn::tensor::backend::Backend;

use crate::data::{Batches, Minibatch};
use crate::error::Error;
use crate::model::{Activation, OUTPUTS, SampleResult, Weights};
use crate::optim::Sgd;

/// A Burn backend on which LeNet can be trained and run.
///
/// If a pooling window has several maxima, the gradient goes to the first one in row-major order.
pub trait LeNetBackend: Backend {
    /// The trainer, which runs training steps.
    type Trainer: Trainer;
    /// A network for inference, which runs forward passes.
    type Inference: Inference;

    /// Starts training a network with `activation` from `start` on `device`, with the update rule `sgd`.
    fn trainer(
        activation: Activation,
        sgd: Sgd,
        start: &Parameters,
        device: &Self::Device,
    ) -> Self::Trainer;

    /// Copies the weights of a network with `activation` to `device`.
    fn inference(
        activation: Activation,
        weights: &Weights,
        device: &Self::Device,
    ) -> Self::Inference;
}

/// A training run on a device. The parameters and all buffers that are reused between steps stay on the device.
pub trait Trainer {
    /// Starts an epoch at minibatch `first`, counted from 0, with one learning rate per minibatch.
    ///
    /// # Panics
    /// Panics if the number of learning rates is not the number of minibatches.
    fn start_epoch(&mut self, batches: Batches, learning_rates: Vec<f32>, first: usize);

    /// Runs one step on the next minibatch of the epoch, without waiting for the device.
    ///
    /// # Panics
    /// Panics if no epoch has been started or the epoch has no more minibatches.
    fn step(&mut self);

    /// Waits for the device and returns the results of all images since the last call, in order.
    ///
    /// # Errors
    /// Returns an error if the device failed.
    fn results(&mut self) -> Result<Vec<SampleResult>, Error>;

    /// Waits for the device and returns the parameters after the last step.
    ///
    /// # Errors
    /// Returns an error if the device failed.
    fn parameters(&mut self) -> Result<Parameters, Error>;
}

/// A network on a device, ready for forward passes.
pub trait Inference {
    /// Computes the outputs of each image, from 0 to 1. Waits for the device.
    ///
    /// # Errors
    /// Returns an error if the device failed.
    fn outputs(&mut self, images: Minibatch<'_>) -> Result<Vec<[f32; OUTPUTS]>, Error>;
}

/// The parameters of a network in training, with the state that the optimizer keeps for each of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// The weights as trained.
    pub weights: Weights,
    /// Optimizer state in the layout of the weights: [`Sgd::slots`] values per parameter.
    pub slots: Vec<Weights>,
}

impl Parameters {
    /// Creates parameters with these weights and an optimizer state of zero.
    pub fn new(weights: Weights, sgd: Sgd) -> Self {
        Self { weights, slots: vec![Weights::zeros(); sgd.slots()] }
    }
}

/// Position of a trainer in its epoch.
struct Epoch {
    batches: Batches,
    learning_rates: Vec<f32>,
    next: usize,
}

impl Epoch {
    fn new(batches: Batches, learning_rates: Vec<f32>, first: usize) -> Self {
        assert_eq!(learning_rates.len(), batches.batches());
        Self { batches, learning_rates, next: first }
    }

    /// Moves to the next minibatch and returns its number.
    fn advance(&mut self) -> usize {
        assert!(self.next < self.learning_rates.len(), "the epoch has no more minibatches");
        self.next += 1;
        self.next - 1
    }
}
