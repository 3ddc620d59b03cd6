//! The scores of an epoch's steps: read from the device once in a while, and added up.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::model::SampleResult;

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
    /// Adds the scores of the next images of `epoch`, in batches of `batch_size`.
    ///
    /// # Errors
    /// The first loss that is not finite, named by its batch.
    pub(super) fn add(
        &mut self,
        scores: &[SampleResult],
        batch_size: usize,
        epoch: usize,
    ) -> Result<(), Error> {
        for SampleResult { loss, is_correct } in scores {
            if !loss.is_finite() {
                let what = format!("the loss is {loss}");
                return Err(Error::Diverged { what, epoch, batch: self.samples / batch_size + 1 });
            }
            self.samples += 1;
            self.loss += f64::from(*loss);
            self.correct += usize::from(*is_correct);
        }
        self.batches = self.samples.div_ceil(batch_size);
        Ok(())
    }

    /// Mean loss so far.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.samples.max(1) as f64
    }

    /// Share of right answers so far.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.samples.max(1) as f64
    }
}

/// Scores are read about so often: often enough for a bar that moves and a signal that is heard, seldom enough for a
/// GPU, which stands still meanwhile.
const INTERVAL: Duration = Duration::from_millis(100);

/// How many steps to make between two readings. It follows what a step takes, as the steps of a GPU are only known to be
/// done once something was read.
#[derive(Debug)]
pub(super) struct PollInterval {
    steps: usize,
    done: usize,
    last: Instant,
}

impl PollInterval {
    pub(super) fn new() -> Self {
        Self { steps: 1, done: 0, last: Instant::now() }
    }

    /// Begins an epoch at the pace of the last one.
    pub(super) fn restart(&mut self) {
        self.last = Instant::now();
        self.done = 0;
    }

    /// Counts a step; whether it is time to read.
    pub(super) fn step(&mut self) -> bool {
        self.done += 1;
        self.done >= self.steps
    }

    /// Notes that all scores have been read.
    pub(super) fn has_read(&mut self) {
        self.adapt(self.last.elapsed());
        self.restart();
    }

    fn adapt(&mut self, elapsed: Duration) {
        if elapsed * 2 < INTERVAL && self.done >= self.steps {
            self.steps *= 2;
        } else if elapsed > INTERVAL * 2 {
            self.steps = (self.steps / 2).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(losses: &[f32]) -> Vec<SampleResult> {
        let score = |loss: &f32| SampleResult { loss: *loss, is_correct: *loss < 1.0 };
        losses.iter().map(score).collect()
    }

    #[test]
    fn losses_and_right_answers_add_up_over_images() {
        let mut sums = RunningSums::default();
        sums.add(&scores(&[2.0, 0.5, 0.5, 4.0]), 2, 1).unwrap();
        sums.add(&scores(&[0.25]), 2, 1).unwrap();
        assert_eq!((sums.batches, sums.samples, sums.correct), (3, 5, 3));
        assert_eq!((sums.mean_loss(), sums.accuracy()), (1.45, 0.6));
    }

    #[test]
    fn the_first_loss_that_is_no_number_is_named_by_its_batch() {
        let mut sums = RunningSums::default();
        sums.add(&scores(&[1.0; 33]), 3, 3).unwrap();
        let error = sums.add(&scores(&[1.0, f32::NAN, f32::INFINITY]), 3, 3);
        assert_eq!(
            error.unwrap_err().to_string(),
            "training diverged: the loss is NaN in epoch 3, batch 12"
        );
    }

    #[test]
    fn more_steps_are_made_between_readings_while_these_come_fast_and_fewer_when_slowly() {
        let mut pace = PollInterval::new();
        assert!(pace.step());
        pace.adapt(Duration::from_millis(1));
        assert_eq!(pace.steps, 2);
        pace.adapt(Duration::from_millis(1));
        assert_eq!(pace.steps, 2, "after one step of two nothing is known");
        pace.restart();
        assert!(!pace.step() && pace.step() && pace.step());
        pace.adapt(Duration::from_millis(70));
        assert_eq!(pace.steps, 2);
        for _ in 0..3 {
            pace.adapt(Duration::from_millis(300));
        }
        assert_eq!(pace.steps, 1);
    }
}
