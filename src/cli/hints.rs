//! The line of advice that the program prints below an error: `hint: ..`. The library gives no advice, because only the
//! program has options.

mod files;
mod models;

use std::io::ErrorKind;
use std::path::Path;

use crate::backend::cpu::{SimdLevel, SimdLevelError};
use crate::cli::error::{Error, FetchError};
use crate::cli::picture::{MAX_BYTES, MAX_FILE_BYTES, MAX_SIDE, PictureError};
use crate::data::error::IdxError;
use crate::data::{DataError, SplitError};
use crate::error;
use crate::io::FileKind;

use files::{file, reading};
use models::{any, format};

const REPLACE_DATA: &str = "replace or remove the file; `lenet data fetch` downloads a valid one";
const CONVERT_PICTURE: &str = "convert it to PNG first; renaming the file is not enough";
const MEMORY: &str = "raise the memory limit (ulimit -v)";

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
                "the disk may be failing; if this happens again, report it as a bug in lenet"
            }
            Self::Memory(_) => MEMORY,
            Self::Threads(_) => {
                "use fewer threads, for example --threads 1, or raise the limit on processes (ulimit -u)"
            }
            Self::Interrupted { advice, .. } => advice,
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
        Error::Device { .. } => "try again, or use the CPU: --backend ndarray",
        Error::NonFiniteOutput(_) => "the weights are too large; train again with a smaller --lr",
        Error::Diverged { .. } => {
            "try a smaller --lr; the saved files are from the last good epoch"
        }
        Error::Interrupted(_) => return None,
        Error::Exists { resumable: true, .. } => {
            "resume with --resume, overwrite it with --force, or choose another file with -o"
        }
        Error::Exists { .. } => "overwrite it with --force, or choose another file",
        Error::Locked(_) => "wait until that run has ended, or choose another file with -o",
        Error::OutputFormat { .. } => "choose a file name that ends in .mpk or .safetensors",
        Error::NoCheckpoint(_) => {
            "start a new run with another file (-o), or overwrite this one with --force"
        }
        Error::Checkpoint { .. } => "start over with --force; the model file itself is intact",
        Error::CheckpointMismatch { .. } => {
            "use the settings of the first run, or start over with --force"
        }
        Error::ModelMismatch(_) => "move it elsewhere, or overwrite it with --resume --force",
    };
    Some(hint.to_owned())
}

fn picture(error: &PictureError) -> Option<String> {
    let too_large = format!(
        "shrink it first: at most {MAX_SIDE} pixels per side, {} MiB decoded, {} MiB as a file",
        MAX_BYTES >> 20,
        MAX_FILE_BYTES >> 20
    );
    let hint = match error {
        PictureError::File(error) => match error.source.kind() {
            ErrorKind::InvalidInput => "give a picture file",
            ErrorKind::FileTooLarge => &too_large,
            _ => return file(error),
        },
        PictureError::NotAnImage(path, Some(found)) => return Some(not_an_image(*found, path)),
        PictureError::NotAnImage(_, None) => CONVERT_PICTURE,
        PictureError::TooLarge(_) => &too_large,
        PictureError::Corrupt { .. } => "save or download it again",
    };
    Some(hint.to_owned())
}

/// Returns the advice on a file that should be a picture.
fn not_an_image(found: FileKind, path: &Path) -> String {
    use FileKind::{BurnRecord, Burnpack, IdxFile, Onnx, Picture, Safetensors, TorchStateDict};
    any(found, path).unwrap_or_else(|| {
        let hint = match found {
            Picture(_) => CONVERT_PICTURE,
            BurnRecord | Burnpack | Safetensors | TorchStateDict | Onnx => {
                "give the model first, and then the picture"
            }
            IdxFile => "classify images of a data set with --index",
            _ => "give a picture file",
        };
        hint.to_owned()
    })
}

fn fetch(error: &FetchError) -> Option<String> {
    let hint = match error {
        FetchError::Mirrors(_) => {
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

fn data(error: &DataError) -> Option<String> {
    let hint = match error {
        DataError::Nowhere { .. } => {
            "download it with `lenet data fetch`, or give the directory that contains it with `--data DIR`"
        }
        DataError::Directory { .. } | DataError::Incomplete { .. } => {
            "`--data` or LENET_DATA_DIR must name the directory that contains the four IDX files, with or without .gz"
        }
        DataError::File { path, source } => return idx(path, source),
        DataError::Counts { .. } => REPLACE_DATA,
        DataError::OtherDataset { .. } => {
            "give the directory of Fashion-MNIST with `--data DIR`, or accept this data set with `--any-dataset`"
        }
    };
    Some(hint.to_owned())
}

fn idx(path: &Path, error: &IdxError) -> Option<String> {
    match error {
        IdxError::Read(error) if error.raw_os_error().is_some() => reading(error),
        IdxError::Memory(_) => Some(MEMORY.to_owned()),
        IdxError::Other { found, .. } => any(*found, path).or(Some(REPLACE_DATA.to_owned())),
        _ => Some(REPLACE_DATA.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn data_errors_name_their_options() {
        let nowhere = data(&DataError::Nowhere { places: vec![PathBuf::from("data")] }).unwrap();
        assert!(nowhere.contains("lenet data fetch") && nowhere.contains("--data"), "{nowhere}");
        let (dir, difference) = (PathBuf::from("data"), "not Fashion-MNIST".to_owned());
        let other = data(&DataError::OtherDataset { dir, difference }).unwrap();
        assert!(other.contains("--any-dataset"), "{other}");
    }
}
