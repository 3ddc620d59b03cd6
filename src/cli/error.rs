//! The program's error type: everything that can end a command, with its exit status. `hints.rs` has the advice
//! that is printed below each message.

use std::io;
use std::path::{Path, PathBuf};

use crate::backend::cpu::SimdLevelError;
use crate::cli::picture::PictureError;
use crate::data::{DataFile, DatasetInfo};
use crate::error;
use crate::io::FileError;
use crate::io::text::quoted;

/// The reason why a command failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message names each field")]
pub enum Error {
    /// The library failed.
    #[error(transparent)]
    Library(error::Error),
    /// `LENET_SIMD` names an instruction set that this CPU lacks.
    #[error(transparent)]
    SimdLevel(#[from] SimdLevelError),
    /// A picture could not be read.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The pictures could not be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The data set could not be downloaded.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Some of the data files are missing, corrupt or not Fashion-MNIST's.
    #[error("{}: {bad} of 4 data files failed verification", dir.display())]
    Unverified { dir: PathBuf, bad: usize },
    /// The bytes of a model file do not decode to the model.
    #[error("{}: verification failed: the encoded file does not contain the model", .0.display())]
    VerificationFailed(PathBuf),
    /// This many MiB of address space could not be reserved.
    #[error("not enough memory: could not reserve {0} MiB of address space")]
    Memory(usize),
    /// No run record was found in these paths.
    #[error("no training runs in {0}")]
    NoRuns(String),
    /// The threads could not be started.
    #[error("cannot start the threads: {0}")]
    Threads(io::Error),
    /// The signal handlers could not be installed.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    /// The browser could not be started.
    #[error("cannot open {} in the browser: {cause}", path.display())]
    Open { path: PathBuf, cause: String },
    /// Standard output could not be written.
    #[error("cannot write to standard output: {0}")]
    Stdout(io::Error),
    /// An option's value does not fit the data or another option.
    #[error("{0}")]
    Usage(String),
    /// The accuracy is below the threshold that the user set.
    #[error("accuracy {accuracy:.4} is below --min-accuracy {threshold}")]
    BelowMinAccuracy { accuracy: f64, threshold: f64 },
    /// A signal or the time limit stopped a training run, and `advice` describes how to resume it.
    #[error("{cause}")]
    Stopped { cause: error::Error, advice: String },
}

/// The reason why a file of the data set was not downloaded.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message names each field")]
pub enum FetchError {
    /// Every mirror failed. The cause of each failure was printed when it happened.
    #[error("cannot fetch {}.gz: all mirrors failed", .file.name())]
    Mirrors {
        file: DataFile,
        /// The data set that was requested.
        dataset: &'static DatasetInfo,
        /// Whether the certificate of a mirror is from an unknown authority.
        is_untrusted: bool,
    },
    /// A different file already has this name.
    #[error("{} is {finding}", path.display())]
    Occupied { path: PathBuf, finding: String },
    /// The file could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A request needs a thread, which could not be started.
    #[error("cannot start a thread: {0}")]
    Threads(io::Error),
    /// The cache directory, which is the default, is unknown.
    #[error("cannot find the cache directory: neither XDG_CACHE_HOME nor HOME is set")]
    NoFolder,
}

/// The reason why pictures were not imported.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message names each field")]
pub enum ImportError {
    /// A directory does not exist or cannot be read.
    #[error("cannot read {}: {source}", dir.display())]
    Directory { dir: PathBuf, source: io::Error },
    /// The number of class directories is not possible.
    #[error("expected 2 to 10 directories of pictures in {}, found {found}", root.display())]
    Classes { root: PathBuf, found: usize },
    /// The name of a directory cannot be the name of a class.
    #[error("cannot use the directory {}: {problem}", path.display())]
    Name { path: PathBuf, problem: String },
    /// No file of a class is a picture.
    #[error("{} has no picture that can be read", .0.display())]
    NoPictures(PathBuf),
    /// There are no test pictures.
    #[error("{} has no test pictures: every class has only one picture", .0.display())]
    NoTestPictures(PathBuf),
    /// The directory of the test pictures has a class that the other does not have.
    #[error("{}: there are no training pictures of this class", .0.display())]
    OnlyInTest(PathBuf),
    /// The option names a class that does not exist.
    #[error("{} has no directory {}", root.display(), quoted(name))]
    NoSuchClass { root: PathBuf, name: String },
    /// A picture could not be read for a reason that has nothing to do with its content.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// There are too many files.
    #[error("{} has more than 250,000 files", .0.display())]
    TooMany(PathBuf),
}

/// Converts the library's error, and also every error that the library's error wraps, so that `?` works on all of them.
impl<E: Into<error::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Library(error.into())
    }
}

impl Error {
    /// Returns the error for an existing file that may not be replaced.
    pub fn exists(path: &Path) -> Self {
        error::Error::exists(path).into()
    }

    /// Adds advice on how to resume, if a signal or the time limit stopped the work.
    pub fn with_advice(self, advice: impl FnOnce() -> String) -> Self {
        match self {
            Self::Library(cause) if cause.is_early_stop() => {
                Self::Stopped { cause, advice: advice() }
            }
            other => other,
        }
    }

    /// Returns the exit status: 2 for a usage error, 3 for a missed threshold, 4 after the time limit, 128 + n after
    /// signal n, otherwise 1.
    pub fn exit_code(&self) -> u8 {
        use error::Error;
        match self {
            Self::Usage(_) | Self::Library(Error::OutputFormat { .. } | Error::Split(_)) => 2,
            Self::BelowMinAccuracy { .. } => 3,
            Self::Stopped { cause, .. } | Self::Library(cause) => match cause {
                Error::TimeLimit => 4,
                Error::Interrupted(signal) => 128 + signal,
                _ => 1,
            },
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_early_stops_receive_advice() {
        let advised = |cause: error::Error| Error::Library(cause).with_advice(|| "resume".into());
        for (cause, status) in [(error::Error::TimeLimit, 4), (error::Error::Interrupted(15), 143)]
        {
            let error = advised(cause);
            assert!(matches!(&error, Error::Stopped { advice, .. } if advice == "resume"));
            assert_eq!(error.exit_code(), status);
        }
        let error = advised(error::Error::NonFiniteOutput(0));
        assert!(matches!(error, Error::Library(_)));
        assert_eq!(error.exit_code(), 1);
    }
}
