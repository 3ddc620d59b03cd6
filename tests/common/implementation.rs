//! A common interface to every trainer and inference implementation, for tests.

use burn::tensor::backend::Backend;
use lenet::backend::cpu::{CpuInference, CpuTrainer, SimdLevel};
use lenet::backend::reference::{BurnInference, BurnTrainer};
use lenet::backend::{Inference, LeNetBackend, Parameters, Trainer};
use lenet::data::{Batches, Minibatch};
use lenet::model::{Activation, SampleResult, Weights};
use lenet::optim::Sgd;

/// Results and gradients of a minibatch.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients {
    pub results: Vec<SampleResult>,
    pub values: Vec<f32>,
}

/// Learning rate of the step in [`Implementation::gradients`]. The rate is so large that the initial weights
/// only affect the rounding of the updated parameters. The rate is a power of two, so dividing by it is exact.
const GRADIENT_RATE: f32 = 1_048_576.0;

/// An implementation of trainer and inference.
pub trait Implementation {
    /// Returns the name for messages of failed tests.
    fn name(&self) -> String;

    fn trainer(&self, activation: Activation, sgd: Sgd, start: &Parameters) -> Box<dyn Trainer>;

    fn inference(&self, activation: Activation, weights: &Weights) -> Box<dyn Inference>;

    /// Returns the outputs of all images, ten per image, as one vector.
    fn outputs(
        &self,
        activation: Activation,
        weights: &Weights,
        images: Minibatch<'_>,
    ) -> Vec<f32> {
        self.inference(activation, weights).outputs(images).unwrap().into_flattened()
    }

    /// Returns the gradients of the mean loss of minibatch `batch`, computed from the change of the weights in a plain SGD step.
    fn gradients(
        &self,
        activation: Activation,
        weights: &Weights,
        batches: &Batches,
        batch: usize,
    ) -> Gradients {
        let sgd = Sgd::default();
        let start = Parameters::new(weights.clone(), sgd);
        let mut trainer = self.trainer(activation, sgd, &start);
        let learning_rates = vec![GRADIENT_RATE; batches.batches()];
        trainer.start_epoch(batches.clone(), learning_rates, batch);
        trainer.step();
        let results = trainer.results().unwrap();
        let end = trainer.parameters().unwrap().weights;
        let pairs = weights.values().iter().zip(end.values());
        let values = pairs.map(|(start, end)| (start - end) / GRADIENT_RATE).collect();
        Gradients { results, values }
    }

    /// Runs one step for each learning rate, and returns the final parameters and the losses of all images.
    fn train(
        &self,
        activation: Activation,
        sgd: Sgd,
        start: &Parameters,
        batches: &Batches,
        learning_rates: &[f32],
    ) -> (Parameters, Vec<f32>) {
        let mut trainer = self.trainer(activation, sgd, start);
        trainer.start_epoch(batches.clone(), learning_rates.to_vec(), 0);
        learning_rates.iter().for_each(|_| trainer.step());
        let results = trainer.results().unwrap();
        let losses = results.iter().map(|result| result.loss).collect();
        (trainer.parameters().unwrap(), losses)
    }
}

/// Plain Burn operations on backend `B`.
#[allow(dead_code, reason = "some tests only use the kernels")]
pub struct PlainBurn<B: Backend>(pub B::Device);

impl<B: Backend> Implementation for PlainBurn<B> {
    fn name(&self) -> String {
        format!("plain Burn ({})", B::name(&self.0))
    }

    fn trainer(&self, activation: Activation, sgd: Sgd, start: &Parameters) -> Box<dyn Trainer> {
        Box::new(BurnTrainer::<B>::new(activation, sgd, start, &self.0))
    }

    fn inference(&self, activation: Activation, weights: &Weights) -> Box<dyn Inference> {
        Box::new(BurnInference::<B>::new(activation, weights, &self.0))
    }
}

/// The kernels of backend `B`.
#[allow(dead_code, reason = "some tests only use plain Burn")]
pub struct Kernels<B: LeNetBackend>(pub B::Device);

impl<B: LeNetBackend> Implementation for Kernels<B> {
    fn name(&self) -> String {
        format!("kernels ({})", B::name(&self.0))
    }

    fn trainer(&self, activation: Activation, sgd: Sgd, start: &Parameters) -> Box<dyn Trainer> {
        Box::new(B::trainer(activation, sgd, start, &self.0))
    }

    fn inference(&self, activation: Activation, weights: &Weights) -> Box<dyn Inference> {
        Box::new(B::inference(activation, weights, &self.0))
    }
}

/// The CPU kernels with one instruction set.
#[allow(dead_code, reason = "some tests use the GPU or plain Burn")]
pub struct Cpu(pub SimdLevel);

impl Implementation for Cpu {
    fn name(&self) -> String {
        format!("kernels ({})", self.0)
    }

    fn trainer(&self, activation: Activation, sgd: Sgd, start: &Parameters) -> Box<dyn Trainer> {
        Box::new(CpuTrainer::new(self.0, activation, sgd, start))
    }

    fn inference(&self, activation: Activation, weights: &Weights) -> Box<dyn Inference> {
        Box::new(CpuInference::new(self.0, activation, weights))
    }
}
