//! What the training left to tell beside its model.

use std::io;
use std::path::{Path, PathBuf};

use crate::train::{Output, RunRecord};

/// The record of a training, if there is one.
#[derive(Debug, Clone, PartialEq)]
pub enum Training {
    /// The record of `lenet train`.
    Known(Box<RunRecord>),
    /// No file with the record.
    Unknown {
        /// Where it would be.
        path: PathBuf,
    },
    /// A file with the record's name that is none, or the record of another model.
    Unreadable {
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl Training {
    /// The record that lies beside the model file `model`, whose bytes have the SHA-256 `sha256`.
    pub fn beside(model: &Path, sha256: &str) -> Self {
        let path = Output::beside(model, "json");
        match RunRecord::read(&path) {
            Ok(record) if record.model_sha256.as_ref().is_some_and(|its| its != sha256) => {
                Self::Unreadable {
                    path,
                    problem: "it is the record of another model (SHA-256)".to_owned(),
                }
            }
            Ok(record) => Self::Known(Box::new(record)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Unknown { path },
            Err(error) => Self::Unreadable { path, problem: error.to_string() },
        }
    }

    pub fn record(&self) -> Option<&RunRecord> {
        match self {
            Self::Known(record) => Some(record),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_record_a_foreign_file_and_a_folder_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("model.mpk");
        assert!(matches!(Training::beside(&model, ""), Training::Unknown { .. }));
        let path = dir.path().join("model.json");
        std::fs::write(&path, r#"{"loss": 1}"#).unwrap();
        let found = Training::beside(&model, "");
        assert!(
            matches!(&found, Training::Unreadable { problem, .. } if problem.contains("record"))
        );
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let found = Training::beside(&model, "");
        assert!(
            matches!(&found, Training::Unreadable { problem, .. } if problem.contains("folder"))
        );
    }
}
