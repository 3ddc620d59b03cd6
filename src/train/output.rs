//! The files of a training: the model, and beside it its record (`.json`), its state (`.state`) and its lock.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::format::whole::{self, ReadError};
use crate::format::{self, Format, FormatError, ModelFile, atomic};
use crate::model::Weights;

use super::RunRecord;
use super::state_file::{MAX_STATE_BYTES, Saved};

/// The name of a model that was given none.
const DEFAULT: &str = "model.mpk";

/// The claim to a model file: as long as it lives, no other training writes there.
#[derive(Debug)]
pub struct Output {
    model: PathBuf,
    lock: PathBuf,
    _locked: File,
}

impl Output {
    /// Claims the file that a training is to write: `asked`, or else `model.mpk` or the next free number after
    /// it; with `resume`, `model.mpk` itself.
    ///
    /// # Errors
    /// If one of the files exists and neither `force` nor `resume` allows that; if another training has claimed
    /// them; if one could not be written; if the name ends in that of a format that is not trained to.
    pub fn claim(asked: Option<&Path>, resume: bool, force: bool) -> Result<Self, Error> {
        let default = Path::new(DEFAULT);
        match asked {
            None if !resume && !force => Self::claim_free(default),
            _ => {
                let output = Self::lock(asked.unwrap_or(default))?;
                match Self::first_existing(&output.model) {
                    Some(_) if resume && output.state_path().exists() => Ok(output),
                    Some(path) if resume => Err(Error::NoState(path)),
                    Some(path) if !force => Err(Error::Exists {
                        resumable: output.state_path().exists(),
                        path,
                    }),
                    _ => Ok(output),
                }
            }
        }
    }

    /// The first of `model.mpk`, `model-2.mpk`, .. that neither exists nor is claimed.
    fn claim_free(first: &Path) -> Result<Self, Error> {
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

    /// Of the three files of `model`, in the order of their importance, the first that is there.
    fn first_existing(model: &Path) -> Option<PathBuf> {
        let [state, record] = ["state", "json"].map(|ending| Self::beside(model, ending));
        let mut files = [model.to_owned(), state, record].into_iter();
        files.find(|path| path.exists())
    }

    fn lock(model: &Path) -> Result<Self, Error> {
        if let Some(format @ (Format::Torch | Format::Onnx)) = Format::from_path(model) {
            return Err(Error::NotTrainedTo {
                path: model.to_owned(),
                format,
            });
        }
        let [state, record] = ["state", "json"].map(|ending| Self::beside(model, ending));
        for path in [model, &state, &record] {
            atomic::probe(path).map_err(FormatError::from)?;
        }
        // Of the state, because `m` and `m.mpk` are two models, but have one state.
        let mut name = OsString::from(".");
        name.push(state.file_name().unwrap_or_default());
        name.push(".lock");
        let path = model.with_file_name(name);
        let failed = |error| Error::file("cannot lock", &path, error);
        loop {
            let file = File::options()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path);
            let file = file.map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(fs::TryLockError::WouldBlock) => return Err(Error::Locked(model.to_owned())),
                // A file system without locks: nothing can be claimed there, nor need the run fail.
                Err(fs::TryLockError::Error(error))
                    if error.kind() == io::ErrorKind::Unsupported => {}
                Err(fs::TryLockError::Error(error)) => return Err(failed(error)),
            }
            // The last owner may have removed the file between its opening and its locking.
            if is_same_file(&file, &path) {
                return Ok(Self {
                    model: model.to_owned(),
                    lock: path,
                    _locked: file,
                });
            }
        }
    }

    /// Where the model goes.
    #[must_use]
    pub fn model_path(&self) -> &Path {
        &self.model
    }

    /// Where the record of the run goes.
    #[must_use]
    pub fn record_path(&self) -> PathBuf {
        Self::beside(&self.model, "json")
    }

    /// Where the training state goes.
    #[must_use]
    pub fn state_path(&self) -> PathBuf {
        Self::beside(&self.model, "state")
    }

    /// `model.mpk` -> `model.json`; but `model.v1` -> `model.v1.json`, so that it has its own.
    #[must_use]
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

    /// The state that an earlier run left, if it left one.
    pub fn read_state(&self) -> Result<Option<Saved>, Error> {
        let path = self.state_path();
        let problem = |problem| Error::State {
            path: path.clone(),
            problem,
        };
        let bytes = match whole::read(&path, MAX_STATE_BYTES) {
            Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(None);
            }
            Err(ReadError::Io(error)) => return Err(Error::file("cannot read", &path, error)),
            Err(error) => return Err(problem(error.to_string())),
            Ok(bytes) => bytes,
        };
        Saved::decode(&bytes).map(Some).map_err(problem)
    }

    /// Writes the three files, each atomically, the state first: it alone is enough to go on.
    pub fn write(&self, saved: &Saved, model: &Weights, record: &RunRecord) -> Result<(), Error> {
        let json =
            serde_json::to_string_pretty(record).expect("a record always becomes JSON") + "\n";
        atomic::write(&self.state_path(), &saved.encode()).map_err(FormatError::from)?;
        self.write_model(model)?;
        atomic::write(&self.record_path(), json.as_bytes()).map_err(FormatError::from)?;
        Ok(())
    }

    /// A model is a Burn record whatever its name, unless the name ends in that of another format.
    fn write_model(&self, model: &Weights) -> Result<(), Error> {
        let format = Format::from_path(&self.model).unwrap_or(Format::Mpk);
        let path = self.model.clone();
        let bytes = format::encode(format, &ModelFile::from(model.clone()))
            .map_err(|fault| FormatError::Content { path, fault })?;
        Ok(atomic::write(&self.model, &bytes).map_err(FormatError::from)?)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Removed while it is still locked, so that no other process can hold it.
        let _ = fs::remove_file(&self.lock);
    }
}

#[cfg(unix)]
fn is_same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn is_same_file(_: &File, _: &Path) -> bool {
    true
}
