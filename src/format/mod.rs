//! Model files: [`Weights`] to and from `.mpk`, `.safetensors` and `.pt`, and to `.onnx`.
//!
//! Every reader is strict: all ten tensors, each of its exact shape, as 32-bit floats, finite, and nothing
//! else of weight in the file. Sizes are checked before memory is taken, and no input makes a reader panic.
//!
//! | ending | read | written | what it is |
//! |---|---|---|---|
//! | `.mpk` | yes | yes | the record of a Burn 0.21 program ([`mpk`]) |
//! | `.safetensors` | yes | yes | Hugging Face's container ([`safetensors`]) |
//! | `.pt`, `.pth` | yes | no | `torch.save(net.state_dict())` ([`torch`]) |
//! | `.onnx` | no | yes | the network itself, for inference anywhere ([`onnx`]) |

mod archive;
mod error;
pub mod mpk;
pub mod onnx;
mod pickle;
pub(crate) mod protobuf;
pub mod safetensors;
mod tensors;
pub mod torch;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use crate::io::{self, FileError, Target};
use crate::model::{Host, Weights};

pub use error::{Fault, FormatError};
pub use tensors::{from_torch, to_torch};

/// The largest model file that is read, in bytes. A LeNet file has about 180,000.
pub const MAX_FILE_BYTES: u64 = 16 << 20;

/// A kind of model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Burn's named MessagePack record.
    Mpk,
    /// Hugging Face's safetensors.
    Safetensors,
    /// A PyTorch state dict in the zip form of PyTorch 1.6 and later.
    Torch,
    /// An ONNX graph.
    Onnx,
}

/// Of each format its endings, the usual one first, and its name.
const FORMATS: [(Format, &[&str], &str); 4] = [
    (Format::Mpk, &["mpk"], "Burn record"),
    (Format::Safetensors, &["safetensors"], "safetensors file"),
    (Format::Torch, &["pt", "pth"], "PyTorch file"),
    (Format::Onnx, &["onnx"], "ONNX model"),
];

impl Format {
    /// The format that the ending of `path` names, in upper or lower case.
    pub fn from_path(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        let named = FORMATS.iter().find(|(_, endings, _)| endings.contains(&&*ending));
        named.map(|(format, ..)| *format)
    }

    /// The usual ending, without its dot.
    pub fn ending(self) -> &'static str {
        FORMATS[self as usize].1[0]
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORMATS[*self as usize].2)
    }
}

/// What a model file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// The ten tensors, for raw pixels 0..255.
    pub weights: Weights,
    /// Notes that travel with the weights. `.safetensors` and `.onnx` keep them; `.mpk` has no room for any.
    pub metadata: BTreeMap<String, String>,
}

impl From<Weights> for ModelFile {
    fn from(weights: Weights) -> Self {
        Self { weights, metadata: BTreeMap::new() }
    }
}

/// Reads the model file `path`.
///
/// Its ending says the format; where the ending is unknown, the content does.
///
/// # Errors
/// If it is not a regular file, is larger than [`MAX_FILE_BYTES`], cannot be read, or does not hold exactly the
/// tensors of LeNet.
pub fn read(path: &Path) -> Result<ModelFile, FormatError> {
    decode(path, &read_bytes(path)?)
}

/// The bytes of the model file `path`, for [`decode`].
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, FormatError> {
    Ok(io::read(path, MAX_FILE_BYTES).map_err(FileError::of("cannot read", path))?)
}

/// Reads `bytes`, the content of the model file `path`; `path` serves its ending and the messages.
pub fn decode(path: &Path, bytes: &[u8]) -> Result<ModelFile, FormatError> {
    let content = recognise(bytes)
        .map_err(|found| FormatError::NotAModel { path: path.to_owned(), found })?;
    let format = match (Format::from_path(path), content) {
        (Some(ending), Some(content)) if ending != content => {
            return Err(FormatError::WrongEnding { path: path.to_owned(), content });
        }
        (None, None) => return Err(FormatError::Unrecognised { path: path.to_owned() }),
        (Some(format), _) | (None, Some(format)) => format,
    };
    let read = match format {
        Format::Mpk => mpk::decode(bytes).map(ModelFile::from),
        Format::Safetensors => safetensors::decode(bytes),
        Format::Torch => torch::decode(bytes).map(ModelFile::from),
        Format::Onnx => Err(Fault::unsupported(
            format!("this is an {format}, a format that is only written"),
            "keep the .mpk or .safetensors file that it was made from",
        )),
    };
    read.map_err(|fault| FormatError::Content { path: path.to_owned(), fault })
}

/// Kinds of file that are taken for models by mistake, by the bytes with which they begin.
const OTHERS: [(&[u8], &str); 10] = [
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

/// The format of a model file that begins like `bytes`, all of a file, if one does; or what else it is.
fn recognise(bytes: &[u8]) -> Result<Option<Format>, &'static str> {
    if bytes.is_empty() {
        return Err("empty");
    }
    if let Some((_, found)) = OTHERS.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(found);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        // PyTorch writes its pickle first; the name follows the header of 30 bytes and a folder of any name.
        let mut names = bytes[..bytes.len().min(1024)].windows(8);
        let is_torch = names.any(|name| name == b"data.pkl");
        return if is_torch {
            Ok(Some(Format::Torch))
        } else {
            Err("a zip file (not one of PyTorch)")
        };
    }
    Ok(match bytes {
        // A map whose first key is "metadata".
        [0x80..=0x8f, key @ ..] if key.starts_with(b"\xa8metadata") => Some(Format::Mpk),
        // The length of the header in eight bytes, then its JSON object.
        [_, _, _, _, _, _, 0, 0, b'{', ..] => Some(Format::Safetensors),
        // A pickle of protocol 2 to 5, as PyTorch wrote before 1.6.
        [0x80, 2..=5, ..] => Some(Format::Torch),
        _ => None,
    })
}

/// `file` as the bytes of a file of `format`. Equal files give equal bytes.
///
/// # Errors
/// If a weight is not finite, or `format` is one that is only read.
pub fn encode(format: Format, file: &ModelFile) -> Result<Vec<u8>, Fault> {
    tensors::check_finite(&file.weights)?;
    match format {
        Format::Mpk => mpk::encode::<Host>(&file.weights, &Default::default()),
        Format::Safetensors => Ok(safetensors::encode(file)),
        Format::Onnx => Ok(onnx::encode(file)),
        Format::Torch => Err(Fault::unsupported(
            format!("a {format} is only read, not written"),
            "write .safetensors; PyTorch loads it with \
             net.load_state_dict(safetensors.torch.load_file(path))",
        )),
    }
}

/// Writes `file` to `path` in the format of its ending, whole or not at all (see [`Target`]). A file that is there is
/// replaced.
///
/// # Errors
/// If the ending is unknown, the weights are not finite, or the file cannot be written.
pub fn write(path: &Path, file: &ModelFile) -> Result<(), FormatError> {
    let Some(format) = Format::from_path(path) else {
        return Err(FormatError::UnknownEnding { path: path.to_owned() });
    };
    let bytes = encode(format, file)
        .map_err(|fault| FormatError::Content { path: path.to_owned(), fault })?;
    Ok(Target::user_path(path)?.write(&bytes, true)?)
}
