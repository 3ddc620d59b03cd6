//! What a training remembers of itself: running sums within an epoch, and a record of each epoch.

use serde::{Deserialize, Serialize};

/// The figures of one finished epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Seconds of its training part, without validation.
    pub seconds: f64,
    /// Mean loss over the training batches, as they came.
    pub loss: f64,
    /// Share of right answers over the training batches, as they came.
    pub accuracy: f64,
    /// Loss on the validation part at the end of the epoch; none where there is no validation part.
    pub val_loss: Option<f64>,
    /// Accuracy on the validation part at the end of the epoch.
    pub val_accuracy: Option<f64>,
}

/// Sums over the batches of an unfinished epoch. Added up in the order of the batches, in f64, so that an
/// interrupted epoch ends with the same figures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunningSums {
    /// Batches in the sums.
    pub batches: usize,
    /// Images in the sums.
    pub samples: usize,
    /// Sum of each image's loss.
    pub loss: f64,
    /// Number of right answers.
    pub correct: usize,
    /// Seconds that the batches took.
    pub seconds: f64,
}

impl RunningSums {
    /// Adds a batch of `samples` images with this mean loss and this many right answers.
    pub fn add(&mut self, samples: usize, loss: f32, correct: f32) {
        self.batches += 1;
        self.samples += samples;
        self.loss += f64::from(loss) * samples as f64;
        self.correct += correct as usize;
    }

    /// Mean loss so far.
    #[must_use]
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.samples.max(1) as f64
    }

    /// Share of right answers so far.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.samples.max(1) as f64
    }
}
