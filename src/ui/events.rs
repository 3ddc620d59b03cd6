//! A training as JSON, one event a line.

use std::path::Path;

use serde::Serialize;
use serde_json::json;

use crate::error::Error;
use crate::eval::Evaluation;
use crate::train::{End, EpochRecord, Reporter, Start};

use super::Out;

/// Writes the events of `lenet train --json`.
#[derive(Debug, Default)]
pub struct JsonReporter {
    out: Out,
    epochs: usize,
}

#[derive(Serialize)]
struct Event<'a, T: Serialize> {
    event: &'a str,
    #[serde(flatten)]
    value: T,
}

impl JsonReporter {
    fn event(&mut self, event: &str, value: impl Serialize) {
        self.out.json(&Event { event, value })
    }
}

impl Reporter for JsonReporter {
    fn start(&mut self, start: &Start) {
        self.epochs = start.epochs;
        self.event("start", start)
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

    fn test(&mut self, test: &Evaluation, end: &End) {
        self.event(
            "test",
            json!({
                "samples": test.samples(), "loss": test.loss(),
                "accuracy": test.accuracy(), "correct": test.correct(),
                "epochs_done": end.epochs_done, "stop_reason": end.stop_reason,
                "kept_epoch": end.kept_epoch, "collapsed": end.collapsed,
            }),
        )
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
