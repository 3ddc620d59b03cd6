//! The line of advice that the program prints below an error: `hint: ..`. The library gives no advice, because only the
//! program has options.

mod data;
mod files;
mod models;

use std::io::{self, ErrorKind};
use std::path::Path;

use crate::backend::cpu::{SimdLevel, SimdLevelError};
use crate::cli::args::quoted;
use crate::cli::error::{Error, FetchError, ImportError};
use crate::cli::picture::{MAX_BYTES, MAX_FILE_BYTES, MAX_SIDE, PictureError};
use crate::data::SplitError;
use crate::data::datasets::DEFAULT;
use crate::error;
use crate::io::FileKind;

use data::data;
use files::file;
use models::{any, format};

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
            Self::Import(error) => return import(error),
            Self::Unverified { dir, .. } => {
                return Some(format!(
                    "back up your own files, and then replace them: lenet data fetch --force --data={}",
                    quoted(dir.as_os_str())
                ));
            }
            Self::VerificationFailed(_) => {
                "this is a bug in lenet; please report it with the command that you typed"
            }
            Self::Memory(_) => MEMORY,
            Self::NoRuns(_) => {
                "give a directory with run records (.json), which `lenet train` writes"
            }
            Self::Threads(error) => {
                return Some(format!(
                    "{}, or use fewer threads if the command has --threads",
                    threads(error)
                ));
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

fn threads(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::OutOfMemory => MEMORY,
        _ => "raise the limit on processes (ulimit -u)",
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
            "start a new run with another file (-o), or overwrite this one with --force instead of --resume"
        }
        Error::Checkpoint { .. } => {
            "start over with --force instead of --resume; the model file itself is intact"
        }
        Error::CheckpointMismatch { .. } => {
            "resume with the settings of the first run (omitted options keep them), or start over with --force instead of --resume"
        }
        Error::EpochsDone { done, .. } => {
            return Some(format!(
                "to continue training, use --epochs {} or more; nothing was changed",
                done + 1
            ));
        }
        Error::ModelMismatch(_) | Error::RecordMismatch(_) => {
            "move it elsewhere, or overwrite it with --resume --force"
        }
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
        PictureError::NotAnImage(path, Some(found)) => return Some(not_an_image(*found, path)),
        PictureError::NotAnImage(_, None) => CONVERT_PICTURE,
        PictureError::TooLarge(_) => &too_large,
        PictureError::Crop { .. } => {
            "--crop takes the left and top edge, the width and the height of the part, in pixels"
        }
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

fn import(error: &ImportError) -> Option<String> {
    let hint = match error {
        ImportError::Directory { .. } => {
            "give a directory that has one directory of pictures per class"
        }
        ImportError::Classes { .. } => {
            "sort the pictures into one directory per class, named after the class: PICTURES/circle, PICTURES/square, .."
        }
        ImportError::Name { .. } => "rename the directory",
        ImportError::NoPictures(_) => {
            "add pictures (PNG, JPEG, GIF, WebP or BMP), or remove the directory"
        }
        ImportError::NoTestPictures(_) => {
            "add pictures, or give a directory of test pictures with --test"
        }
        ImportError::OnlyInTest(_) => "name the directory like one of those with training pictures",
        ImportError::NoSuchClass { .. } => {
            "name a class, which is the name of a directory, after --flip"
        }
        ImportError::Picture(error) => return picture(error),
        ImportError::TooMany(_) => "remove some of them",
    };
    Some(hint.to_owned())
}

fn fetch(error: &FetchError) -> Option<String> {
    let hint = match error {
        FetchError::Mirrors { is_untrusted: true, .. } => {
            "if your organisation has its own certificate authority, set the variable SSL_CERT_FILE to the PEM file \
             with its certificate, and try again"
        }
        FetchError::Mirrors { dataset, .. } if *dataset != DEFAULT => {
            "try again later or with `--mirror URL`, or get the files elsewhere and use `--data DIR --any-dataset` \
             with other commands"
        }
        FetchError::Mirrors { .. } => {
            "try again later or with `--mirror URL`, or get the files elsewhere and use `--data DIR` with other \
             commands; the Debian package dataset-fashion-mnist has them"
        }
        FetchError::Occupied { .. } => {
            "overwrite it with --force, or choose another directory with `--data DIR`"
        }
        FetchError::Threads(error) => threads(error),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_hint_names_option_for_output() {
        let dir = tempfile::tempdir().unwrap();
        for (path, expected) in [(dir.path().to_owned(), "--tensorboard"), ("m.mpk".into(), "-o")] {
            let hint = library(&error::Error::Locked(path)).unwrap();
            assert!(hint.contains(expected), "{hint}");
        }
    }
}
