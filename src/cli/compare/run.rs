//! One training, as a comparison sees it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::data::DatasetIdentity;
use crate::eval::Evaluation;
use crate::io::{self as files, text};
use crate::train::{EpochRecord, RunFiles, RunRecord};

use super::log;

/// The largest log that is read, in bytes.
const MAX_LOG_BYTES: u64 = 32 << 20;

/// A figure in which runs are compared.
#[derive(Clone, Copy)]
pub struct Metric {
    /// Its name in JSON.
    pub key: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Digits after the point that are shown.
    pub digits: usize,
    /// What it is for a run, if that is known.
    pub of: fn(&Run) -> Option<f64>,
}

impl Metric {
    /// All figures: of the model on test and validation images, and the time.
    pub const ALL: [Self; 5] = [
        Self::new("test_accuracy", "test accuracy", 4, |run| Some(run.test?.1)),
        Self::new("test_loss", "test loss", 4, |run| Some(run.test?.0)),
        Self::new("val_accuracy", "validation accuracy", 4, |run| run.kept()?.val_accuracy),
        Self::new("val_loss", "validation loss", 4, |run| run.kept()?.val_loss),
        Self::new("seconds", "seconds", 1, |run| {
            run.is_timed.then(|| run.epochs.iter().map(|epoch| epoch.seconds).sum())
        }),
    ];

    const fn new(
        key: &'static str,
        name: &'static str,
        digits: usize,
        of: fn(&Run) -> Option<f64>,
    ) -> Self {
        Self { key, name, digits, of }
    }
}

/// What a run's model says of the test images.
pub struct Predictions {
    pub evaluation: Evaluation,
    /// Whether its answer is right, for each image.
    pub right: Vec<bool>,
}

#[derive(Default)]
pub struct Run {
    /// The file's name without its ending.
    pub name: String,
    /// What trained: `lenet` or `keras`.
    pub engine: &'static str,
    /// The recipe's name, or for another engine the file's name without its number.
    pub kind: String,
    pub seed: Option<u64>,
    /// Everything that was set but for the seed, by its name in the record.
    pub settings: BTreeMap<String, String>,
    pub epochs: Vec<EpochRecord>,
    /// Whether the epochs' seconds are known.
    pub is_timed: bool,
    /// The epoch whose weights the model has.
    pub kept_epoch: Option<usize>,
    /// Loss and accuracy on the test images, as recorded.
    pub test: Option<(f64, f64)>,
    /// The data set that it was trained on, if that is known.
    pub trained_on: Option<DatasetIdentity>,
    /// SHA-256 of its model's file, if it is recorded.
    pub model_sha256: Option<String>,
    /// Where its model would lie.
    pub model: Option<PathBuf>,
    /// What its model says, once it was asked.
    pub answers: Option<Predictions>,
}

impl Run {
    /// The run that `path` names: a record, a model with its record beside it, or a log of Keras.
    pub fn read(path: &Path) -> io::Result<Self> {
        let (record, model) = match path.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => return Self::from_log(path),
            Some("json") => (path.to_owned(), model_of(path)),
            _ => (RunFiles::beside(path, "json"), path.to_owned()),
        };
        let run = Self::from_record(RunRecord::read(&record)?);
        Ok(Self { name: stem(&record), model: Some(model), ..run })
    }

    fn from_record(record: RunRecord) -> Self {
        let trained_on = record.trained_on();
        let mut settings = BTreeMap::new();
        let value = serde_json::to_value(&record.settings);
        flatten("", &value.unwrap_or_default(), &mut settings);
        settings.remove("seed");
        settings.insert("device".to_owned(), record.device);
        settings.insert("lenet".to_owned(), record.lenet);
        settings.insert("train_samples".to_owned(), record.train_samples.to_string());
        if let Some(name) = trained_on.as_ref().and_then(|dataset| dataset.names.name.clone()) {
            settings.insert("dataset".to_owned(), name);
        }
        let digests = record.data.into_iter();
        settings.extend(digests.map(|(file, digest)| (format!("sha256.{file}"), digest)));
        Self {
            engine: "lenet",
            kind: record.settings.recipe.name,
            seed: Some(record.settings.seed),
            settings,
            epochs: record.epochs,
            is_timed: true,
            kept_epoch: record.kept_epoch,
            test: record.test.map(|test| (test.loss, test.accuracy)),
            trained_on,
            model_sha256: record.model_sha256,
            ..Self::default()
        }
    }

    fn from_log(path: &Path) -> io::Result<Self> {
        let bytes = files::read(path, MAX_LOG_BYTES)?;
        let problem =
            |problem| io::Error::other(format!("not a log of Keras' CSVLogger: {problem}"));
        let text = String::from_utf8(bytes).map_err(|error| problem(error.to_string()))?;
        let (epochs, is_timed) = log::parse(&text).map_err(problem)?;
        let name = stem(path);
        let kind = name.trim_end_matches(|c: char| c.is_ascii_digit() || "-_.".contains(c));
        Ok(Self {
            engine: "keras",
            kind: if kind.is_empty() { &name } else { kind }.to_owned(),
            kept_epoch: epochs.last().map(|epoch| epoch.epoch),
            name,
            epochs,
            is_timed,
            ..Self::default()
        })
    }

    fn kept(&self) -> Option<&EpochRecord> {
        self.epochs.iter().find(|epoch| Some(epoch.epoch) == self.kept_epoch)
    }
}

/// The file's name without its ending, with nothing in it that moves a terminal's cursor.
fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    text::line(&stem).into_owned()
}

/// The model that a record lies beside: the reverse of [`RunFiles::beside`].
fn model_of(record: &Path) -> PathBuf {
    let bare = record.with_extension("");
    let mpk = record.with_extension("mpk");
    match !mpk.exists() && bare.is_file() {
        true => bare,
        false => mpk,
    }
}

/// Names and values of everything in `value`, with points between the names of parts; `prefix` ends with one.
fn flatten(prefix: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    let Value::Object(parts) = value else {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        into.insert(prefix.trim_end_matches('.').to_owned(), text);
        return;
    };
    for (part, value) in parts {
        flatten(&format!("{prefix}{part}."), value, into);
    }
}
