//! Errors of model files: [`Fault`] describes a problem in the content, and [`FormatError`] adds the path.

use std::fmt;
use std::path::PathBuf;

use super::Format;
use crate::io::{FileError, FileKind};

/// A problem in the content of a model file, or in weights that were to be written to one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Fault {
    kind: FaultKind,
    what: String,
    key: Option<String>,
}

/// The category of a [`Fault`]. Categories differ in what the user can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The file is corrupt or truncated.
    Malformed,
    /// The file may be valid, but it holds another network.
    NotLeNet,
    /// A weight is NaN or infinite.
    NonFinite,
    /// The format can be written but not read.
    WriteOnly,
    /// The format can be read but not written.
    ReadOnly,
    /// The tensors have LeNet's shapes, but their names contradict them.
    Names,
    /// The file holds numbers besides the weights, such as counters.
    ExtraTensors,
    /// The tensors are in Keras' layout.
    KerasLayout,
    /// The PyTorch file holds something other than a dictionary of tensors.
    NotStateDict,
    /// The PyTorch file holds a pickled module or another Python object.
    PickledModule,
    /// The PyTorch file was compressed again by another program.
    Compressed,
    /// The PyTorch file is a checkpoint that does not have its weights under exactly one known key.
    Checkpoint,
    /// The PyTorch file holds a tensor that has hooks or is a negated or conjugated view.
    View,
    /// The numbers in the PyTorch file are big-endian.
    BigEndian,
}

impl Fault {
    pub(super) fn new(kind: FaultKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), key: None }
    }

    /// Returns the fault for a container that cannot be read.
    pub(super) fn malformed(what: impl Into<String>) -> Self {
        Self::new(FaultKind::Malformed, what)
    }

    /// Returns the fault for a file that may be valid, but holds another network.
    pub(super) fn not_lenet(what: impl Into<String>) -> Self {
        Self::new(FaultKind::NotLeNet, what)
    }

    /// Returns the fault for a tensor that differs from LeNet's.
    pub(super) fn mismatch(
        tensor: &str,
        what: &str,
        expected: impl fmt::Display,
        found: impl fmt::Display,
    ) -> Self {
        Self::not_lenet(format!("{tensor}: expected {what} {expected}, found {found}"))
    }

    /// Sets the key of a checkpoint under which the weights are, unless the key is too long for a message.
    pub(super) fn with_key(self, key: Option<&str>) -> Self {
        let key = key.filter(|key| key.len() <= 60).map(str::to_owned);
        Self { key: self.key.or(key), ..self }
    }

    /// Returns the key of a checkpoint under which the weights are, if any.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns the kind of problem.
    pub fn kind(&self) -> FaultKind {
        self.kind
    }
}

/// An error from reading or writing a model file.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "its message says what each field is")]
pub enum FormatError {
    /// The file itself could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The content is another type of file.
    #[error("{} is not a lenet model: found {found}", path.display())]
    NotAModel { path: PathBuf, found: FileKind },
    /// The format of the content does not match the extension.
    #[error("{} has the wrong extension: its content is a {content}", path.display())]
    WrongExtension { path: PathBuf, content: Format },
    /// Neither the extension nor the content identifies the format.
    #[error("{} is not a lenet model: unknown extension and unknown content", path.display())]
    Unrecognised { path: PathBuf },
    /// The extension does not belong to any format.
    #[error("{} does not have a model file extension", path.display())]
    UnknownExtension { path: PathBuf },
    /// The content is invalid.
    #[error("{}: {fault}", path.display())]
    Content { path: PathBuf, fault: Fault },
}
