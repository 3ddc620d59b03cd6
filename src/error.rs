//! Everything that can end a command, as its user sees it: `error: what and where`, then `hint: what to do`.

use std::io;
use std::path::{Path, PathBuf};

#[cfg(feature = "cli")]
use crate::data::fetch::FetchError;
use crate::data::{DataError, SplitError};
use crate::format::{Format, FormatError};
use crate::io::FileError;
use crate::kernels::LevelError;
#[cfg(feature = "cli")]
use crate::picture::PictureError;

/// Why a command ended before its end.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "its message says what each field is")]
pub enum Error {
    /// The data set could not be had.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The data set cannot be split as asked.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A model file could not be read or written.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A picture could not be read.
    #[cfg(feature = "cli")]
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// `LENET_SIMD` asks for what this CPU has not.
    #[error(transparent)]
    Level(#[from] LevelError),
    /// The GPU could not be used.
    #[error("{0}")]
    Gpu(String),
    /// The backend reported an error while it computed.
    #[error("the {backend} backend failed: {cause}")]
    Device {
        /// The backend's name.
        backend: String,
        /// Burn's words.
        cause: String,
    },
    /// There is too little memory to begin with; the number is of MiB.
    #[error("there is too little memory: {0} MiB of addresses are wanted")]
    Memory(usize),
    /// Ctrl-C would not be heeded.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    /// The threads could not be started.
    #[error("cannot start the threads: {0}")]
    Threads(String),
    /// A file could not be read, written, locked or removed.
    #[error(transparent)]
    File(#[from] FileError),
    /// What was written is not what was to be written.
    #[error("{}: what is in it now is not the model that was to be written", .0.display())]
    Unfaithful(PathBuf),
    /// Some of the data files are not as they should be.
    #[error("{}: {bad} of the 4 files not as they should be", dir.display())]
    Unverified {
        dir: PathBuf,
        /// Number of files.
        bad: usize,
    },
    /// The data set could not be downloaded.
    #[cfg(feature = "cli")]
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Standard output could not be written.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    /// The file to be written is there already.
    #[error("{} exists already", path.display())]
    Exists {
        path: PathBuf,
        /// Whether a saved training state belongs to it.
        resumable: bool,
    },
    /// The model is not the one that the training left.
    #[error("{} is not the model that this training saved", .0.display())]
    Foreign(PathBuf),
    /// A training cannot go on because only its other files are there.
    #[error("{} exists, but no saved state to go on from", .0.display())]
    NoState(PathBuf),
    /// The ending is that of a format that models are not trained to.
    #[error("{}: a training does not write this format: {format}", path.display())]
    NotTrainedTo {
        path: PathBuf,
        /// The format that its ending names.
        format: Format,
    },
    /// Another process trains to the same file.
    #[error("another training is writing {}", .0.display())]
    Locked(PathBuf),
    /// The saved state belongs to another training.
    #[error("{}: {difference}", path.display())]
    Mismatch {
        path: PathBuf,
        /// What differs, with both values.
        difference: String,
    },
    /// The saved state is damaged.
    #[error("{}: not a training state of lenet: {problem}", path.display())]
    State {
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The loss or a weight is no longer a number.
    #[error("training diverged: {what} in epoch {epoch}, batch {batch}")]
    Diverged {
        /// As in "the loss is NaN".
        what: String,
        /// Number of the epoch, from 1.
        epoch: usize,
        /// Number of the batch, from 1.
        batch: usize,
    },
    /// An option's value does not go with the data or with another option.
    #[error("{0}")]
    Usage(String),
    /// A result is worse than the gate set by the user.
    #[error("accuracy {accuracy:.4} is below the wanted {wanted}")]
    Gate {
        /// The accuracy that was reached.
        accuracy: f64,
        /// The accuracy that was asked for.
        wanted: f64,
    },
    /// A signal ended the run; the number is the signal's.
    #[error("stopped by {}", if *.signal == 15 { "SIGTERM" } else { "Ctrl-C" })]
    Stopped {
        /// 2 or 15.
        signal: u8,
        /// How to go on.
        advice: String,
    },
    /// The model's outputs are not numbers.
    #[error("the model's output for image {0} is not a number")]
    NotANumber(usize),
}

impl Error {
    /// An error about a file other than a model.
    pub fn file(action: &'static str, path: &Path, cause: io::Error) -> Self {
        FileError::new(action, path, cause).into()
    }

    /// A signal has come. How to go on is for the command to say.
    pub(crate) fn stopped(signal: u8) -> Self {
        let advice = String::new();
        Self::Stopped { signal, advice }
    }

    /// The error of a file that is there already and is no training's.
    pub fn exists(path: &Path) -> Self {
        Self::Exists { path: path.to_owned(), resumable: false }
    }

    /// What the user can do about it, in one line.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Data(error) => return error.hint(),
            Self::Split(error) => return error.hint(),
            Self::Format(error) => return error.hint(),
            #[cfg(feature = "cli")]
            Self::Picture(error) => return error.hint(),
            Self::Level(error) => return error.hint(),
            #[cfg(feature = "cli")]
            Self::Fetch(error) => return error.hint(),
            Self::Unfaithful(_) => {
                "the disk may be failing; if it happens again, it is a bug in lenet".to_owned()
            }
            Self::Unverified { .. } => {
                "`lenet data fetch --force` with the same --data replaces them; move away what is your own".to_owned()
            }
            Self::Gpu(_) => "use the CPU: --backend ndarray".to_owned(),
            Self::Device { .. } => "try again, or use the CPU: --backend ndarray".to_owned(),
            Self::Memory(_) => "raise the limit on memory (ulimit -v)".to_owned(),
            Self::Threads(_) => {
                "use fewer, --threads 1, or raise the limit on processes (ulimit -u)".to_owned()
            }
            Self::Exists {
                resumable: true, ..
            } => "go on with --resume, replace it with --force, or name another file".to_owned(),
            Self::Exists { .. } => "replace it with --force, or name another file".to_owned(),
            Self::Foreign(_) => {
                "move it away, or have it replaced with --resume --force".to_owned()
            }
            Self::NoState(_) => {
                "train anew to another file with -o, or replace it with --force".to_owned()
            }
            Self::NotTrainedTo { .. } => {
                "train to a file that ends in .mpk or .safetensors".to_owned()
            }
            Self::Locked(_) => "wait for it, or write to another file with -o".to_owned(),
            Self::Mismatch { .. } => {
                "use the settings of the first run, or begin anew with --force".to_owned()
            }
            Self::State { .. } => {
                "begin anew with --force; the model file itself is whole".to_owned()
            }
            Self::Diverged { .. } => {
                "use a smaller --lr; the files are those of the last epoch that went well"
                    .to_owned()
            }
            Self::Stopped { advice, .. } => advice.clone(),
            Self::NotANumber(_) => "its weights are too large to compute with".to_owned(),
            Self::File(error) => return error.hint(),
            Self::Output(_) | Self::Signals(_) | Self::Usage(_) | Self::Gate { .. } => return None,
        })
    }

    /// The exit status that stands for this error.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::NotTrainedTo { .. } | Self::Split(_) => 2,
            Self::Gate { .. } => 3,
            Self::Stopped { signal, .. } => 128 + signal,
            _ => 1,
        }
    }
}
