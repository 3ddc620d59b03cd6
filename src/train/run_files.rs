//! The files of a training: the model, and beside it its record (`.json`), its state (`.state`) and its lock.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::format::{self, Format, FormatError, ModelFile};
use crate::io::{self as files, Lock, Target};

use super::checkpoint_file::MAX_CHECKPOINT_BYTES;
use super::{Checkpoint, sha256};

/// The name of a model that was given none.
const DEFAULT: &str = "model.mpk";

/// The claim to a model file: as long as it lives, no other training writes there.
#[derive(Debug)]
pub struct RunFiles {
    model: PathBuf,
    may_replace: MayReplace,
    _lock: Lock,
}

/// What the next saving may put its files in the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum MayReplace {
    /// Nothing: the names were free when they were claimed.
    Nothing,
    /// State and record, and the model with this SHA-256; no model where none was.
    Model(Option<String>),
    /// Whatever is there.
    Anything,
}

impl RunFiles {
    /// Claims the file that a training is to write: `asked`, or else `model.mpk` or the next free number after
    /// it; with `resume`, `model.mpk` itself.
    ///
    /// # Errors
    /// If one of the files exists and neither `force` nor `resume` allows that; if another training has claimed
    /// them; if one could not be written; if the name ends in that of a format that is not trained to.
    pub fn reserve(asked: Option<&Path>, resume: bool, force: bool) -> Result<Self, Error> {
        let default = Path::new(DEFAULT);
        let mut output = match asked {
            None if !resume && !force => return Self::reserve_free(default),
            _ => Self::lock(asked.unwrap_or(default))?,
        };
        match Self::first_existing(&output.model) {
            Some(_) if resume && output.checkpoint_path().exists() => {}
            Some(path) if resume => return Err(Error::NoCheckpoint(path)),
            Some(path) if !force => {
                return Err(Error::Exists { resumable: output.checkpoint_path().exists(), path });
            }
            _ => {}
        }
        if force {
            output.may_replace = MayReplace::Anything;
        }
        Ok(output)
    }

    /// The first of `model.mpk`, `model-2.mpk`, .. that neither exists nor is claimed.
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
            match Self::lock(&path) {
                Err(Error::Locked(_)) => continue,
                // Another training may have come and gone in between.
                Ok(_) if is_taken() => continue,
                claimed => return claimed,
            }
        }
        unreachable!("there is always a next number")
    }

    /// Of the three files of `model`, in the order of their importance, the first that is there, be it a link that
    /// leads nowhere.
    fn first_existing(model: &Path) -> Option<PathBuf> {
        let [state, record] = ["state", "json"].map(|ending| Self::beside(model, ending));
        let mut files = [model.to_owned(), state, record].into_iter();
        files.find(|path| path.exists() || path.is_symlink())
    }

    fn lock(model: &Path) -> Result<Self, Error> {
        if let Some(format @ (Format::Torch | Format::Onnx)) = Format::from_path(model) {
            return Err(Error::NotTrainedTo { path: model.to_owned(), format });
        }
        let state = Self::beside(model, "state");
        Target::user_path(model)?.probe()?;
        Target::internal(&state)?.probe()?;
        Target::internal(&Self::beside(model, "json"))?.probe()?;
        // Of the state, because `m` and `m.mpk` are two models, but have one state.
        let mut name = OsString::from(".");
        name.push(state.file_name().unwrap_or_default());
        name.push(".lock");
        let lock = Lock::acquire(&model.with_file_name(name))?;
        let lock = lock.ok_or_else(|| Error::Locked(model.to_owned()))?;
        Ok(Self { model: model.to_owned(), may_replace: MayReplace::Nothing, _lock: lock })
    }

    /// Where the model goes.
    pub fn model_path(&self) -> &Path {
        &self.model
    }

    /// Where the record of the run goes.
    pub fn record_path(&self) -> PathBuf {
        Self::beside(&self.model, "json")
    }

    /// Where the training state goes.
    pub fn checkpoint_path(&self) -> PathBuf {
        Self::beside(&self.model, "state")
    }

    /// `model.mpk` -> `model.json`; but `model.v1` -> `model.v1.json`, so that it has its own.
    pub fn beside(model: &Path, ending: &str) -> PathBuf {
        match model.extension() {
            Some(extension) if extension == "mpk" => model.with_extension(ending),
            _ => {
                let mut name = model.as_os_str().to_owned();
                name.push(".");
                name.push(ending);
                PathBuf::from(name)
            }
        }
    }

    /// The state that an earlier run left, if it left one. The model that is there becomes the one to replace.
    ///
    /// # Errors
    /// If the state cannot be read, or if the model is another than was saved with it and was not given up by `force`.
    pub fn read_checkpoint(&mut self) -> Result<Option<Checkpoint>, Error> {
        let path = self.checkpoint_path();
        let problem = |problem| Error::Checkpoint { path: path.clone(), problem };
        let bytes = match files::read(&path, MAX_CHECKPOINT_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.raw_os_error().is_some() => {
                return Err(Error::file("cannot read", &path, error));
            }
            Err(error) => return Err(problem(error.to_string())),
            Ok(bytes) => bytes,
        };
        let state = Checkpoint::decode(&bytes).map_err(problem)?;
        if self.may_replace != MayReplace::Anything {
            let found = self.digest()?;
            if found.as_ref().is_some_and(|found| !state.has_model(found)) {
                return Err(Error::ModelMismatch(self.model.clone()));
            }
            self.may_replace = MayReplace::Model(found);
        }
        Ok(Some(state))
    }

    /// Writes the three files, each atomically, the state first: it alone is enough to go on. `state` is given the
    /// SHA-256 of the model, and of the one that was there.
    ///
    /// # Errors
    /// If one cannot be written; if there is another model than this training left there.
    pub fn write(&mut self, state: &mut Checkpoint) -> Result<(), Error> {
        let found = self.digest()?;
        match (&self.may_replace, &found) {
            (MayReplace::Nothing, Some(_)) => return Err(Error::exists(&self.model)),
            (MayReplace::Model(ours), Some(_)) if *ours != found => {
                return Err(Error::ModelMismatch(self.model.clone()));
            }
            _ => {}
        }
        let force = self.may_replace != MayReplace::Nothing;
        let force_model = force && self.may_replace != MayReplace::Model(None);
        let model = self.encode(state)?;
        let written = Some(sha256(&model));
        state.record.model_sha256.clone_from(&written);
        state.replaced = found;
        let record = serde_json::to_string_pretty(&state.record)
            .expect("a record always becomes JSON")
            + "\n";
        Target::internal(&self.checkpoint_path())?.write(&state.encode(), force)?;
        Target::user_path(&self.model)?.write(&model, force_model)?;
        Target::internal(&self.record_path())?.write(record.as_bytes(), force)?;
        self.may_replace = MayReplace::Model(written);
        Ok(())
    }

    /// Encodes the model of `state` as a Burn record, unless the file extension names another format.
    fn encode(&self, state: &Checkpoint) -> Result<Vec<u8>, Error> {
        let format = Format::from_path(&self.model).unwrap_or(Format::Mpk);
        let path = self.model.clone();
        let trained_on = state.record.trained_on();
        let metadata = trained_on.map(|dataset| dataset.to_metadata()).unwrap_or_default();
        let bytes = format::encode(format, &ModelFile { weights: state.model(), metadata });
        Ok(bytes.map_err(|fault| FormatError::Content { path, fault })?)
    }

    /// The SHA-256 of the model file that is there now, if one is.
    fn digest(&self) -> Result<Option<String>, Error> {
        match files::read(&self.model, format::MAX_FILE_BYTES) {
            Ok(bytes) => Ok(Some(sha256(&bytes))),
            // No model of ours, but something.
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Ok(Some(String::new())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::file("cannot read", &self.model, error)),
        }
    }
}
