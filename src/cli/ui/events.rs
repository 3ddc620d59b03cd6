//! A training run as JSON Lines: one event per line.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::cli::error::Error;
use crate::train::{EpochRecord, Reporter, RunRecord, Settings, TestRecord};

use super::format::fields;
use super::{Out, RunReporter};

/// Returns the `start` event of a run whose model is written to `output`. The fields of the recipe are at the top
/// level, and its name is in `recipe`.
pub fn start(record: &RunRecord, output: Option<&Path>) -> Map<String, Value> {
    let Settings { seed, backend, epochs, batch_size, recipe, .. } = &record.settings;
    let mut event = fields(&json!({
        "event": "start", "schema": 1,
        "train_samples": record.train_samples, "validation_samples": record.validation_samples,
        "seed": seed, "output": output.map(Path::to_string_lossy),
        "backend": backend, "device": record.device, "threads": record.threads,
        "epochs": epochs, "epochs_done": record.epochs.len(), "batch_size": batch_size,
    }));
    event.retain(|_, value| !value.is_null());
    let mut recipe = fields(recipe);
    let name = recipe.shift_remove("name").unwrap_or_default();
    event.extend(recipe);
    event.insert("recipe".to_owned(), name);
    event
}

/// Returns the fields that describe how a run ended.
pub fn end(record: &RunRecord) -> Map<String, Value> {
    fields(&json!({
        "epochs_done": record.epochs.len(), "stop_reason": record.stop_reason,
        "kept_epoch": record.kept_epoch, "collapsed": record.is_collapsed(),
    }))
}

/// Writes the events of `lenet train --json`.
#[derive(Debug, Default)]
pub struct JsonReporter {
    out: Out,
    epochs: usize,
}

impl Reporter for JsonReporter {
    fn epoch(&mut self, record: &EpochRecord, _: usize) {
        self.out.json(&json!({
            "event": "epoch", "epoch": record.epoch, "epochs": self.epochs, "seconds": record.seconds,
            "loss": record.loss, "accuracy": record.accuracy,
            "val_loss": record.val_loss, "val_accuracy": record.val_accuracy,
        }))
    }
}

impl RunReporter for JsonReporter {
    fn start(&mut self, record: &RunRecord, output: Option<&Path>) {
        self.epochs = record.settings.epochs;
        self.out.json(&start(record, output))
    }

    fn test(&mut self, record: &RunRecord, test: &TestRecord) {
        let mut event = json!({
            "event": "test", "samples": test.samples, "loss": test.loss,
            "accuracy": test.accuracy, "correct": test.correct,
        });
        event.as_object_mut().into_iter().for_each(|event| event.extend(end(record)));
        self.out.json(&event)
    }

    fn saved(&mut self, path: &Path) {
        self.out.json(&json!({ "event": "saved", "path": path.to_string_lossy() }))
    }

    fn stopped(&mut self, reason: &str) {
        self.out.json(&json!({ "event": "stopped", "reason": reason }))
    }

    fn note(&mut self, text: &str) {
        super::note(text);
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.out.finish()
    }
}
