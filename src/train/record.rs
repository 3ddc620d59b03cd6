//! What a training tells of itself beside its model: settings, data, every epoch's figures, the test.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::eval::Evaluation;
use crate::io::text::one_line;

use super::{EpochRecord, Settings, StopReason};

/// What is written about a run beside its model.
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
    /// What computed: the CPU level of the kernels, or the GPU.
    pub device: String,
    /// CPU threads.
    pub threads: usize,
    /// What the training was asked to do.
    pub settings: Settings,
    /// SHA-256 of the model file that it was written beside; records of old have none.
    #[serde(default)]
    pub model_sha256: Option<String>,
    /// SHA-256 of each data file's content, by its name.
    pub data: BTreeMap<String, String>,
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

/// The largest record that is read, in bytes: one of 100,000 epochs, the most that can be trained, has 20 MB.
const MAX_BYTES: u64 = 32 << 20;

/// Far more than the 18.5 of an image at the furthest from its class.
const MAX_LOSS: f64 = 1000.0;

/// A hundred years.
const MAX_SECONDS: f64 = 3.2e9;

fn is_loss(loss: f64) -> bool {
    (0.0..=MAX_LOSS).contains(&loss)
}

impl RunRecord {
    /// The record in the file `path`.
    ///
    /// # Errors
    /// What is wrong with the file, without its name.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes = crate::io::read(path, MAX_BYTES)?;
        let not_a_record = |why| io::Error::other(format!("not a record of lenet train: {why}"));
        let record: Self =
            serde_json::from_slice(&bytes).map_err(|error| not_a_record(one_line(&error)))?;
        record.settings.check().map_err(not_a_record)?;
        record.check().map_err(not_a_record)?;
        Ok(record)
    }

    /// Refuses figures that no training has, and that a page or a sum would trip over.
    fn check(&self) -> Result<(), String> {
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
