//! Why a model file was refused: [`Fault`] is what is wrong in the content, [`FormatError`] adds the path.

use std::io::ErrorKind;
use std::path::PathBuf;

use super::Format;
use crate::io::FileError;

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
    Mismatch { name: &'static str, what: &'static str, expected: String, found: String },
    /// A weight is NaN or infinite; the index is row-major, from 0.
    #[error("{tensor}: value {index} is {value}, not a finite number")]
    NonFinite { tensor: &'static str, index: usize, value: f32 },
    /// A file that some program wrote as it should, but that is not read here.
    #[error("{what}")]
    Unsupported { what: String, hint: &'static str },
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
    pub fn hint(&self) -> &'static str {
        match self {
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
        }
    }
}

/// Why a model file was not read or written.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "its message says what each field is")]
pub enum FormatError {
    /// The file itself could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The content is that of some other kind of file.
    #[error("{} is not a lenet model: it is {found}", path.display())]
    NotAModel { path: PathBuf, found: &'static str },
    /// The content is that of another format than the ending says.
    #[error("{} is a {content} under another ending", path.display())]
    WrongEnding { path: PathBuf, content: Format },
    /// Neither ending nor content say what the file is.
    #[error("{} is not a lenet model: neither its ending nor its content is known", path.display())]
    Unrecognised { path: PathBuf },
    /// The ending names no format to write.
    #[error("{} has no ending that names a format", path.display())]
    UnknownEnding { path: PathBuf },
    /// The content is wrong.
    #[error("{}: {fault}", path.display())]
    Content { path: PathBuf, fault: Fault },
}

impl FormatError {
    /// What the user can do, in one line.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let a_model = "give a .mpk, .safetensors or .pt file of LeNet";
        let hint = match self {
            Self::File(error) if error.is_of_reading() => match error.source.kind() {
                ErrorKind::NotFound => "make a model with `lenet train`",
                ErrorKind::InvalidInput | ErrorKind::FileTooLarge => a_model,
                _ => return error.hint(),
            },
            Self::File(error) => return error.hint(),
            Self::Unrecognised { path } if path.with_extension("mpk").is_file() => {
                let model = path.with_extension("mpk");
                return Some(format!("the model beside it is {}", model.display()));
            }
            Self::NotAModel { .. } | Self::Unrecognised { .. } => a_model,
            Self::WrongEnding { content, .. } => {
                return Some(format!("rename it to end in .{}", content.ending()));
            }
            Self::UnknownEnding { .. } => "end the name in .mpk, .safetensors or .onnx",
            Self::Content { fault, .. } => fault.hint(),
        };
        Some(hint.to_owned())
    }
}
