//! Callbacks that report a run of `lenet train` from its start to its end.

use std::path::Path;

use crate::cli::error::Error;
use crate::train::{Quiet, Reporter, RunRecord, TestRecord};

/// Receives the events of a run, in order.
///
/// A failure to report does not end the run: an implementation keeps the first failure, and [`RunReporter::finish`]
/// returns it after everything is done and saved.
pub trait RunReporter: Reporter {
    /// Reports that the run starts or resumes, and the path of the model, if it will be saved.
    fn start(&mut self, _record: &RunRecord, _output: Option<&Path>) {}
    /// Reports the evaluation on the test images after the last epoch.
    fn test(&mut self, _record: &RunRecord, _test: &TestRecord) {}
    /// Reports that the model was saved.
    fn saved(&mut self, _path: &Path) {}
    /// Reports why the run stopped before its end.
    fn stopped(&mut self, _reason: &str) {}
    /// Reports anything else that the user should know.
    fn note(&mut self, _text: &str) {}
    /// Ends the report.
    ///
    /// # Errors
    /// Returns the first failure to report, if any.
    fn finish(&mut self) -> Result<(), Error> {
        Ok(())
    }
}

impl RunReporter for Quiet {}
