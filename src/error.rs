//! The library's error type. The messages name no option of the program and give no advice; the program adds both.

use std::path::{Path, PathBuf};

use crate::data::{DataError, SplitError};
use crate::format::{Format, FormatError};
use crate::io::FileError;

/// The reason why an operation of the library failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message names each field")]
pub enum Error {
    /// The data set could not be loaded.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The data set cannot be split into training and validation images.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A model file could not be read or written.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Another file could not be read, written, locked or removed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The GPU could not be opened.
    #[error("{0}")]
    Gpu(String),
    /// The user chose a GPU that does not exist.
    #[error("no GPU matches {choice:?}; found {}", numbered(.names))]
    UnknownGpu { choice: String, names: Vec<String> },
    /// The backend reported an error while it computed.
    #[error("the {backend} backend failed: {cause}")]
    Device { backend: String, cause: String },
    /// The output for the image with this index is NaN or infinite.
    #[error("the model's output for image {0} is not finite")]
    NonFiniteOutput(usize),
    /// The loss or a weight is no longer finite.
    #[error("training diverged: {what} in epoch {epoch}, batch {batch}")]
    Diverged {
        what: String,
        /// Number of the epoch, from 1.
        epoch: usize,
        /// Number of the batch, from 1.
        batch: usize,
    },
    /// This signal stopped the work.
    #[error("stopped by {}", signal_name(*.0))]
    Interrupted(u8),
    /// The time limit of the run stopped the work.
    #[error("stopped at the time limit")]
    TimeLimit,
    /// The output file exists and may not be replaced.
    #[error("{} already exists", path.display())]
    Exists {
        path: PathBuf,
        /// Whether the file has a checkpoint from which the run can be resumed.
        resumable: bool,
    },
    /// Another process is training to the same file.
    #[error("another training run is writing {}", .0.display())]
    Locked(PathBuf),
    /// A run cannot save its model in this format.
    #[error("{}: training cannot write {format}", path.display())]
    OutputFormat { path: PathBuf, format: Format },
    /// The run cannot be resumed, because this file exists without a checkpoint.
    #[error("{} exists, but there is no checkpoint to resume from", .0.display())]
    NoCheckpoint(PathBuf),
    /// The checkpoint is corrupt.
    #[error("{}: not a lenet checkpoint: {problem}", path.display())]
    Checkpoint { path: PathBuf, problem: String },
    /// The checkpoint belongs to a run with other settings.
    #[error("{}: {difference}", path.display())]
    CheckpointMismatch { path: PathBuf, difference: String },
    /// The run to resume already has more epochs than were requested.
    #[error("{}: the run already has {done} epochs, more than the requested {epochs}", path.display())]
    EpochsDone { path: PathBuf, done: usize, epochs: usize },
    /// The model file does not belong to the checkpoint.
    #[error("{} is not the model that this training run saved", .0.display())]
    ModelMismatch(PathBuf),
    /// The file at the path of the run record is not a run record.
    #[error("{} is not the run record of this training run", .0.display())]
    RecordMismatch(PathBuf),
}

/// Lists names with their numbers: `0: NAME, 1: NAME`.
fn numbered(names: &[String]) -> String {
    let names: Vec<_> =
        names.iter().enumerate().map(|(number, name)| format!("{number}: {name}")).collect();
    names.join(", ")
}

fn signal_name(signal: u8) -> &'static str {
    match signal {
        2 => "Ctrl-C",
        15 => "SIGTERM",
        _ => "the limit on CPU time (ulimit -S -t)",
    }
}

impl Error {
    /// Returns whether a signal or the time limit stopped the work, so that it can be continued.
    pub fn is_early_stop(&self) -> bool {
        matches!(self, Self::Interrupted(_) | Self::TimeLimit)
    }

    /// Returns the error for an existing file that no checkpoint belongs to.
    pub fn exists(path: &Path) -> Self {
        Self::Exists { path: path.to_owned(), resumable: false }
    }
}
