//! Why a model file was refused: [`Fault`] is what is wrong in the content, [`FormatError`] adds the path.

use std::io::ErrorKind;
use std::path::PathBuf;

use super::Format;
use crate::io::{FileError, ReadError};

/// The hint for a file that may be sound, but is another network's.
pub(super) const LENET: &str =
    "a LeNet file has a weight and a bias in 32-bit floats for conv1, conv2, fc1, fc2 and fc3";

/// What is wrong inside a model file, or with weights that were to become one.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "its message says what each field is")]
pub enum Fault {
    /// The container itself cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// A tensor or field that must be there is not.
    #[error("{0} is missing")]
    Missing(String),
    /// A tensor or field that LeNet does not have.
    #[error("{0} is not a part of LeNet")]
    Unknown(String),
    /// A tensor or field is there twice.
    #[error("{0} is there twice")]
    Duplicate(String),
    /// A tensor or field has another form than LeNet's.
    #[error("{name}: {what} is {found}, expected {expected}")]
    Mismatch {
        /// The tensor or field.
        name: String,
        /// Which property of it.
        what: &'static str,
        expected: String,
        /// What the file has.
        found: String,
    },
    /// A weight is NaN or infinite.
    #[error("{tensor}: value {index} is {value}, not a finite number")]
    NonFinite {
        /// The tensor's name.
        tensor: &'static str,
        /// Position of the value in the tensor, row-major, from 0.
        index: usize,
        value: f32,
    },
    /// A file that some program wrote as it should, but that is not read here.
    #[error("{what}")]
    Unsupported {
        what: String,
        /// What the user can do.
        hint: &'static str,
    },
    /// A format that is only written.
    #[error("this is an {0}, a format that is only written")]
    NotRead(Format),
    /// A format that is only read.
    #[error("a {0} is only read, not written")]
    NotWritten(Format),
}

impl Fault {
    /// What the user can do, in one line.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Malformed(_) => "the file is damaged or cut short; copy it again, or train again",
            Self::Missing(_) | Self::Unknown(_) | Self::Duplicate(_) | Self::Mismatch { .. } => {
                LENET
            }
            Self::NonFinite { .. } => "the training diverged; train again with a smaller --lr",
            Self::Unsupported { hint, .. } => hint,
            Self::NotRead(_) => "keep the .mpk or .safetensors file that it was made from",
            Self::NotWritten(_) => {
                "write .safetensors; PyTorch loads it with \
                 net.load_state_dict(safetensors.torch.load_file(path))"
            }
        };
        Some(hint.to_owned())
    }
}

/// Why a model file was not read or written.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "its message says what each field is")]
pub enum FormatError {
    /// The file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        path: PathBuf,
        /// Why not.
        source: ReadError,
    },
    /// The content is that of some other kind of file.
    #[error("{} is not a lenet model: it is {found}", path.display())]
    NotAModel {
        path: PathBuf,
        /// What it is instead, with its article.
        found: &'static str,
    },
    /// The content is that of another format than the ending says.
    #[error("{} is a {content} under another ending", path.display())]
    WrongEnding {
        path: PathBuf,
        /// The format of the content.
        content: Format,
    },
    /// Neither ending nor content say what the file is.
    #[error("{} is not a lenet model: neither its ending nor its content is known", path.display())]
    Unrecognised { path: PathBuf },
    /// The ending names no format to write.
    #[error("{} has no ending that names a format", path.display())]
    UnknownEnding { path: PathBuf },
    /// The content is wrong.
    #[error("{}: {fault}", path.display())]
    Content {
        path: PathBuf,
        /// What is wrong in it.
        fault: Fault,
    },
    /// The file was not written.
    #[error(transparent)]
    Write(#[from] FileError),
}

impl FormatError {
    /// What the user can do, in one line.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Read { source: ReadError::Io(error), .. }
                if error.kind() == ErrorKind::NotFound =>
            {
                Some("make a model with `lenet train`".to_owned())
            }
            Self::Read { source: source @ ReadError::Io(_), .. } => source.hint(),
            Self::Unrecognised { path } if path.with_extension("mpk").is_file() => {
                Some(format!("the model beside it is {}", path.with_extension("mpk").display()))
            }
            Self::Read { .. } | Self::NotAModel { .. } | Self::Unrecognised { .. } => {
                Some("give a .mpk, .safetensors or .pt file of LeNet".to_owned())
            }
            Self::WrongEnding { content, .. } => {
                Some(format!("rename it to end in .{}", content.ending()))
            }
            Self::UnknownEnding { .. } => {
                Some("end the name in .mpk, .safetensors or .onnx".to_owned())
            }
            Self::Content { fault, .. } => fault.hint(),
            Self::Write(error) => error.hint(),
        }
    }
}
