//! One training, as a comparison sees it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::eval::Evaluation;
use crate::io::{self as files, text};
use crate::train::{Output, RunRecord};

use super::log;

/// The largest log that is read, in bytes.
const MAX_LOG_BYTES: u64 = 32 << 20;

/// The figures of one epoch.
#[derive(Debug, Clone, PartialEq)]
pub struct Epoch {
    /// Its number, from 1.
    pub epoch: usize,
    /// Seconds that it took, if they are known.
    pub seconds: Option<f64>,
    /// Mean loss over the training batches.
    pub loss: f64,
    /// Share of right answers over the training batches.
    pub accuracy: f64,
    /// Loss on the validation images at its end.
    pub val_loss: Option<f64>,
    /// Accuracy on the validation images at its end.
    pub val_accuracy: Option<f64>,
}

/// A figure in which runs are compared.
#[derive(Debug, Clone, Copy)]
pub struct Figure {
    /// Its name in JSON.
    pub key: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Digits after the point that are shown.
    pub digits: usize,
    of: fn(&Run) -> Option<f64>,
}

impl Figure {
    /// All figures: of the model on test and validation images, and the time.
    pub const ALL: [Self; 5] = [
        Self::new("test_accuracy", "test accuracy", 4, |run| run.test.map(|t| t.1)),
        Self::new("test_loss", "test loss", 4, |run| run.test.map(|t| t.0)),
        Self::new("val_accuracy", "validation accuracy", 4, |run| run.kept()?.val_accuracy),
        Self::new("val_loss", "validation loss", 4, |run| run.kept()?.val_loss),
        Self::new("seconds", "seconds", 1, Run::seconds),
    ];

    const fn new(
        key: &'static str,
        name: &'static str,
        digits: usize,
        of: fn(&Run) -> Option<f64>,
    ) -> Self {
        Self { key, name, digits, of }
    }

    /// What it is for `run`, if that is known.
    #[must_use]
    pub fn of(&self, run: &Run) -> Option<f64> {
        (self.of)(run)
    }
}

/// What a run's model says of the test images.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    pub evaluation: Evaluation,
    /// Whether its answer is right, for each image.
    pub right: Vec<bool>,
}

/// One training.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// The file's name without its ending.
    pub name: String,
    /// What trained: `lenet` or `keras`.
    pub engine: &'static str,
    /// The recipe's name, or for another engine the file's name without its number.
    pub kind: String,
    /// The seed, if it is known.
    pub seed: Option<u64>,
    /// Everything that was set but for the seed, by its name in the record.
    pub settings: BTreeMap<String, String>,
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights the model has.
    pub kept_epoch: Option<usize>,
    /// Loss and accuracy on the test images, as recorded.
    pub test: Option<(f64, f64)>,
    /// SHA-256 of its model's file, if it is recorded.
    pub model_sha256: Option<String>,
    /// Where its model would lie.
    pub model: Option<PathBuf>,
    /// What its model says, once it was asked.
    pub answers: Option<Answers>,
}

impl Run {
    /// The run that `path` names: a record, a model with its record beside it, or a log of Keras.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(path: &Path) -> io::Result<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        let (record, model) = match ending {
            Some("csv") => return Self::from_log(path),
            Some("json") => (path.to_owned(), model_of(path)),
            _ => (Output::beside(path, "json"), path.to_owned()),
        };
        let name = stem(&record);
        let mut run = Self::from_record(name, &RunRecord::read(&record)?);
        run.model = Some(model);
        Ok(run)
    }

    fn from_record(name: String, record: &RunRecord) -> Self {
        let mut settings = BTreeMap::new();
        let value = serde_json::to_value(&record.settings);
        flatten("", &value.unwrap_or_default(), &mut settings);
        settings.remove("seed");
        for (name, value) in [("device", &record.device), ("lenet", &record.lenet)] {
            settings.insert(name.to_owned(), value.clone());
        }
        settings.insert("train_samples".to_owned(), record.train_samples.to_string());
        for (file, digest) in &record.data {
            settings.insert(format!("sha256.{file}"), digest.clone());
        }
        let epochs = record.epochs.iter().map(|epoch| Epoch {
            epoch: epoch.epoch,
            seconds: Some(epoch.seconds),
            loss: epoch.loss,
            accuracy: epoch.accuracy,
            val_loss: epoch.val_loss,
            val_accuracy: epoch.val_accuracy,
        });
        Self {
            name,
            engine: "lenet",
            kind: record.settings.recipe.name.clone(),
            seed: Some(record.settings.seed),
            settings,
            epochs: epochs.collect(),
            kept_epoch: record.kept_epoch,
            test: record.test.as_ref().map(|test| (test.loss, test.accuracy)),
            model_sha256: record.model_sha256.clone(),
            model: None,
            answers: None,
        }
    }

    fn from_log(path: &Path) -> io::Result<Self> {
        let bytes = files::read(path, MAX_LOG_BYTES)?;
        let problem =
            |problem| io::Error::other(format!("not a log of Keras' CSVLogger: {problem}"));
        let text = String::from_utf8(bytes).map_err(|error| problem(error.to_string()))?;
        let epochs = log::parse(&text).map_err(problem)?;
        let name = stem(path);
        let kind = name.trim_end_matches(|c: char| c.is_ascii_digit() || "-_.".contains(c));
        Ok(Self {
            engine: "keras",
            kind: match kind {
                "" => name.clone(),
                kind => kind.to_owned(),
            },
            name,
            seed: None,
            settings: BTreeMap::new(),
            kept_epoch: epochs.last().map(|epoch| epoch.epoch),
            epochs,
            test: None,
            model_sha256: None,
            model: None,
            answers: None,
        })
    }

    /// The epoch whose weights the model has.
    #[must_use]
    pub fn kept(&self) -> Option<&Epoch> {
        let mut epochs = self.epochs.iter();
        epochs.find(|epoch| Some(epoch.epoch) == self.kept_epoch)
    }

    /// Seconds of all epochs, if they are known of each.
    #[must_use]
    pub fn seconds(&self) -> Option<f64> {
        self.epochs.iter().map(|epoch| epoch.seconds).sum()
    }
}

/// The file's name without its ending, with nothing in it that moves a terminal's cursor.
fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    text::line(&stem).into_owned()
}

/// The model that a record lies beside: the reverse of [`Output::beside`].
fn model_of(record: &Path) -> PathBuf {
    let bare = record.with_extension("");
    let mpk = record.with_extension("mpk");
    match !mpk.exists() && bare.is_file() {
        true => bare,
        false => mpk,
    }
}

/// Names and values of everything in `value`, with points between the names of parts.
fn flatten(name: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(parts) => {
            for (part, value) in parts {
                let name = match name {
                    "" => part.clone(),
                    name => format!("{name}.{part}"),
                };
                flatten(&name, value, into);
            }
        }
        Value::String(text) => {
            into.insert(name.to_owned(), text.clone());
        }
        value => {
            into.insert(name.to_owned(), value.to_string());
        }
    }
}
