//! Scores of batches that are still on the device.
//!
//! Reading a number back makes the host wait for a GPU, so scores are kept there and read many at a time.

use std::time::{Duration, Instant};

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;

use crate::error::Error;
use crate::eval::IntoDataChecked;

use super::RunningSums;

/// Scores are read when there are so many of them ...
const MOST_PENDING: usize = 50;
/// ... or when the last reading is so long ago: progress should move.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Scores that wait to be read, in the order of their batches.
pub(super) struct Ledger<B: Backend> {
    losses: Vec<Tensor<B, 1>>,
    correct: Vec<Tensor<B, 1>>,
    samples: Vec<usize>,
    last_reading: Instant,
}

impl<B: Backend> Ledger<B> {
    pub(super) fn new() -> Self {
        Self {
            losses: vec![],
            correct: vec![],
            samples: vec![],
            last_reading: Instant::now(),
        }
    }

    /// Adds the score of a batch of `samples` images: mean loss `[1]`, right answers `[1]`.
    pub(super) fn push(&mut self, samples: usize, loss: Tensor<B, 1>, correct: Tensor<B, 1>) {
        self.samples.push(samples);
        self.losses.push(loss);
        self.correct.push(correct);
    }

    /// Whether it is time to read.
    pub(super) fn is_due(&self) -> bool {
        self.samples.len() >= MOST_PENDING || self.last_reading.elapsed() >= LONGEST_WAIT
    }

    /// Reads all scores into `sums`.
    ///
    /// The first loss that is not finite ends it: the error names the batch by its number in `epoch`.
    pub(super) fn settle(&mut self, sums: &mut RunningSums, epoch: usize) -> Result<(), Error> {
        self.last_reading = Instant::now();
        if self.samples.is_empty() {
            return Ok(());
        }
        let losses = Tensor::cat(std::mem::take(&mut self.losses), 0);
        let correct = Tensor::cat(std::mem::take(&mut self.correct), 0);
        let values = Tensor::cat(vec![losses, correct], 0).into_data_checked()?;
        let (losses, correct) = values.split_at(self.samples.len());
        for ((samples, loss), correct) in self.samples.drain(..).zip(losses).zip(correct) {
            if !loss.is_finite() {
                let batch = sums.batches + 1;
                return Err(Error::Diverged {
                    what: format!("the loss is {loss}"),
                    epoch,
                    batch,
                });
            }
            sums.add(samples, *loss, *correct);
        }
        Ok(())
    }
}

#[cfg(all(test, feature = "ndarray"))]
mod tests {
    use burn_ndarray::NdArray;

    use super::*;

    fn scalar(value: f32) -> Tensor<NdArray, 1> {
        Tensor::from_floats([value], &Default::default())
    }

    #[test]
    fn scores_are_added_in_the_order_of_their_batches_weighted_by_size() {
        let mut ledger = Ledger::new();
        ledger.push(32, scalar(2.0), scalar(8.0));
        ledger.push(16, scalar(0.5), scalar(4.0));
        let mut sums = RunningSums::default();
        ledger.settle(&mut sums, 1).unwrap();
        assert_eq!((sums.batches, sums.samples, sums.correct), (2, 48, 12));
        assert_eq!((sums.mean_loss(), sums.accuracy()), (1.5, 0.25));
        ledger.settle(&mut sums, 1).unwrap();
        assert_eq!(sums.batches, 2, "read once");
    }

    #[test]
    fn the_first_loss_that_is_no_number_is_named_by_its_batch() {
        let mut ledger = Ledger::new();
        let mut sums = RunningSums {
            batches: 10,
            ..RunningSums::default()
        };
        for loss in [1.0, f32::NAN, f32::INFINITY] {
            ledger.push(32, scalar(loss), scalar(0.0));
        }
        let error = ledger.settle(&mut sums, 3).unwrap_err().to_string();
        assert_eq!(
            error,
            "training diverged: the loss is NaN in epoch 3, batch 12"
        );
        assert_eq!(sums.batches, 11);
    }

    #[test]
    fn many_scores_are_read_at_once() {
        let mut ledger = Ledger::new();
        for _ in 0..MOST_PENDING {
            assert!(!ledger.is_due());
            ledger.push(1, scalar(0.0), scalar(0.0));
        }
        assert!(ledger.is_due());
    }
}
