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

/// Sums over the images of an unfinished epoch. Added up in their order, in f64, so that an
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
