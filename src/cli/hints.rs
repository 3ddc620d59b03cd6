//! The line of advice that the program prints below an error: `hint: ..`. The library gives no advice, because only the
//! program has options.

mod data;
mod files;

use std::io::ErrorKind;

use crate::backend::cpu::{SimdLevel, SimdLevelError};
use crate::cli::error::{Error, FetchError};
use crate::cli::picture::{MAX_BYTES, MAX_FILE_BYTES, MAX_SIDE, PictureError};
use crate::data::SplitError;
use crate::error;
use crate::format::{FaultKind, FormatError};

use data::data;
use files::{file, is_reading, missing};

const MEMORY: &str = "raise the memory limit (ulimit -v)";
const A_MODEL: &str = "give a LeNet model file (.mpk, .safetensors or .pt)";

impl Error {
    /// Returns what the user can do about the error, in one line.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Library(error) => return library(error),
            Self::SimdLevel(error) => return Some(simd_level(error)),
            Self::Picture(error) => return picture(error),
            Self::Fetch(error) => return fetch(error),
            Self::Unverified { .. } => {
                "run `lenet data fetch --force` with the same --data to replace them; back up your own files first"
            }
            Self::VerificationFailed(_) => {
                "this is a bug in lenet; please report it with the command that you typed"
            }
            Self::Memory(_) => MEMORY,
            Self::NoRuns(_) => {
                "name a directory with run records (.json), which `lenet train` writes"
            }
            Self::Threads(_) => {
                "raise the limit on processes (ulimit -u), or use fewer threads if the command has --threads"
            }
            Self::Stopped { advice, .. } => advice,
            Self::Open { .. } => "the report is saved; open the file in a browser",
            Self::Signals(_) | Self::Stdout(_) | Self::Usage(_) | Self::BelowMinAccuracy { .. } => {
                return None;
            }
        };
        Some(hint.to_owned())
    }
}

fn library(error: &error::Error) -> Option<String> {
    use error::Error;
    let hint = match error {
        Error::Data(error) => return data(error),
        Error::Split(error) => return Some(split(error)),
        Error::Format(error) => return format(error),
        Error::File(error) => return file(error),
        Error::Gpu(_) => "use the CPU: --backend ndarray",
        Error::UnknownGpu { .. } => {
            "choose one of them by its number or a part of its name, for example --gpu 0"
        }
        Error::Device { .. } => "try again, or use the CPU: --backend ndarray",
        Error::NonFiniteOutput(_) => "the weights are too large; train again with a smaller --lr",
        Error::Diverged { .. } => {
            "try a smaller --lr; the saved files are from the last good epoch"
        }
        Error::Interrupted(_) | Error::TimeLimit => return None,
        Error::Exists { resumable: true, .. } => {
            "resume with --resume, overwrite it with --force, or choose another file with -o"
        }
        Error::Exists { .. } => "overwrite it with --force, or choose another file",
        Error::Locked(path) if path.is_dir() => {
            "wait until that run has ended, or choose another directory with --tensorboard"
        }
        Error::Locked(_) => {
            "wait until that run has ended, or choose a file for each run, for example with -o 'model-{seed}.mpk'"
        }
        Error::OutputFormat { .. } => "choose a file name that ends in .mpk or .safetensors",
        Error::NoCheckpoint(_) => {
            "start a new run with another file (-o), or overwrite this one with --force"
        }
        Error::Checkpoint { .. } => "start over with --force; the model file itself is intact",
        Error::CheckpointMismatch { .. } => {
            "leave out what differs, because --resume keeps the settings of the first run, or start over with --force"
        }
        Error::EpochsDone { done, .. } => {
            return Some(format!(
                "to train on, use --epochs {} or more; nothing was changed",
                done + 1
            ));
        }
        Error::ModelMismatch(_) => "move it elsewhere, or overwrite it with --resume --force",
    };
    Some(hint.to_owned())
}

fn picture(error: &PictureError) -> Option<String> {
    let too_large = format!(
        "shrink it first: at most {MAX_SIDE} pixels per side, {} MiB as a file, and {} MiB to decode it",
        MAX_FILE_BYTES >> 20,
        MAX_BYTES >> 20
    );
    let hint = match error {
        PictureError::File(error) => match error.source.kind() {
            ErrorKind::InvalidInput => "give a picture file",
            ErrorKind::FileTooLarge => &too_large,
            _ => return file(error),
        },
        PictureError::NotAnImage(_) => "convert it to PNG first; renaming the file is not enough",
        PictureError::TooLarge(_) => &too_large,
        PictureError::Crop { .. } => {
            "--crop takes the left and top edge, the width and the height of the part, in pixels"
        }
        PictureError::Corrupt { .. } => "save or download it again",
    };
    Some(hint.to_owned())
}

fn fetch(error: &FetchError) -> Option<String> {
    let hint = match error {
        FetchError::Mirrors { is_untrusted: true, .. } => {
            "if your organisation has its own certificate authority, name the PEM file with its certificate: \
             SSL_CERT_FILE=FILE lenet data fetch"
        }
        FetchError::Mirrors { .. } => {
            "try again later or with `--mirror URL`, or get the files elsewhere and use `--data DIR` with other \
             commands; the Debian package dataset-fashion-mnist has them"
        }
        FetchError::Occupied { .. } => {
            "overwrite it with --force, or choose another directory with `--data DIR`"
        }
        FetchError::NoFolder => "choose a directory with `--data DIR`",
        FetchError::File(error) => {
            return Some(format!("{}; `--data DIR` chooses another directory", file(error)?));
        }
    };
    Some(hint.to_owned())
}

fn simd_level(_: &SimdLevelError) -> String {
    let names: Vec<String> = SimdLevel::available().iter().map(SimdLevel::to_string).collect();
    format!("unset LENET_SIMD, or set it to one of: {}", names.join(", "))
}

fn split(_: &SplitError) -> String {
    "use `--validation-split 0.1` to hold out the last tenth, or `0` to hold out nothing".to_owned()
}

fn format(error: &FormatError) -> Option<String> {
    let hint = match error {
        FormatError::File(error) if is_reading(error) => match error.source.kind() {
            ErrorKind::NotFound => {
                let missing = missing(&error.path);
                return missing.or(Some("create a model with `lenet train`".to_owned()));
            }
            ErrorKind::InvalidInput | ErrorKind::FileTooLarge => A_MODEL,
            _ => return file(error),
        },
        FormatError::File(error) => return file(error),
        FormatError::Unrecognised { path } if path.with_extension("mpk").is_file() => {
            let model = path.with_extension("mpk");
            return Some(format!("use the model next to it: {}", model.display()));
        }
        FormatError::NotAModel { .. } | FormatError::Unrecognised { .. } => A_MODEL,
        FormatError::WrongExtension { content, .. } => {
            return Some(format!("rename it to end in .{}", content.extension()));
        }
        FormatError::UnknownExtension { .. } => {
            "use a file name that ends in .mpk, .safetensors or .onnx"
        }
        FormatError::Content { fault, .. } => fault_kind(fault.kind()),
    };
    Some(hint.to_owned())
}

fn fault_kind(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Malformed => "the file is corrupt or truncated; copy it again, or train again",
        FaultKind::NotLeNet => {
            "a LeNet file has a weight and a bias, as 32-bit floats, for each of conv1, conv2, fc1, fc2 and fc3"
        }
        FaultKind::NonFinite => "training diverged; train again with a smaller --lr",
        FaultKind::WriteOnly => "use the .mpk or .safetensors file that it was made from",
        FaultKind::ReadOnly => {
            "write .safetensors; PyTorch loads it with net.load_state_dict(safetensors.torch.load_file(path))"
        }
        FaultKind::NotStateDict => "save the weights alone: torch.save(net.state_dict(), path)",
        FaultKind::View => {
            "save copies: torch.save({name: t.resolve_neg().clone() for name, t in net.state_dict().items()}, path)"
        }
        FaultKind::LegacyTorch => "save it again: torch.save(torch.load(path), path)",
        FaultKind::BigEndian => "save it on an x86 or ARM machine",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::format::{self as models, Format, ModelFile};
    use crate::model::Weights;

    #[test]
    fn torch_errors_have_hints() {
        for (name, expected) in [
            ("checkpoint.pt", "net.state_dict()"),
            ("module.pt", "net.state_dict()"),
            ("tensor.pt", "net.state_dict()"),
            ("legacy.pt", "torch.save(torch.load(path), path)"),
            ("double.pt", "32-bit"),
            ("shape.pt", "conv1"),
            ("incomplete.pt", "conv1"),
            ("negative.pt", "resolve_neg()"),
            ("sequential.pt", "conv1"),
        ] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(name);
            let found = format(&models::read(&path).unwrap_err()).unwrap();
            assert!(found.contains(expected), "{name}: {found}");
        }
        assert!(fault_kind(FaultKind::BigEndian).contains("x86 or ARM"));
    }

    #[test]
    fn format_errors_have_hints() {
        let file = ModelFile::from(Weights::zeros());
        let bytes = models::encode(Format::Safetensors, &file).unwrap();
        let error = models::decode(Path::new("model.mpk"), &bytes).unwrap_err();
        assert_eq!(format(&error).unwrap(), "rename it to end in .safetensors");
        for name in ["m.pt", "m.bin", "m"] {
            let error = models::write(Path::new(name), &file).unwrap_err();
            assert!(format(&error).unwrap().contains("safetensors"), "{error}");
        }
        for content in [&b""[..], b"\x89PNG\r\n\x1a\n....", b"some text"] {
            let error = models::decode(Path::new("m.bin"), content).unwrap_err();
            assert!(format(&error).is_some(), "{error}");
        }
    }
}
