//! Sums over the per-image results of an epoch, which are read from the device at intervals.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::model::SampleResult;

/// Sums over the images of an unfinished epoch. Results are added in the order of the images, in f64, so that an epoch that was
/// interrupted and resumed ends with the same metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunningSums {
    /// Number of batches in the sums.
    pub batches: usize,
    /// Number of images in the sums.
    pub samples: usize,
    /// Sum of the losses.
    pub loss: f64,
    /// Number of correct predictions.
    pub correct: usize,
    /// Training time of the batches in seconds.
    pub seconds: f64,
}

impl RunningSums {
    /// Adds the results of the next images of `epoch`, in batches of `batch_size`.
    ///
    /// # Errors
    /// Returns [`Error::Diverged`] for the first loss that is not finite.
    pub(super) fn add(
        &mut self,
        results: &[SampleResult],
        batch_size: usize,
        epoch: usize,
    ) -> Result<(), Error> {
        for SampleResult { loss, is_correct } in results {
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

    /// Returns the mean loss so far.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.samples.max(1) as f64
    }

    /// Returns the fraction of correct predictions so far.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.samples.max(1) as f64
    }
}

/// The intended time between two reads of the results. It is short enough for a progress bar, and long enough that a GPU, which
/// idles during a read, loses little time.
const INTERVAL: Duration = Duration::from_millis(100);

/// The number of steps between two reads. It adapts so that reads are about [`INTERVAL`] apart. The time is measured from read
/// to read, because only a read waits for the steps of a GPU.
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

    /// Starts counting steps and time from zero, and keeps the current interval.
    pub(super) fn restart(&mut self) {
        self.last = Instant::now();
        self.done = 0;
    }

    /// Counts a step and returns whether to read the results now.
    pub(super) fn step(&mut self) -> bool {
        self.done += 1;
        self.done >= self.steps
    }

    /// Adapts the interval after a read.
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

    fn results(losses: &[f32]) -> Vec<SampleResult> {
        let result = |loss: &f32| SampleResult { loss: *loss, is_correct: *loss < 1.0 };
        losses.iter().map(result).collect()
    }

    #[test]
    fn losses_and_correct_predictions_add_up() {
        let mut sums = RunningSums::default();
        sums.add(&results(&[2.0, 0.5, 0.5, 4.0]), 2, 1).unwrap();
        sums.add(&results(&[0.25]), 2, 1).unwrap();
        assert_eq!((sums.batches, sums.samples, sums.correct), (3, 5, 3));
        assert_eq!((sums.mean_loss(), sums.accuracy()), (1.45, 0.6));
    }

    #[test]
    fn non_finite_loss_names_its_batch() {
        let mut sums = RunningSums::default();
        sums.add(&results(&[1.0; 33]), 3, 3).unwrap();
        let error = sums.add(&results(&[1.0, f32::NAN, f32::INFINITY]), 3, 3);
        assert_eq!(
            error.unwrap_err().to_string(),
            "training diverged: the loss is NaN in epoch 3, batch 12"
        );
    }

    #[test]
    fn read_interval_adapts_to_step_time() {
        let mut interval = PollInterval::new();
        assert!(interval.step());
        interval.adapt(Duration::from_millis(1));
        assert_eq!(interval.steps, 2);
        interval.adapt(Duration::from_millis(1));
        assert_eq!(interval.steps, 2, "one of two steps says nothing about the interval");
        interval.restart();
        assert!(!interval.step() && interval.step() && interval.step());
        interval.adapt(Duration::from_millis(70));
        assert_eq!(interval.steps, 2);
        for _ in 0..3 {
            interval.adapt(Duration::from_millis(300));
        }
        assert_eq!(interval.steps, 1);
    }
}
