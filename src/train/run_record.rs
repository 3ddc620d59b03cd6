//! The run record: settings, device, data and metrics of a run. It is saved next to the model and in the checkpoint.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::data::{CLASSES, DatasetIdentity, DatasetNames};
use crate::io::text::one_line;

use super::record_check::{SCHEMA, few_files};
use super::{RunFiles, Settings, TestRecord};

/// Everything about a run except the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of the layout.
    pub schema: u32,
    /// Version of this crate.
    pub lenet: String,
    /// Version of Burn.
    pub burn: String,
    /// Time of the start, such as `2026-01-02T03:04:05Z`. Earlier versions did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// The CPU with its instruction set, or the name of the GPU. The same run gives slightly different weights on different
    /// devices, unless [they are bit-identical](crate::backend::cpu::are_bit_identical).
    pub device: String,
    /// Name of the machine, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The job of a batch system in which the run was last started, for example `slurm 4711_3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// Number of times that the run was resumed.
    #[serde(default)]
    pub restarts: u64,
    /// Number of CPU threads.
    pub threads: usize,
    /// Settings of the run.
    pub settings: Settings,
    /// SHA-256 of the model file next to the record. Earlier versions did not record it.
    #[serde(default)]
    pub model_sha256: Option<String>,
    /// SHA-256 of the decompressed content of each data file, by file name.
    #[serde(deserialize_with = "few_files")]
    pub data: BTreeMap<String, String>,
    /// Names of the data set and of its classes. Earlier versions did not record them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<DatasetNames>,
    /// Number of training images.
    pub train_samples: usize,
    /// Number of validation images.
    pub validation_samples: usize,
    /// The finished epochs.
    pub epochs: Vec<EpochRecord>,
    /// The epoch whose weights are saved as the model, or `None` during the first epoch.
    pub kept_epoch: Option<usize>,
    /// Reason why the finished run ended. Earlier versions did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<StopReason>,
    /// The evaluation of the finished run on the test images.
    pub test: Option<TestRecord>,
}

/// The metrics of a finished epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Training time in seconds, without validation.
    pub seconds: f64,
    /// Mean training loss. The loss of each batch is computed before the update by that batch.
    pub loss: f64,
    /// Training accuracy, computed like the loss.
    pub accuracy: f64,
    /// Loss on the validation images after the epoch, or `None` without validation images.
    pub val_loss: Option<f64>,
    /// Accuracy on the validation images after the epoch.
    pub val_accuracy: Option<f64>,
}

/// The reason why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StopReason {
    /// All epochs are done.
    Epochs,
    /// Early stopping: the validation loss did not improve for [`Settings::patience`] epochs.
    Patience,
}

/// The largest run record that is read, in bytes. A record of 100,000 epochs, the maximum, has 20 MB.
const MAX_BYTES: u64 = 32 << 20;

impl RunRecord {
    /// Returns the record of a run with `settings` on `device` that has not started.
    pub fn new(settings: Settings, device: &str) -> Self {
        Self {
            schema: SCHEMA,
            lenet: env!("CARGO_PKG_VERSION").to_owned(),
            burn: crate::BURN_VERSION.to_owned(),
            started: None,
            device: device.to_owned(),
            host: None,
            job: None,
            restarts: 0,
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

    /// Reads the record in the file `path`.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or is not a valid record. The message does not contain the path.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes = crate::io::read(path, MAX_BYTES)?;
        let invalid = |why| io::Error::other(format!("not a lenet run record: {why}"));
        Self::decode(&bytes).map_err(invalid)
    }

    /// Decodes the bytes of a record.
    ///
    /// # Errors
    /// Returns a description of the problem if the bytes are not a valid record.
    pub fn decode(bytes: &[u8]) -> Result<Self, String> {
        let record: Self = serde_json::from_slice(bytes).map_err(|error| one_line(&error))?;
        record.check()?;
        Ok(record)
    }

    /// Reads the record next to the model file `model`, whose SHA-256 is `sha256`.
    ///
    /// # Errors
    /// Returns an error if [`RunRecord::read`] does, or if the record belongs to another model.
    pub fn beside(model: &Path, sha256: &str) -> io::Result<Self> {
        let record = Self::read(&RunFiles::beside(model, "json"))?;
        match &record.model_sha256 {
            Some(recorded) if recorded != sha256 => {
                Err(io::Error::other("the run record belongs to another model (SHA-256)"))
            }
            _ => Ok(record),
        }
    }

    /// Returns the data set that the model was trained on. Records of earlier versions only have the digests of its files.
    pub fn trained_on(&self) -> Option<DatasetIdentity> {
        DatasetIdentity::new(self.dataset.clone(), self.data.clone())
    }

    /// Returns the number of classes of the data set. Data sets of earlier versions have ten.
    pub fn classes(&self) -> usize {
        self.dataset.as_ref().map_or(CLASSES, |dataset| dataset.classes.len())
    }

    /// Returns the test results if the model has not learned.
    pub fn failure(&self) -> Option<&TestRecord> {
        self.test.as_ref().filter(|test| test.is_failure(self.classes()))
    }

    /// Returns the training time of all epochs in seconds.
    pub fn seconds(&self) -> f64 {
        self.epochs.iter().fold(0.0, |sum, epoch| sum + epoch.seconds)
    }

    /// Returns whether the model predicts the same class for every test image.
    pub fn is_collapsed(&self) -> bool {
        self.test.as_ref().is_some_and(|test| test.collapsed)
    }
}
