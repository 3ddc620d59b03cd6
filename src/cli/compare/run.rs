//! A run to compare.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::data::{DataFile, DatasetIdentity};
use crate::eval::Evaluation;
use crate::io::{self as files, text};
use crate::train::{EpochRecord, RunFiles, RunRecord, StopReason};

use super::log::{self, Log};
use super::setting::{Setting, flat};

/// The largest log file that is read, in bytes.
const MAX_LOG_BYTES: u64 = 32 << 20;

/// A metric by which runs are compared.
#[derive(Clone, Copy, Serialize)]
pub struct Metric {
    /// Name in JSON.
    #[serde(rename = "figure")]
    pub key: &'static str,
    /// Name in text.
    #[serde(skip)]
    pub name: &'static str,
    /// Digits after the decimal point.
    #[serde(skip)]
    pub digits: usize,
    /// Function that returns the value of a run, if known.
    #[serde(skip)]
    pub of: fn(&Run) -> Option<f64>,
}

impl Metric {
    /// All metrics: those of the model on test and validation images, and the training time.
    pub const ALL: [Self; 5] = [
        Self::new("test_accuracy", "test accuracy", 4, |run| Some(run.test?.1)),
        Self::new("test_loss", "test loss", 4, |run| Some(run.test?.0)),
        Self::new("val_accuracy", "val accuracy", 4, |run| run.kept()?.val_accuracy),
        Self::new("val_loss", "val loss", 4, |run| run.kept()?.val_loss),
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

/// A model's predictions on the test images.
pub struct Predictions {
    pub evaluation: Evaluation,
    /// The predicted class of each image. A comparison may have thousands of models, so this is a byte per image.
    pub predicted: Vec<u8>,
}

/// A run, as read from its run record or log.
#[derive(Default)]
pub struct Run {
    /// File name without its extension.
    pub name: String,
    /// The framework: `lenet` or `keras`.
    pub framework: &'static str,
    /// Name of the recipe, or for another framework the file name without its number.
    pub kind: String,
    pub seed: Option<u64>,
    /// All settings except the seed, by name in the run record.
    pub settings: BTreeMap<String, Setting>,
    pub epochs: Vec<EpochRecord>,
    /// Whether the training time of each epoch is known.
    pub is_timed: bool,
    /// The epoch whose weights are saved as the model.
    pub kept_epoch: Option<usize>,
    /// The reason why the run ended, if known: `all epochs`, `early stopping`, `unfinished` or `diverged`.
    pub ended: Option<&'static str>,
    /// Loss and accuracy on the test images, as recorded.
    pub test: Option<(f64, f64)>,
    /// Data set that the model was trained on, if recorded.
    pub trained_on: Option<DatasetIdentity>,
    /// SHA-256 of the model file, if recorded.
    pub model_sha256: Option<String>,
    /// Identifies the file of the run record or the log.
    pub source: Source,
    /// Path of the model file, which need not exist.
    pub model: Option<PathBuf>,
    /// Predictions of the model, if it was evaluated.
    pub predictions: Option<Predictions>,
}

impl Run {
    /// Reads the run that `path` names: a run record, a model with its record next to it, or a Keras log.
    pub fn read(path: &Path) -> io::Result<Self> {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        let (record, model) = match extension.to_str() {
            // Keras documents `CSVLogger` with the file name training.log.
            Some("csv" | "log" | "tsv") => return Self::from_log(path),
            Some("json") => (path.to_owned(), model_of(path)),
            _ => (RunFiles::beside(path, "json"), path.to_owned()),
        };
        let run = RunRecord::read(&record).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if path.exists() => {
                let record = record.display();
                io::Error::new(
                    io::ErrorKind::NotFound,
                    format!("its run record {record} does not exist"),
                )
            }
            _ => error,
        });
        let run = Self::from_record(run?);
        let source = Source::of(&record)?;
        Ok(Self { name: stem(&record), source, model: Some(model), ..run })
    }

    fn from_record(record: RunRecord) -> Self {
        let trained_on = record.trained_on();
        let ended = match (record.stop_reason, &record.test) {
            (Some(StopReason::Patience), _) => "early stopping",
            (Some(StopReason::Epochs), _) | (None, Some(_)) => "all epochs",
            (None, None) => "unfinished",
        };
        let mut settings = flat(&record.settings);
        settings.insert("device".to_owned(), Setting::Text(record.device));
        settings.insert("lenet".to_owned(), Setting::Text(record.lenet));
        let samples = Setting::Json(record.train_samples.to_string());
        settings.insert("train_samples".to_owned(), samples);
        if let Some(name) = trained_on.as_ref().and_then(|dataset| dataset.names.name.clone()) {
            settings.insert("dataset".to_owned(), Setting::Text(name));
        }
        // Only known files, because a comparison has a column for every setting of any run.
        let known = DataFile::ALL.map(DataFile::name);
        let digests = record.data.into_iter().filter(|(file, _)| known.contains(&&**file));
        let digest = |(file, digest)| (format!("sha256.{file}"), Setting::Text(digest));
        settings.extend(digests.map(digest));
        Self {
            framework: "lenet",
            kind: record.settings.recipe.name,
            seed: Some(record.settings.seed),
            settings,
            epochs: record.epochs,
            is_timed: true,
            kept_epoch: record.kept_epoch,
            ended: Some(ended),
            test: record.test.map(|test| (test.loss, test.accuracy)),
            trained_on,
            model_sha256: record.model_sha256,
            ..Self::default()
        }
    }

    fn from_log(path: &Path) -> io::Result<Self> {
        let bytes = files::read(path, MAX_LOG_BYTES)?;
        let problem = |problem| io::Error::other(format!("not a Keras CSVLogger log: {problem}"));
        let text = String::from_utf8(bytes).map_err(|error| problem(error.to_string()))?;
        let Log { epochs, is_timed, has_diverged } = log::parse(&text).map_err(problem)?;
        let name = stem(path);
        let kind = name.trim_end_matches(|c: char| c.is_ascii_digit() || "-_.".contains(c));
        Ok(Self {
            framework: "keras",
            kind: if kind.is_empty() { &name } else { kind }.to_owned(),
            kept_epoch: epochs.last().map(|epoch| epoch.epoch),
            name,
            epochs,
            is_timed,
            ended: has_diverged.then_some("diverged"),
            source: Source::of(path)?,
            ..Self::default()
        })
    }

    /// Returns whether a loss in a log is not a number or impossibly large.
    pub fn has_diverged(&self) -> bool {
        self.ended == Some("diverged")
    }

    fn kept(&self) -> Option<&EpochRecord> {
        self.epochs.iter().find(|epoch| Some(epoch.epoch) == self.kept_epoch)
    }
}

/// Identifies a file: on Unix by its device and inode, which all its hard links share, and elsewhere by its absolute path.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    #[cfg(unix)]
    id: (u64, u64),
    #[cfg(not(unix))]
    path: PathBuf,
}

impl Source {
    /// Identifies the file at `path`, following symlinks.
    #[cfg(unix)]
    fn of(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let found = path.metadata()?;
        Ok(Self { id: (found.dev(), found.ino()) })
    }

    /// Identifies the file at `path`, following symlinks.
    #[cfg(not(unix))]
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.canonicalize()? })
    }
}

/// Returns the file name without its extension, escaped for a terminal.
fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    text::line(&stem).into_owned()
}

/// Returns the path of the model that a record belongs to: the inverse of [`RunFiles::beside`].
fn model_of(record: &Path) -> PathBuf {
    let bare = record.with_extension("");
    let mpk = record.with_extension("mpk");
    match !mpk.exists() && bare.is_file() {
        true => bare,
        false => mpk,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::{Recipe, Settings};

    #[test]
    fn unknown_data_files_are_no_settings() {
        let mut record = RunRecord::new(Settings::new(Recipe::classic()), "CPU");
        let names = [DataFile::TestLabels.name(), "a", "b"];
        record.data = names.map(|name| (name.to_owned(), "0".to_owned())).into();
        let settings = Run::from_record(record).settings;
        let digests: Vec<_> = settings.keys().filter(|name| name.starts_with("sha256.")).collect();
        assert_eq!(digests, ["sha256.t10k-labels-idx1-ubyte"]);
    }
}
