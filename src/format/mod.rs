//! Model files: reading and writing [`Weights`] in four formats.
//!
//! All readers are strict. A file must have exactly the ten tensors of LeNet with their shapes, as finite 32-bit floats.
//! Sizes are checked before memory is allocated, and no input makes a reader panic.
//!
//! | extension | read | write | format |
//! |---|---|---|---|
//! | `.mpk` | yes | yes | record of a Burn 0.21 program ([`mpk`]) |
//! | `.safetensors` | yes | yes | Hugging Face safetensors ([`safetensors`]) |
//! | `.pt`, `.pth` | yes | no | `torch.save(net.state_dict())` ([`torch`]) |
//! | `.onnx` | no | yes | the network as a graph, for inference ([`onnx`]) |

mod archive;
mod error;
pub mod mpk;
pub mod onnx;
mod pickle;
#[doc(hidden)]
pub mod protobuf;
pub mod safetensors;
mod tensors;
pub mod torch;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::io::{self, FileError, Origin, Target};
use crate::model::{Host, Weights};

pub use error::{Fault, FaultKind, FormatError};
pub use tensors::{from_torch, to_torch};

/// Maximum size of a model file in bytes. A LeNet file has about 180,000 bytes.
pub const MAX_FILE_BYTES: u64 = 16 << 20;

/// A model file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Burn's named MessagePack record.
    Mpk,
    /// Hugging Face's safetensors.
    Safetensors,
    /// A PyTorch state dict in the zip format of PyTorch 1.6 and later.
    Torch,
    /// An ONNX graph.
    Onnx,
}

/// Each format with its file extensions, the preferred one first, and its name.
const FORMATS: [(Format, &[&str], &str); 4] = [
    (Format::Mpk, &["mpk"], "Burn record"),
    (Format::Safetensors, &["safetensors"], "safetensors file"),
    (Format::Torch, &["pt", "pth"], "PyTorch file"),
    (Format::Onnx, &["onnx"], "ONNX model"),
];

impl Format {
    /// Returns the format of a file extension, in upper or lower case.
    pub fn from_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        let entry = FORMATS.iter().find(|(_, extensions, _)| extensions.contains(&&*extension));
        entry.map(|(format, ..)| *format)
    }

    /// Returns the preferred file extension, without the dot.
    pub fn extension(self) -> &'static str {
        FORMATS[self as usize].1[0]
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORMATS[*self as usize].2)
    }
}

/// The content of a model file.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// The ten tensors, for raw pixels 0..255.
    pub weights: Weights,
    /// Metadata, which `.safetensors` and `.onnx` files can store and `.mpk` files cannot.
    pub metadata: BTreeMap<String, String>,
}

impl From<Weights> for ModelFile {
    fn from(weights: Weights) -> Self {
        Self { weights, metadata: BTreeMap::new() }
    }
}

/// Reads a model file.
///
/// The format follows from the file extension, or from the content if the extension is unknown.
///
/// # Errors
/// Returns an error if the file is not regular, is larger than [`MAX_FILE_BYTES`], cannot be read, or does not contain
/// exactly the tensors of LeNet.
pub fn read(path: &Path) -> Result<ModelFile, FormatError> {
    decode(path, &read_bytes(path)?)
}

/// Reads the bytes of a model file, for [`decode`].
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, FormatError> {
    Ok(io::read(path, MAX_FILE_BYTES).map_err(FileError::of("cannot read", path))?)
}

/// Decodes the content of a model file. `path` is used only for its extension and in messages.
pub fn decode(path: &Path, bytes: &[u8]) -> Result<ModelFile, FormatError> {
    let content =
        detect(bytes).map_err(|found| FormatError::NotAModel { path: path.to_owned(), found })?;
    let format = match (Format::from_path(path), content) {
        (Some(extension), Some(content)) if extension != content => {
            return Err(FormatError::WrongExtension { path: path.to_owned(), content });
        }
        (None, None) => return Err(FormatError::Unrecognised { path: path.to_owned() }),
        (Some(format), _) | (None, Some(format)) => format,
    };
    let read = match format {
        Format::Mpk => mpk::decode(bytes).map(ModelFile::from),
        Format::Safetensors => safetensors::decode(bytes),
        Format::Torch => torch::decode(bytes).map(ModelFile::from),
        Format::Onnx => Err(Fault::new(
            FaultKind::WriteOnly,
            format!("an {format} can only be written, not read"),
        )),
    };
    read.map_err(|fault| FormatError::Content { path: path.to_owned(), fault })
}

/// Magic numbers of other file types that users may pass by mistake.
const OTHER_TYPES: [(&[u8], &str); 10] = [
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras .h5)"),
    (b"\x93NUMPY", "a NumPy file"),
    (b"%PDF", "a PDF document"),
    (b"GGUF", "a GGUF model"),
    (b"<!DOCTYPE", "an HTML page"),
    (b"<html", "an HTML page"),
];

/// Detects the format of a model file from its content. Returns `None` if the format is unknown.
///
/// # Errors
/// Returns a description of the file if it has another known type.
fn detect(bytes: &[u8]) -> Result<Option<Format>, &'static str> {
    if bytes.is_empty() {
        return Err("an empty file");
    }
    if let Some((_, found)) = OTHER_TYPES.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(found);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        // PyTorch writes the pickle `data.pkl` as the first entry. The name of the entry follows a header of 30 bytes
        // and the name of the directory, which varies.
        let mut names = bytes[..bytes.len().min(1024)].windows(8);
        let is_torch = names.any(|name| name == b"data.pkl");
        return if is_torch {
            Ok(Some(Format::Torch))
        } else {
            Err("a zip file that is not from PyTorch")
        };
    }
    Ok(match bytes {
        // A map whose first key is "metadata".
        [0x80..=0x8f, key @ ..] if key.starts_with(b"\xa8metadata") => Some(Format::Mpk),
        // The length of the header in eight bytes, then a JSON object.
        [_, _, _, _, _, _, 0, 0, b'{', ..] => Some(Format::Safetensors),
        // A pickle with protocol 2 to 5, as written by PyTorch versions before 1.6.
        [0x80, 2..=5, ..] => Some(Format::Torch),
        _ => None,
    })
}

/// Encodes `file` in `format`. Equal files give equal bytes.
///
/// # Errors
/// Returns an error if a weight is not finite, or if the format can only be read.
pub fn encode(format: Format, file: &ModelFile) -> Result<Vec<u8>, Fault> {
    tensors::check_finite(&file.weights)?;
    match format {
        Format::Mpk => mpk::encode::<Host>(&file.weights, &Default::default()),
        Format::Safetensors => Ok(safetensors::encode(file)),
        Format::Onnx => Ok(onnx::encode(file)),
        Format::Torch => Err(Fault::new(
            FaultKind::ReadOnly,
            format!("a {format} can only be read, not written"),
        )),
    }
}

/// Writes `file` atomically to `path` (see [`Target`]), in the format of the extension. An existing file is replaced.
///
/// # Errors
/// Returns an error if the extension is unknown, a weight is not finite, or the file cannot be written.
pub fn write(path: &Path, file: &ModelFile) -> Result<(), FormatError> {
    let Some(format) = Format::from_path(path) else {
        return Err(FormatError::UnknownExtension { path: path.to_owned() });
    };
    let bytes = encode(format, file)
        .map_err(|fault| FormatError::Content { path: path.to_owned(), fault })?;
    Ok(Target::new(path, Origin::User)?.write(&bytes, true)?)
}
