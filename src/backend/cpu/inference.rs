//! Forward passes on the CPU.

use rayon::prelude::*;

use crate::backend::Inference;
use crate::data::Minibatch;
use crate::error::Error;
use crate::model::{Activation, OUTPUTS, Weights};

use super::forward_backward::{Forward, Network};
use super::micro_batch::{MICRO_BATCH, MicroBatch, Scratch};
use super::simd::SimdLevel;

/// An [`Inference`] on the threads of the current rayon pool.
pub struct CpuInference {
    level: SimdLevel,
    activation: Activation,
    weights: Weights,
}

impl CpuInference {
    /// Prepares forward passes of a network with `activation`.
    pub fn new(level: SimdLevel, activation: Activation, weights: &Weights) -> Self {
        Self { level, activation, weights: weights.clone() }
    }
}

impl Inference for CpuInference {
    fn outputs(&mut self, images: Minibatch<'_>) -> Result<Vec<[f32; OUTPUTS]>, Error> {
        let network = Network { activation: self.activation, parameters: self.weights.values() };
        let mut outputs = vec![[0.0; OUTPUTS]; images.len()];
        let tasks = outputs.par_chunks_mut(MICRO_BATCH).enumerate();
        tasks.for_each_init(
            || Box::new(MicroBatch::new()),
            |micro_batch, (index, outputs)| {
                let images = images.part(index * MICRO_BATCH, MICRO_BATCH);
                Scratch::with(|scratch| {
                    self.level.run(Forward { network, images, scratch, micro_batch, outputs });
                });
            },
        );
        Ok(outputs)
    }
}
