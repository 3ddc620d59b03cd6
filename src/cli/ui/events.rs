//! A training as JSON, one event a line.

use std::path::Path;

use serde_json::json;

use crate::error::Error;
use crate::train::{EpochRecord, Reporter, RunRecord, TestRecord};

use super::Out;

/// Writes the events of `lenet train --json`.
#[derive(Debug, Default)]
pub struct JsonReporter {
    out: Out,
    epochs: usize,
}

impl Reporter for JsonReporter {
    fn start(&mut self, record: &RunRecord, output: Option<&Path>) {
        self.epochs = record.settings.epochs;
        self.out.json(&record.start_event(output))
    }

    fn epoch(&mut self, record: &EpochRecord, _: usize) {
        self.out.json(&json!({
            "event": "epoch", "epoch": record.epoch, "epochs": self.epochs, "seconds": record.seconds,
            "loss": record.loss, "accuracy": record.accuracy,
            "val_loss": record.val_loss, "val_accuracy": record.val_accuracy,
        }))
    }

    fn test(&mut self, record: &RunRecord, test: &TestRecord) {
        let mut event = json!({
            "event": "test", "samples": test.samples, "loss": test.loss,
            "accuracy": test.accuracy, "correct": test.correct,
        });
        event.as_object_mut().into_iter().for_each(|event| event.extend(record.end()));
        self.out.json(&event)
    }

    fn saved(&mut self, path: &Path) {
        self.out.json(&json!({ "event": "saved", "path": path.to_string_lossy() }))
    }

    fn note(&mut self, text: &str) {
        super::note(text);
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.out.finish()
    }
}
