//! Model files: reading and writing [`Weights`] in five formats.
//!
//! All readers are strict. A file must have exactly the ten tensors of LeNet with their shapes, as finite floating-point numbers.
//! Sizes are checked before memory is allocated, and no input makes a reader panic. Names may have a prefix or be completely
//! different if there is only one way to interpret the file; [`ModelFile::notes`] lists the assumptions.
//!
//! | extension | read | write | format |
//! |---|---|---|---|
//! | `.mpk` | yes | yes | record of a Burn 0.21 program ([`mpk`]) |
//! | `.bpk` | yes | yes | Burnpack file of Burn 0.21 and later ([`bpk`]) |
//! | `.safetensors` | yes | yes | Hugging Face safetensors ([`safetensors`]) |
//! | `.pt`, `.pth` | yes | no | `torch.save(net.state_dict())` ([`torch`]) |
//! | `.onnx` | no | yes | the network as a graph, for inference ([`onnx`]) |

mod archive;
mod assemble;
pub mod bpk;
mod error;
pub mod mpk;
pub mod onnx;
mod pickle;
#[doc(hidden)]
pub mod protobuf;
pub mod safetensors;
mod tensors;
pub mod torch;
mod zip_layout;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::io::kind::sniff;
use crate::io::{self, FileError, FileKind, Origin, Target};
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
    /// Burn's Burnpack, which replaces records in Burn 0.22.
    Bpk,
    /// Hugging Face's safetensors.
    Safetensors,
    /// A PyTorch state dict in the zip format of PyTorch 1.6 and later.
    Torch,
    /// An ONNX graph.
    Onnx,
}

/// Each format with its file extensions, the preferred one first, and its name.
const FORMATS: [(Format, &[&str], &str); 5] = [
    (Format::Mpk, &["mpk"], "Burn record"),
    (Format::Bpk, &["bpk"], "Burnpack file"),
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
    /// The changes and assumptions of the reader, one clause each, for example that it removed a prefix from the names.
    pub notes: Vec<String>,
}

impl From<Weights> for ModelFile {
    fn from(weights: Weights) -> Self {
        Self { weights, metadata: BTreeMap::new(), notes: Vec::new() }
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

/// Returns the model file in a directory with the layout of Hugging Face, or `path` itself if it is not a directory.
///
/// # Errors
/// Returns an error if the directory is a TensorFlow model, or if its model is split into several files.
pub fn locate(path: &Path) -> Result<PathBuf, FormatError> {
    let has = |name: &&str| path.join(name).is_file();
    if let Some(name) = ["model.safetensors", "pytorch_model.bin"].into_iter().find(has) {
        return Ok(path.join(name));
    }
    let others = [
        ("saved_model.pb", FileKind::SavedModel),
        ("model.safetensors.index.json", FileKind::ShardIndex),
        ("pytorch_model.bin.index.json", FileKind::ShardIndex),
    ];
    match others.into_iter().find(|(name, _)| has(name)) {
        Some((name, found)) => Err(FormatError::NotAModel { path: path.join(name), found }),
        None => Ok(path.to_owned()),
    }
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
        Format::Mpk => mpk::decode(bytes),
        Format::Bpk => bpk::decode(bytes),
        Format::Safetensors => safetensors::decode(bytes),
        Format::Torch => torch::decode(bytes),
        Format::Onnx => Err(Fault::new(
            FaultKind::WriteOnly,
            format!("an {format} can only be written, not read"),
        )),
    };
    read.map_err(|fault| FormatError::Content { path: path.to_owned(), fault })
}

/// Detects the format of a model file from its content. Returns `None` if the format is unknown.
///
/// # Errors
/// Returns the type of the file if it has another known type.
fn detect(bytes: &[u8]) -> Result<Option<Format>, FileKind> {
    Ok(Some(match sniff(bytes) {
        Some(FileKind::BurnRecord) => Format::Mpk,
        Some(FileKind::Burnpack) => Format::Bpk,
        Some(FileKind::Safetensors) => Format::Safetensors,
        Some(FileKind::TorchStateDict) => Format::Torch,
        Some(FileKind::Onnx) => Format::Onnx,
        Some(other) => return Err(other),
        None => return Ok(None),
    }))
}

/// Encodes `file` in `format`. Equal files give equal bytes.
///
/// # Errors
/// Returns an error if a weight is not finite, or if the format can only be read.
pub fn encode(format: Format, file: &ModelFile) -> Result<Vec<u8>, Fault> {
    tensors::check_finite(&file.weights)?;
    match format {
        Format::Mpk => mpk::encode::<Host>(&file.weights, &Default::default()),
        Format::Bpk => bpk::encode::<Host>(&file.weights, &Default::default()),
        Format::Safetensors => {
            let mut file = file.clone();
            // Libraries such as transformers read the tensor layout from this key.
            file.metadata.insert("format".to_owned(), "pt".to_owned());
            Ok(safetensors::encode(&file))
        }
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
