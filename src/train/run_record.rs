//! The record of a run: what it is, what computes it on what, and every figure so far. It is written beside the model and
//! into the state, and the events of a training are made from it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::cli::ui::format::plural;
use crate::data::{DatasetIdentity, DatasetNames};
use crate::eval::Evaluation;
use crate::io::text::one_line;

use super::{Keep, RunFiles, Settings};

/// What is known about a run beside its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of this layout.
    pub schema: u32,
    /// Version of the program.
    pub lenet: String,
    /// Version of Burn.
    pub burn: String,
    /// When it was begun, as in `2026-01-02T03:04:05Z`; records of earlier versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// What computed: the CPU level of the kernels, or the GPU. Bits differ between them.
    pub device: String,
    /// CPU threads.
    pub threads: usize,
    /// What the training was asked to do.
    pub settings: Settings,
    /// SHA-256 of the model file that it was written beside; earlier records have none.
    #[serde(default)]
    pub model_sha256: Option<String>,
    /// SHA-256 of the decompressed data files, by file name.
    pub data: BTreeMap<String, String>,
    /// Names of the data set and of its classes; missing in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<DatasetNames>,
    /// Number of training images.
    pub train_samples: usize,
    /// Number of validation images.
    pub validation_samples: usize,
    /// The finished epochs.
    pub epochs: Vec<EpochRecord>,
    /// The epoch whose weights the model has; none in the middle of the first.
    pub kept_epoch: Option<usize>,
    /// Why it ended, once training is over; records of earlier versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<StopReason>,
    /// The result on the test images, once training is over.
    pub test: Option<TestRecord>,
}

/// The figures of one finished epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Seconds of its training part, without validation.
    pub seconds: f64,
    /// Mean loss over the training batches, as they came.
    pub loss: f64,
    /// Share of right answers over the training batches, as they came.
    pub accuracy: f64,
    /// Loss on the validation part at the end of the epoch; none where there is no validation part.
    pub val_loss: Option<f64>,
    /// Accuracy on the validation part at the end of the epoch.
    pub val_accuracy: Option<f64>,
}

/// Why a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StopReason {
    /// All epochs were done.
    Epochs,
    /// The validation loss had not improved for `--patience` epochs.
    Patience,
}

/// The model's result on the test images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestRecord {
    /// Number of images.
    pub samples: usize,
    /// Mean loss.
    pub loss: f64,
    /// Share of right answers.
    pub accuracy: f64,
    /// Number of right answers.
    pub correct: usize,
    /// Whether all images are given the same answer; records of earlier versions do not say.
    #[serde(default)]
    pub collapsed: bool,
}

impl From<&Evaluation> for TestRecord {
    fn from(test: &Evaluation) -> Self {
        Self {
            samples: test.samples(),
            loss: test.loss(),
            accuracy: test.accuracy(),
            correct: test.correct(),
            collapsed: test.is_collapsed(),
        }
    }
}

/// The largest record that is read, in bytes: one of 100,000 epochs, the most that can be trained, has 20 MB.
const MAX_BYTES: u64 = 32 << 20;

/// Far more than the 18.5 of an image at the furthest from its class.
const MAX_LOSS: f64 = 1000.0;

/// A hundred years.
const MAX_SECONDS: f64 = 3.2e9;

impl RunRecord {
    /// The record of a run by `settings` on `device`, of which nothing is known yet.
    pub fn new(settings: Settings, device: &str) -> Self {
        Self {
            schema: 1,
            lenet: env!("CARGO_PKG_VERSION").to_owned(),
            burn: crate::BURN_VERSION.to_owned(),
            started: None,
            device: device.to_owned(),
            threads: rayon::current_num_threads(),
            settings,
            model_sha256: None,
            data: BTreeMap::new(),
            dataset: None,
            train_samples: 0,
            validation_samples: 0,
            epochs: Vec::new(),
            kept_epoch: None,
            stop_reason: None,
            test: None,
        }
    }

    /// The record in the file `path`.
    ///
    /// # Errors
    /// What is wrong with the file, without its name.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes = crate::io::read(path, MAX_BYTES)?;
        let not_a_record = |why| io::Error::other(format!("not a record of lenet train: {why}"));
        let record: Self =
            serde_json::from_slice(&bytes).map_err(|error| not_a_record(one_line(&error)))?;
        record.check().map_err(not_a_record)?;
        Ok(record)
    }

    /// The record beside the model file `model`, whose bytes have the SHA-256 `sha256`.
    ///
    /// # Errors
    /// As [`RunRecord::read`]; if it is the record of another model.
    pub fn beside(model: &Path, sha256: &str) -> io::Result<Self> {
        let record = Self::read(&RunFiles::beside(model, "json"))?;
        match &record.model_sha256 {
            Some(its) if its != sha256 => {
                Err(io::Error::other("it is the record of another model (SHA-256)"))
            }
            _ => Ok(record),
        }
    }

    /// Returns the data set that the model was trained on. Records of earlier versions only have the digests of its files.
    pub fn trained_on(&self) -> Option<DatasetIdentity> {
        DatasetIdentity::new(self.dataset.clone(), self.data.clone())
    }

    /// Rejects settings that are not possible, invalid names, and metrics out of range, which would break sums and pages.
    pub(super) fn check(&self) -> Result<(), String> {
        self.settings.check()?;
        self.dataset.as_ref().map_or(Ok(()), DatasetNames::check)?;
        let is_loss = |loss: f64| (0.0..=MAX_LOSS).contains(&loss);
        let is_share = |share: f64| (0.0..=1.0).contains(&share);
        let epoch = |(index, epoch): (usize, &EpochRecord)| {
            epoch.epoch == index + 1
                && (0.0..=MAX_SECONDS).contains(&epoch.seconds)
                && is_loss(epoch.loss)
                && is_share(epoch.accuracy)
                && epoch.val_loss.is_none_or(is_loss)
                && epoch.val_accuracy.is_none_or(is_share)
        };
        let test = |test: &TestRecord| is_loss(test.loss) && is_share(test.accuracy);
        let is_sound = self.epochs.len() <= self.settings.epochs
            && self.epochs.iter().enumerate().all(epoch)
            && self.test.as_ref().is_none_or(test);
        match is_sound {
            true => Ok(()),
            false => Err("its figures are those of no training".to_owned()),
        }
    }

    /// The event `start` of a training whose model goes to `output`; the recipe's fields stand beside the others, its
    /// name as `recipe`.
    pub fn start_event(&self, output: Option<&Path>) -> Map<String, Value> {
        let Settings { seed, backend, epochs, batch_size, recipe, .. } = &self.settings;
        let mut event = fields(&json!({
            "event": "start", "schema": 1,
            "train_samples": self.train_samples, "validation_samples": self.validation_samples,
            "seed": seed,
        }));
        if let Some(output) = output {
            event.insert("output".to_owned(), json!(output.to_string_lossy()));
        }
        event.extend(fields(&json!({
            "backend": backend, "device": self.device, "threads": self.threads,
            "epochs": epochs, "epochs_done": self.epochs.len(), "batch_size": batch_size,
        })));
        let mut recipe = fields(recipe);
        let name = recipe.shift_remove("name").unwrap_or_default();
        event.extend(recipe);
        event.insert("recipe".to_owned(), name);
        event
    }

    /// How the training came to its end, as events tell it.
    pub fn end(&self) -> Map<String, Value> {
        fields(&json!({
            "epochs_done": self.epochs.len(), "stop_reason": self.stop_reason,
            "kept_epoch": self.kept_epoch, "collapsed": self.is_collapsed(),
        }))
    }

    /// What all epochs took.
    pub fn seconds(&self) -> f64 {
        self.epochs.iter().map(|epoch| epoch.seconds).sum()
    }

    fn is_collapsed(&self) -> bool {
        self.test.as_ref().is_some_and(|test| test.collapsed)
    }

    /// What a person should know of how it ended.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let (settings, done) = (&self.settings, self.epochs.len());
        if let (Some(StopReason::Patience), Some(patience)) = (self.stop_reason, settings.patience)
        {
            notes.push(format!(
                "note: stopped after epoch {done} of {}: the validation loss did not improve for {}; go on \
                 with --resume and a larger --patience",
                settings.epochs,
                plural(patience, "epoch")
            ));
        }
        if let (Keep::Best, Some(kept)) = (settings.keep, self.kept_epoch)
            && kept != done
        {
            notes.push(format!(
                "note: the model has the weights of epoch {kept}, of the best validation loss"
            ));
        }
        if self.is_collapsed() {
            notes.push(format!(
                "warning: the model gives all test images the same answer; use a learning rate below {} (--lr), \
                 or train for longer if the images were few",
                settings.recipe.learning_rate
            ));
        }
        notes
    }
}

/// The fields of a value as JSON.
fn fields(value: &impl Serialize) -> Map<String, Value> {
    // By way of the text, where an f32 has its own few digits and not those of the f64 that is equal to it.
    let text = serde_json::to_string(value).expect("numbers and strings always become JSON");
    serde_json::from_str(&text).expect("it is one of our structures")
}
