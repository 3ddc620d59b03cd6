//! What a training tells of itself beside its model: settings, data, every epoch's figures, the test.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::format::whole::{self, ReadError};

use super::{EpochRecord, Settings};

/// What is written about a run beside its model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of this layout.
    pub schema: u32,
    /// Version of the program.
    pub lenet: String,
    /// Version of Burn.
    pub burn: String,
    /// What computed: the CPU level of the kernels, or the GPU.
    pub device: String,
    /// CPU threads.
    pub threads: usize,
    /// What the training was asked to do.
    pub settings: Settings,
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
    /// The result on the test images, once training is over.
    pub test: Option<TestRecord>,
}

/// The largest record that is read, in bytes: one of 100,000 epochs, the most that can be trained, has 20 MB.
const MAX_BYTES: u64 = 32 << 20;

impl RunRecord {
    /// The record in the file `path`.
    ///
    /// # Errors
    /// What is wrong with the file, without its name.
    pub fn read(path: &Path) -> io::Result<Self> {
        let bytes = whole::read(path, MAX_BYTES).map_err(|error| match error {
            ReadError::Io(error) => error,
            error => io::Error::other(error),
        })?;
        serde_json::from_slice(&bytes)
            .map_err(|error| io::Error::other(format!("not a record of lenet train: {error}")))
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
}
