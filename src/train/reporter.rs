//! Callbacks that report the progress of a training run.

use super::{EpochRecord, RunningSums};

/// Receives the progress of [`fit`](super::fit()).
pub trait Reporter {
    /// Reports that `sums.batches` of the `batches` batches of `epoch` are done.
    fn progress(&mut self, _epoch: usize, _batches: usize, _sums: &RunningSums) {}
    /// Reports an epoch over `samples` images, after its validation.
    fn epoch(&mut self, _epoch: &EpochRecord, _samples: usize) {}
}

/// A [`Reporter`] that ignores all progress.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Reporter for Quiet {}
