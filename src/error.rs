//! Everything that can end a command, as its user sees it: `error: what and where`, then `hint: what to do`.

use std::io;
use std::path::{Path, PathBuf};

use crate::backend::cpu::SimdLevelError;
#[cfg(feature = "cli")]
use crate::cli::fetch::FetchError;
#[cfg(feature = "cli")]
use crate::cli::picture::PictureError;
use crate::data::{DataError, SplitError};
use crate::format::{Format, FormatError};
use crate::io::FileError;

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
    SimdLevel(#[from] SimdLevelError),
    /// The GPU could not be used.
    #[error("{0}")]
    Gpu(String),
    /// The backend reported an error while it computed.
    #[error("the {backend} backend failed: {cause}")]
    Device { backend: String, cause: String },
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
    VerificationFailed(PathBuf),
    /// Some of the data files are not as they should be.
    #[error("{}: {bad} of the 4 files not as they should be", dir.display())]
    Unverified { dir: PathBuf, bad: usize },
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
    ModelMismatch(PathBuf),
    /// A training cannot go on because only its other files are there.
    #[error("{} exists, but no saved state to go on from", .0.display())]
    NoCheckpoint(PathBuf),
    /// The ending is that of a format that models are not trained to.
    #[error("{}: a training does not write this format: {format}", path.display())]
    NotTrainedTo { path: PathBuf, format: Format },
    /// Another process trains to the same file.
    #[error("another training is writing {}", .0.display())]
    Locked(PathBuf),
    /// The saved state belongs to another training.
    #[error("{}: {difference}", path.display())]
    Mismatch { path: PathBuf, difference: String },
    /// The saved state is damaged.
    #[error("{}: not a training state of lenet: {problem}", path.display())]
    Checkpoint { path: PathBuf, problem: String },
    /// The loss or a weight is no longer a number.
    #[error("training diverged: {what} in epoch {epoch}, batch {batch}")]
    Diverged {
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
    Gate { accuracy: f64, wanted: f64 },
    /// A signal ended the run; the number is the signal's.
    #[error("stopped by {}", if *.signal == 15 { "SIGTERM" } else { "Ctrl-C" })]
    Stopped {
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

    /// A signal has come. How to go on is for the command to say, [`Error::with_advice`].
    pub(crate) fn stopped(signal: u8) -> Self {
        Self::Stopped { signal, advice: String::new() }
    }

    /// Says how to go on, if a signal ended the work.
    pub fn with_advice(self, advice: impl FnOnce() -> String) -> Self {
        match self {
            Self::Stopped { signal, .. } => Self::Stopped { signal, advice: advice() },
            other => other,
        }
    }

    /// The error of a file that is there already and is no training's.
    pub fn exists(path: &Path) -> Self {
        Self::Exists { path: path.to_owned(), resumable: false }
    }

    /// What the user can do about it, in one line.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Data(error) => return error.hint(),
            Self::Split(error) => return error.hint(),
            Self::Format(error) => return error.hint(),
            #[cfg(feature = "cli")]
            Self::Picture(error) => return error.hint(),
            Self::SimdLevel(error) => return error.hint(),
            #[cfg(feature = "cli")]
            Self::Fetch(error) => return error.hint(),
            Self::File(error) => return error.hint(),
            Self::VerificationFailed(_) => {
                "the disk may be failing; if it happens again, it is a bug in lenet"
            }
            Self::Unverified { .. } => {
                "`lenet data fetch --force` with the same --data replaces them; move away what is your own"
            }
            Self::Gpu(_) => "use the CPU: --backend ndarray",
            Self::Device { .. } => "try again, or use the CPU: --backend ndarray",
            Self::Memory(_) => "raise the limit on memory (ulimit -v)",
            Self::Threads(_) => {
                "use fewer, --threads 1, or raise the limit on processes (ulimit -u)"
            }
            Self::Exists { resumable: true, .. } => {
                "go on with --resume, replace it with --force, or name another file"
            }
            Self::Exists { .. } => "replace it with --force, or name another file",
            Self::ModelMismatch(_) => "move it away, or have it replaced with --resume --force",
            Self::NoCheckpoint(_) => {
                "train anew to another file with -o, or replace it with --force"
            }
            Self::NotTrainedTo { .. } => "train to a file that ends in .mpk or .safetensors",
            Self::Locked(_) => "wait for it, or write to another file with -o",
            Self::Mismatch { .. } => {
                "use the settings of the first run, or begin anew with --force"
            }
            Self::Checkpoint { .. } => "begin anew with --force; the model file itself is whole",
            Self::Diverged { .. } => {
                "use a smaller --lr; the files are those of the last epoch that went well"
            }
            Self::Stopped { advice, .. } => advice,
            Self::NotANumber(_) => "its weights are too large to compute with",
            Self::Output(_) | Self::Signals(_) | Self::Usage(_) | Self::Gate { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// The exit status that stands for this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::NotTrainedTo { .. } | Self::Split(_) => 2,
            Self::Gate { .. } => 3,
            Self::Stopped { signal, .. } => 128 + signal,
            _ => 1,
        }
    }
}
