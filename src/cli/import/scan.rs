//! Finds the class directories and the files in them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::error::ImportError;
use crate::data::datasets::CLASSES;
use crate::data::idx::MAX_ITEMS;
use crate::data::names::check_class;

/// The directory of a class.
#[derive(Debug)]
pub(super) struct ClassDir {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// The label of the class.
    pub(super) label: usize,
    /// Everything in the directory, sorted by the bytes of the names.
    pub(super) entries: Vec<PathBuf>,
}

/// Returns the class directories in `root`, sorted by the bytes of their names. Hidden directories and files in `root` itself
/// are ignored.
pub(super) fn classes(root: &Path) -> Result<Vec<ClassDir>, ImportError> {
    let directories: Vec<_> = entries(root)?.into_iter().filter(|path| path.is_dir()).collect();
    let found = directories.len();
    if !(2..=CLASSES).contains(&found) {
        return Err(ImportError::Classes { root: root.to_owned(), found });
    }
    let (mut classes, mut names, mut count) = (Vec::new(), Vec::new(), 0);
    for (label, path) in directories.into_iter().enumerate() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Err(problem) = check_class(&name, &names) {
            return Err(ImportError::Name { path, problem });
        }
        names.push(name.clone());
        let entries = entries(&path)?;
        count += entries.len();
        if count > MAX_ITEMS as usize {
            return Err(ImportError::TooMany(root.to_owned()));
        }
        classes.push(ClassDir { name, path, label, entries });
    }
    Ok(classes)
}

/// Returns the class directories in `root`, whose classes must be among `others`, with the labels of these.
pub(super) fn classes_like(root: &Path, others: &[ClassDir]) -> Result<Vec<ClassDir>, ImportError> {
    let mut classes = classes(root)?;
    for class in &mut classes {
        let other = others.iter().find(|other| other.name == class.name);
        class.label = other.ok_or_else(|| ImportError::OnlyInTest(class.path.clone()))?.label;
    }
    Ok(classes)
}

/// Returns the entries of a directory without hidden ones, sorted by the bytes of their names.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let failed = |source| ImportError::Directory { dir: dir.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
        if paths.len() > MAX_ITEMS as usize {
            return Err(ImportError::TooMany(dir.to_owned()));
        }
    }
    paths.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    Ok(paths)
}
