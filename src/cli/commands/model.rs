//! A model file with its run record and metadata.

use std::io;
use std::path::Path;

use super::Notes;
use crate::cli::error::Error;
use crate::data::DatasetIdentity;
use crate::format::{self, ModelFile};
use crate::io::FileError;
use crate::io::limits::is_exhausted;
use crate::model::INPUT;
use crate::train::{RunFiles, RunRecord, sha256};

/// A model file, and the information in its run record and its metadata.
pub(super) struct Model {
    pub(super) file: ModelFile,
    pub(super) record: io::Result<RunRecord>,
    /// The data set that the model was trained on, if known.
    pub(super) trained_on: Option<DatasetIdentity>,
}

impl Model {
    /// Reads the model file `path`, or the model in the directory `path`, and its run record.
    ///
    /// Adds a warning if the record exists but cannot be used, and a note if neither the record nor the metadata describes the
    /// network.
    pub(super) fn read(path: &Path, notes: &mut Notes) -> Result<Self, Error> {
        let path = &format::locate(path)?;
        let bytes = format::read_bytes(path)?;
        let file = format::decode(path, &bytes)?;
        notes.of_reader(path, &file);
        let record = RunRecord::beside(path, &sha256(&bytes));
        let record = match record {
            Err(error) if is_exhausted(&error) => {
                let path = RunFiles::beside(path, "json");
                return Err(FileError::new("cannot read", &path, error).into());
            }
            record => record,
        };
        if let Err(problem) = &record
            && problem.kind() != io::ErrorKind::NotFound
        {
            let path = RunFiles::beside(path, "json");
            notes.warning(format!("ignoring {}: {problem}", path.display()));
        }
        let recorded = record.as_ref().ok().and_then(RunRecord::trained_on);
        let trained_on = recorded.or_else(|| DatasetIdentity::from_metadata(&file.metadata));
        let model = Self { file, record, trained_on };
        if !model.is_described() {
            notes.note(format!(
                "{} has no record of how it was trained; assuming sigmoid activations, max-pooling and raw pixels (0 to 255)",
                path.display()
            ));
        }
        Ok(model)
    }

    /// Returns whether the run record or the metadata confirm that the weights are for the network of this program: its
    /// activations, its pooling and its pixels.
    pub(super) fn is_described(&self) -> bool {
        self.record.is_ok() || self.file.metadata.get("input").is_some_and(|input| input == INPUT)
    }

    pub(super) fn record(&self) -> Option<&RunRecord> {
        self.record.as_ref().ok()
    }
}
