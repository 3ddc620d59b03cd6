//! Errors of model files: [`Fault`] describes a problem in the content, and [`FormatError`] adds the path.

use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::Format;
use crate::io::FileError;

/// What is wrong inside a model file, or with weights that were to become one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Fault {
    what: String,
    hint: &'static str,
}

impl Fault {
    /// A file that some program wrote as it should, but that is not read here.
    pub(super) fn unsupported(what: impl Into<String>, hint: &'static str) -> Self {
        Self { what: what.into(), hint }
    }

    /// A container that cannot be read.
    pub(super) fn malformed(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: "the file is damaged or cut short; copy it again, or train again",
        }
    }

    /// A file that may be sound, but is another network's.
    pub(super) fn not_lenet(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: "a LeNet file has a weight and a bias in 32-bit floats for conv1, conv2, fc1, fc2 and fc3",
        }
    }

    /// Something about a tensor is not as it is in LeNet.
    pub(super) fn mismatch(
        tensor: &str,
        what: &str,
        expected: impl fmt::Display,
        found: impl fmt::Display,
    ) -> Self {
        Self::not_lenet(format!("{tensor}: expected {what} {expected}, found {found}"))
    }

    /// What the user can do, in one line.
    pub fn hint(&self) -> &'static str {
        self.hint
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
    NotAModel { path: PathBuf, found: &'static str },
    /// The format of the content does not match the extension.
    #[error("{} has the wrong extension: its content is a {content}", path.display())]
    WrongExtension { path: PathBuf, content: Format },
    /// The format is unknown from both the extension and the content.
    #[error("{} is not a lenet model: unknown extension and unknown content", path.display())]
    Unrecognised { path: PathBuf },
    /// The extension does not belong to any format.
    #[error("{} does not have the extension of a model format", path.display())]
    UnknownExtension { path: PathBuf },
    /// The content is invalid.
    #[error("{}: {fault}", path.display())]
    Content { path: PathBuf, fault: Fault },
}

impl FormatError {
    /// What the user can do, in one line.
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
            Self::WrongExtension { content, .. } => {
                return Some(format!("rename it to end in .{}", content.extension()));
            }
            Self::UnknownExtension { .. } => "end the name in .mpk, .safetensors or .onnx",
            Self::Content { fault, .. } => fault.hint(),
        };
        Some(hint.to_owned())
    }
}
