//! The files of a run: the model, and next to it the run record (`.json`), the checkpoint (`.state`), the snapshots of its
//! epochs (`.snapshots`) if they are kept, and a lock file.

mod earlier;

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::format::{self, Format, FormatError, ModelFile};
use crate::io::{self as files, FileError, Lock, Origin, Target, exists};
use crate::model::INPUT;

use super::{Checkpoint, RunRecord, Snapshots, sha256};

/// The default file name of a model.
const DEFAULT: &str = "model.mpk";

/// The extensions of the checkpoint, the run record and the snapshots.
const EXTENSIONS: [&str; 3] = ["state", "json", "snapshots"];

/// Upper bounds on the size of an epoch in a run record, and of the rest of a run record.
const BYTES_PER_EPOCH: usize = 400;
const MIN_RECORD_BYTES: usize = 4096;

/// The locked files of a run. No other run can write to them while this value exists.
#[derive(Debug)]
pub struct RunFiles {
    model: PathBuf,
    origin: Origin,
    may_replace: MayReplace,
    lock: Lock,
}

/// The existing files that the next save may overwrite.
#[derive(Debug, Clone, PartialEq, Eq)]
enum MayReplace {
    /// No files, because no files existed when the lock was acquired.
    Nothing,
    /// The checkpoint, the run record, and a model with this SHA-256. With `None`, no model existed, so no model may be
    /// overwritten.
    Model(Option<String>),
    /// All files.
    Anything,
}

impl RunFiles {
    /// Locks the files of a run with this model file, whose origin decides whether symlinks are followed.
    ///
    /// The default path is `model.mpk`. If a run with that path exists and neither `resume` nor `force` is set, the default is
    /// the first free path among `model-2.mpk`, `model-3.mpk`, and so on.
    ///
    /// # Errors
    /// Returns an error if one of the files exists and neither `force` nor `resume` allows it, if another run has locked the
    /// files, if a file could not be written, or if the file extension of the model names a format that training cannot write.
    pub fn reserve(
        model: Option<(&Path, Origin)>,
        resume: bool,
        force: bool,
    ) -> Result<Self, Error> {
        let default = Path::new(DEFAULT);
        let mut files = match model {
            None if !resume && !force => return Self::reserve_free(default),
            None => Self::lock(default, Origin::Program)?,
            Some((model, origin)) => Self::lock(model, origin)?,
        };
        match Self::first_existing(&files.model) {
            Some(_) if resume && files.checkpoint_path().exists() => {}
            Some(path) if resume => return Err(Error::NoCheckpoint(path)),
            Some(path) if !force => {
                return Err(Error::Exists { resumable: files.checkpoint_path().exists(), path });
            }
            _ => {}
        }
        if force {
            files.may_replace = MayReplace::Anything;
        }
        Ok(files)
    }

    /// Locks the first of `model.mpk`, `model-2.mpk`, .. that neither exists nor is locked.
    fn reserve_free(first: &Path) -> Result<Self, Error> {
        let stem = first.file_stem().unwrap_or_default().to_string_lossy();
        for number in 1.. {
            let path = match number {
                1 => first.to_owned(),
                _ => first.with_file_name(format!("{stem}-{number}.mpk")),
            };
            let is_taken = || Self::first_existing(&path).is_some();
            if is_taken() {
                continue;
            }
            match Self::lock(&path, Origin::Program) {
                Err(Error::Locked(_)) => continue,
                // Another run may have written the files and released the lock since the first check.
                Ok(_) if is_taken() => continue,
                locked => return locked,
            }
        }
        unreachable!("there is always a next number")
    }

    /// Returns the first file that exists among the model, the checkpoint, the run record and the snapshots.
    fn first_existing(model: &Path) -> Option<PathBuf> {
        let others = EXTENSIONS.map(|extension| Self::beside(model, extension));
        let mut files = [model.to_owned()].into_iter().chain(others);
        files.find(|path| exists(path))
    }

    fn lock(model: &Path, origin: Origin) -> Result<Self, Error> {
        if let Some(format @ (Format::Torch | Format::Onnx)) = Format::from_path(model) {
            return Err(Error::OutputFormat { path: model.to_owned(), format });
        }
        let is_model =
            |name: &&OsStr| EXTENSIONS.iter().all(|other| !name.eq_ignore_ascii_case(other));
        if model.extension().is_some_and(|name| !is_model(&name)) {
            let cause = io::Error::new(
                io::ErrorKind::InvalidInput,
                "its extension is reserved for other files of a run",
            );
            return Err(FileError::new("cannot write", model, cause).into());
        }
        let checkpoint = Self::beside(model, "state");
        Target::new(model, origin)?.probe()?;
        for made_up in [&checkpoint, &Self::beside(model, "json")] {
            Target::new(made_up, Origin::Program)?.probe()?;
        }
        // The lock is named after the checkpoint, because the models `m` and `m.mpk` share a checkpoint.
        let mut name = OsString::from(".");
        name.push(checkpoint.file_name().unwrap_or_default());
        name.push(".lock");
        let lock = Lock::acquire(&model.with_file_name(name))?;
        let lock = lock.ok_or_else(|| Error::Locked(model.to_owned()))?;
        Ok(Self { model: model.to_owned(), origin, may_replace: MayReplace::Nothing, lock })
    }

    /// Returns whether the lock keeps other runs out. On a file system without locks it does not.
    pub fn is_locked(&self) -> bool {
        self.lock.is_effective()
    }

    /// Returns the three files in the order of writing: the checkpoint, the model and the run record.
    fn targets(&self) -> Result<[Target; 3], FileError> {
        Ok([
            Target::new(&self.checkpoint_path(), Origin::Program)?,
            Target::new(&self.model, self.origin)?,
            Target::new(&self.record_path(), Origin::Program)?,
        ])
    }

    /// Checks that the disk has room for the files of a run that starts with `checkpoint`, with or without snapshots.
    ///
    /// # Errors
    /// Returns an error if the disk is too full.
    pub fn probe_space(&self, checkpoint: &Checkpoint, snapshots: bool) -> Result<(), Error> {
        let model = self.encode(checkpoint)?.len();
        let RunRecord { settings, validation_samples, .. } = &checkpoint.record;
        // With validation images, the checkpoint will also have the weights of the best epoch.
        let will_have_best = *validation_samples > 0 && checkpoint.best.is_none();
        let best = if will_have_best { model } else { 0 };
        let epochs = BYTES_PER_EPOCH * settings.epochs.min(100);
        let sizes = [checkpoint.encode().len() + best + epochs, model, MIN_RECORD_BYTES + epochs];
        let targets = self.targets()?;
        let probe = |(target, size): (&Target, usize)| target.probe_space(size);
        let _occupied = targets.iter().zip(sizes).map(probe).collect::<Result<Vec<_>, _>>()?;
        // Early stopping usually ends a run long before its last epoch.
        let is_checked = snapshots && settings.patience.is_none();
        let snapshots = is_checked.then(|| Snapshots::probe_space(&self.model, settings.epochs));
        let _snapshots = snapshots.transpose()?;
        // Each later save writes a new checkpoint before it replaces the old one.
        targets[0].probe_space(sizes[0])?;
        Ok(())
    }

    /// Returns the path of the model.
    pub fn model_path(&self) -> &Path {
        &self.model
    }

    /// Returns the path of the run record.
    pub fn record_path(&self) -> PathBuf {
        Self::beside(&self.model, "json")
    }

    /// Returns the path of the checkpoint.
    pub fn checkpoint_path(&self) -> PathBuf {
        Self::beside(&self.model, "state")
    }

    /// Returns the path next to `model` with another extension: `model.mpk` -> `model.json`. Extensions other than `.mpk`
    /// are kept, so that each model has its own files: `model.v1` -> `model.v1.json`.
    pub fn beside(model: &Path, extension: &str) -> PathBuf {
        match model.extension() {
            Some(current) if current == "mpk" => model.with_extension(extension),
            _ => {
                let mut name = model.as_os_str().to_owned();
                name.push(".");
                name.push(extension);
                PathBuf::from(name)
            }
        }
    }

    /// Writes the three files, each atomically. The checkpoint comes first, because it alone suffices to resume.
    ///
    /// The run record holds the SHA-256 of the new model, and the checkpoint also that of the model which is replaced.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written, or if the existing model does not belong to this run.
    pub fn write(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let found = self.digest()?;
        match (&self.may_replace, &found) {
            (MayReplace::Nothing, Some(_)) => return Err(Error::exists(&self.model)),
            (MayReplace::Model(expected), Some(_)) if *expected != found => {
                return Err(Error::ModelMismatch(self.model.clone()));
            }
            _ => {}
        }
        let force = self.may_replace != MayReplace::Nothing;
        let force_model = force && self.may_replace != MayReplace::Model(None);
        let model = self.encode(checkpoint)?;
        let written = Some(sha256(&model));
        let record = RunRecord { model_sha256: written.clone(), ..checkpoint.record.clone() };
        let checkpoint = Checkpoint { record, replaced: found, ..checkpoint.clone() };
        let record = serde_json::to_string_pretty(&checkpoint.record)
            .expect("a record always becomes JSON")
            + "\n";
        let [checkpoint_target, model_target, record_target] = self.targets()?;
        checkpoint_target.write(&checkpoint.encode(), force)?;
        model_target.write(&model, force_model)?;
        record_target.write(record.as_bytes(), force)?;
        self.may_replace = MayReplace::Model(written);
        Ok(())
    }

    /// Encodes the model in the format that the file extension names, or as a Burn record if the extension is unknown.
    fn encode(&self, checkpoint: &Checkpoint) -> Result<Vec<u8>, Error> {
        let format = Format::from_path(&self.model).unwrap_or(Format::Mpk);
        let path = self.model.clone();
        let trained_on = checkpoint.record.trained_on();
        let mut metadata = trained_on.map(|dataset| dataset.to_metadata()).unwrap_or_default();
        metadata.insert("input".to_owned(), INPUT.to_owned());
        let bytes = format::encode(format, &ModelFile { metadata, ..checkpoint.model().into() });
        Ok(bytes.map_err(|fault| FormatError::Content { path, fault })?)
    }

    /// Returns the SHA-256 of the existing model file, if any.
    fn digest(&self) -> Result<Option<String>, Error> {
        match files::read(&self.model, format::MAX_FILE_BYTES) {
            Ok(bytes) => Ok(Some(sha256(&bytes))),
            // The file is too large to be a model of this run, and no model has an empty digest.
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Ok(Some(String::new())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FileError::new("cannot read", &self.model, error).into()),
        }
    }
}
