//! Who is told how a training goes.

use std::path::Path;

use serde::Serialize;

use crate::data::{Augmentation, Scaling};
use crate::error::Error;
use crate::eval::Evaluation;

use crate::descent::{Muon, Schedule};
use crate::model::Activation;

use super::{EpochRecord, RunningSums};

/// The facts at the start of a training.
#[derive(Debug, Clone, Serialize)]
pub struct Start {
    /// Version of the JSON events.
    pub schema: u32,
    /// Number of training images.
    pub train_samples: usize,
    /// Number of validation images.
    pub validation_samples: usize,
    /// Seed of every random choice.
    pub seed: u64,
    /// Name of the recipe.
    pub recipe: String,
    /// Name of the backend.
    pub backend: String,
    /// What computes: the CPU level of the kernels, or the GPU.
    pub device: String,
    /// CPU threads.
    pub threads: usize,
    /// Passes in all.
    pub epochs: usize,
    /// Passes that a resumed training has behind it.
    pub epochs_done: usize,
    /// Images per step.
    pub batch_size: usize,
    /// Step size.
    pub learning_rate: f64,
    /// Momentum.
    pub momentum: f64,
    /// Whether momentum is Nesterov's.
    pub nesterov: bool,
    /// How the step size changes.
    pub schedule: Schedule,
    /// How pixels are scaled.
    pub scaling: Scaling,
    /// Factor on Glorot's limit for the initial weights.
    pub gain: f32,
    /// What follows each layer in training.
    pub activation: Activation,
    /// Share of a weight that is added to its gradient.
    pub weight_decay: f64,
    /// How the large matrices move, if another way.
    pub muon: Option<Muon>,
    /// How training images are changed.
    pub augmentation: Augmentation,
}

/// Receives the events of a training, in order.
///
/// A telling that fails must not end the training: the first failure is kept, and [`Reporter::finish`] returns
/// it once everything is done and saved.
pub trait Reporter {
    /// Training begins.
    fn start(&mut self, start: &Start);
    /// Some batches of `epoch`, which has `batches`, are done.
    fn progress(&mut self, epoch: usize, batches: usize, sums: &RunningSums);
    /// An epoch over `samples` images is done and validated.
    fn epoch(&mut self, record: &EpochRecord, samples: usize);
    /// The test images have been looked at.
    fn test(&mut self, test: &Evaluation);
    /// The model lies there.
    fn saved(&mut self, path: &Path);
    /// Something to know that is no result.
    fn note(&mut self, text: &str);
    /// Nothing more will come.
    ///
    /// # Errors
    /// The first failure, if there was one.
    fn finish(&mut self) -> Result<(), Error>;
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Reporter for Quiet {
    fn start(&mut self, _: &Start) {}
    fn progress(&mut self, _: usize, _: usize, _: &RunningSums) {}
    fn epoch(&mut self, _: &EpochRecord, _: usize) {}
    fn test(&mut self, _: &Evaluation) {}
    fn saved(&mut self, _: &Path) {}
    fn note(&mut self, _: &str) {}
    fn finish(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
