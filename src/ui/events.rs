//! A training as JSON, one event a line.

use std::path::Path;

use serde::Serialize;
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

/// An event of this name with the fields of `value`.
#[derive(Serialize)]
pub struct Event<T> {
    pub event: &'static str,
    #[serde(flatten)]
    pub value: T,
}

impl JsonReporter {
    fn event(&mut self, event: &'static str, value: impl Serialize) {
        self.out.json(&Event { event, value })
    }
}

impl Reporter for JsonReporter {
    fn start(&mut self, record: &RunRecord, output: Option<&Path>) {
        self.epochs = record.settings.epochs;
        self.out.json(&record.start_event(output))
    }

    fn epoch(&mut self, record: &EpochRecord, _: usize) {
        let epochs = self.epochs;
        self.event(
            "epoch",
            json!({
                "epoch": record.epoch, "epochs": epochs, "seconds": record.seconds,
                "loss": record.loss, "accuracy": record.accuracy,
                "val_loss": record.val_loss, "val_accuracy": record.val_accuracy,
            }),
        )
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
        self.event("saved", json!({ "path": path.to_string_lossy() }))
    }

    fn note(&mut self, text: &str) {
        super::note(text);
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.out.finish()
    }
}
