//! Reads the files of an earlier run with the same model, and decides which of them the resumed run may replace.

use std::io;

use crate::error::Error;
use crate::io::limits::is_exhausted;
use crate::io::{self as files, FileError, Origin, Target, exists};

use super::{MayReplace, RunFiles};
use crate::train::checkpoint_file::MAX_CHECKPOINT_BYTES;
use crate::train::{Checkpoint, RunRecord, Snapshots, sha256};

impl RunFiles {
    /// Reads the checkpoint of an earlier run, if any, and marks the model of that run as one that may be overwritten.
    ///
    /// # Errors
    /// Returns an error if the checkpoint cannot be read, or if the model does not belong to it and `force` was not set.
    pub fn read_checkpoint(&mut self) -> Result<Option<Checkpoint>, Error> {
        let path = self.checkpoint_path();
        let problem = |problem| Error::Checkpoint { path: path.clone(), problem };
        let bytes = match files::read(&path, MAX_CHECKPOINT_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.raw_os_error().is_some() || is_exhausted(&error) => {
                return Err(FileError::new("cannot read", &path, error).into());
            }
            Err(error) => return Err(problem(error.to_string())),
            Ok(bytes) => bytes,
        };
        let checkpoint = Checkpoint::decode(&bytes).map_err(problem)?;
        if self.may_replace != MayReplace::Anything {
            let found = self.digest()?;
            // A run that was killed while it wrote its first model may have left an empty file.
            let is_own = |found: &String| checkpoint.has_model(found) || *found == sha256(b"");
            if !found.as_ref().is_none_or(is_own) {
                return Err(Error::ModelMismatch(self.model.clone()));
            }
            let record = self.record_path();
            // An empty file is what remains if the disk was full, and the checkpoint has the whole record.
            let is_empty = std::fs::metadata(&record).is_ok_and(|found| found.len() == 0);
            match RunRecord::read(&record) {
                Err(error) if error.kind() == io::ErrorKind::NotFound || is_empty => {}
                Err(error) if error.raw_os_error().is_some() => {
                    return Err(FileError::new("cannot read", &record, error).into());
                }
                Err(_) => return Err(Error::RecordMismatch(record)),
                Ok(_) => {}
            }
            self.may_replace = MayReplace::Model(found);
        }
        Ok(Some(checkpoint))
    }

    /// Reads the snapshots of an earlier part of the run that `record` describes. If there are none, returns an empty list
    /// to start with if `may_start` is set, otherwise `None`.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written, or if it exists, does not belong to this run, and `force` was not set.
    pub fn read_snapshots(
        &self,
        record: &RunRecord,
        may_start: bool,
    ) -> Result<Option<Snapshots>, Error> {
        let path = Self::beside(&self.model, "snapshots");
        let mut snapshots = Snapshots::beside(&self.model, record);
        snapshots.may_replace =
            !snapshots.epochs().is_empty() || self.may_replace == MayReplace::Anything;
        if snapshots.epochs().is_empty() {
            if !may_start {
                return Ok(None);
            }
            if exists(&path) && self.may_replace != MayReplace::Anything {
                return Err(Error::exists(&path));
            }
        }
        Target::new(&path, Origin::Program)?.probe()?;
        Ok(Some(snapshots))
    }
}
