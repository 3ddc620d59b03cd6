//! Who hears how a training goes.

use std::path::Path;

use crate::error::Error;

use super::{EpochRecord, RunRecord, RunningSums, TestRecord};

/// Receives the events of a training, in order; those that it does not ask for pass by.
///
/// A report that fails must not end the training: the first failure is kept, and [`Reporter::finish`] returns
/// it once everything is done and saved.
pub trait Reporter {
    /// Training begins, or goes on, and its model goes to `output`, if to a file.
    fn start(&mut self, _record: &RunRecord, _output: Option<&Path>) {}
    /// Some batches of `epoch`, which has `batches`, are done.
    fn progress(&mut self, _epoch: usize, _batches: usize, _sums: &RunningSums) {}
    /// An epoch over `samples` images is done and validated.
    fn epoch(&mut self, _epoch: &EpochRecord, _samples: usize) {}
    /// The last epoch is done, and the model has been tested.
    fn test(&mut self, _record: &RunRecord, _test: &TestRecord) {}
    /// The model is in this file.
    fn saved(&mut self, _path: &Path) {}
    /// Something to know that is no result.
    fn note(&mut self, _text: &str) {}
    /// Nothing more will come.
    ///
    /// # Errors
    /// The first failure, if there was one.
    fn finish(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

/// Reports to nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Reporter for Quiet {}
