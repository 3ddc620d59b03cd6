//! The reasons why a picture cannot be read.

use std::path::PathBuf;

use super::Crop;
use crate::io::FileError;
use crate::io::kind::FileKind;

/// An error from reading a picture.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "its message says what each field is")]
pub enum PictureError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The content is not in a supported format, but is of this type, if known.
    #[error("{} is not a PNG, JPEG, GIF, WebP or BMP picture{}", .0.display(), found(.1))]
    NotAnImage(PathBuf, Option<FileKind>),
    /// The picture exceeds the limits.
    #[error("{} is too large", .0.display())]
    TooLarge(PathBuf),
    /// The part to use is not inside the picture.
    #[error("{} has {width}x{height} pixels, so {} is not inside the picture", path.display(), crop.0.map(|n| n.to_string()).join(","))]
    Crop { path: PathBuf, width: u32, height: u32, crop: Crop },
    /// The file is in a supported format but cannot be decoded.
    #[error("{} is corrupt: {cause}", path.display())]
    Corrupt { path: PathBuf, cause: String },
}

fn found(kind: &Option<FileKind>) -> String {
    kind.map(|kind| format!(": found {kind}")).unwrap_or_default()
}
