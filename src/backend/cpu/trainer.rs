//! Training steps on the CPU, which update the parameters in place.

use rayon::prelude::*;

use crate::backend::{Epoch, Parameters, Trainer};
use crate::data::{Batches, Minibatch};
use crate::error::Error;
use crate::model::{Activation, SampleResult};
use crate::optim::Sgd;

use super::forward_backward::{ForwardBackward, Network};
use super::micro_batch::{MICRO_BATCH, MicroBatch, Scratch};
use super::muon::NewtonSchulz;
use super::simd::SimdLevel;
use super::spin_pool::SpinPool;
use super::update::{ParameterUpdate, update};

/// A [`Trainer`] on the threads of the current rayon pool.
pub struct CpuTrainer {
    level: SimdLevel,
    activation: Activation,
    sgd: Sgd,
    parameters: Parameters,
    micro_batches: Vec<Box<MicroBatch>>,
    newton_schulz: NewtonSchulz,
    spin_pool: SpinPool,
    epoch: Option<Epoch>,
    results: Vec<SampleResult>,
}

impl CpuTrainer {
    /// Starts training a network with `activation` from `start`, with the update rule `sgd`.
    pub fn new(level: SimdLevel, activation: Activation, sgd: Sgd, start: &Parameters) -> Self {
        assert_eq!(start.slots.len(), sgd.slots());
        Self {
            level,
            activation,
            sgd,
            parameters: start.clone(),
            micro_batches: Vec::new(),
            newton_schulz: NewtonSchulz::default(),
            spin_pool: SpinPool::default(),
            epoch: None,
            results: Vec::new(),
        }
    }
}

impl Trainer for CpuTrainer {
    fn start_epoch(&mut self, batches: Batches, learning_rates: Vec<f32>, first: usize) {
        self.epoch = Some(Epoch::new(batches, learning_rates, first));
    }

    fn step(&mut self) {
        let epoch = self.epoch.as_mut().expect("an epoch has been started");
        let batch = epoch.advance();
        self.spin_pool.keep_spinning();
        let network =
            Network { activation: self.activation, parameters: self.parameters.weights.values() };
        let images = epoch.batches.batch(batch);
        forward_backward(self.level, network, images, &mut self.micro_batches);
        let parameters = ParameterUpdate {
            sgd: self.sgd,
            learning_rate: epoch.learning_rates[batch],
            weights: self.parameters.weights.values_mut(),
            velocity: self.parameters.slots.first_mut().map(|velocity| velocity.values_mut()),
        };
        update(self.level, parameters, &self.micro_batches, &mut self.newton_schulz);
        for micro_batch in &self.micro_batches {
            self.results.extend(micro_batch.results());
        }
    }

    fn results(&mut self) -> Result<Vec<SampleResult>, Error> {
        Ok(std::mem::take(&mut self.results))
    }

    fn parameters(&mut self) -> Result<Parameters, Error> {
        Ok(self.parameters.clone())
    }
}

/// Runs the forward and backward pass of all images, one task per micro-batch.
fn forward_backward(
    level: SimdLevel,
    network: Network<'_>,
    images: Minibatch<'_>,
    micro_batches: &mut Vec<Box<MicroBatch>>,
) {
    let batch_size = images.len();
    let count = batch_size.div_ceil(MICRO_BATCH);
    micro_batches.resize_with(count, || Box::new(MicroBatch::new()));
    let tasks = micro_batches.par_iter_mut().with_max_len(1).enumerate();
    tasks.for_each(|(index, micro_batch)| {
        let images = images.part(index * MICRO_BATCH, MICRO_BATCH);
        Scratch::with(|scratch| {
            level.run(ForwardBackward { network, images, batch_size, scratch, micro_batch });
        });
    });
}
