//! Searches for run records.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::cli::error::Error;
use crate::io::FileError;
use crate::io::limits::is_exhausted;
use crate::io::read;
use crate::train::RunFiles;

/// Maximum depth of the search below a given directory, so that the search ends.
const MAX_DEPTH: usize = 32;

/// Returns the files that `paths` name and the run records in the directories among `paths`, sorted and each once.
///
/// # Errors
/// Returns an error if a given directory cannot be read. A subdirectory that cannot be read is skipped, unless memory or file
/// descriptors are exhausted.
pub(super) fn records(paths: &[PathBuf]) -> Result<BTreeSet<PathBuf>, Error> {
    let mut found = BTreeSet::new();
    for path in paths {
        match path.is_dir() {
            true => {
                search(path, MAX_DEPTH, &mut found).map_err(FileError::of("cannot search", path))?
            }
            false => drop(found.insert(path.clone())),
        }
    }
    Ok(found)
}

/// Adds the run records below `dir`. Symlinks to directories are not followed, because they could form a loop.
fn search(dir: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        // `./model.json` is listed as `model.json`.
        let path = entry.path().strip_prefix(".").map(Path::to_owned).unwrap_or(entry.path());
        if entry.file_type()?.is_dir() {
            if depth > 0 {
                match search(&entry.path(), depth - 1, found) {
                    Err(error) if is_exhausted(&error) => return Err(error),
                    _ => {}
                }
            }
        } else if path.extension().is_some_and(|extension| extension == "json") && is_record(&path)?
        {
            found.insert(path);
        }
    }
    Ok(())
}

/// Returns whether a JSON file is intended as a run record: it begins like one, or a model or checkpoint of that name is next
/// to it.
fn is_record(path: &Path) -> io::Result<bool> {
    let bare = path.with_extension("");
    if bare.with_extension("mpk").is_file() || RunFiles::beside(&bare, "state").is_file() {
        return Ok(true);
    }
    let mut start = Vec::new();
    match read::open(path, u64::MAX).and_then(|(file, _)| file.take(256).read_to_end(&mut start)) {
        Err(error) if is_exhausted(&error) => return Err(error),
        Err(_) => return Ok(false),
        Ok(_) => {}
    }
    let start = String::from_utf8_lossy(&start);
    Ok(start.contains("\"schema\":") && start.contains("\"lenet\":"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_directories_are_not_searched() {
        let top = tempfile::tempdir().unwrap();
        let mut dir = top.path().to_owned();
        for name in ["a", "b", "c", "d"] {
            dir.push(name);
            fs::create_dir(&dir).unwrap();
            fs::write(dir.join("m.json"), r#"{"schema": 1, "lenet": "0.2.0"}"#).unwrap();
        }
        let mut found = BTreeSet::new();
        search(top.path(), 3, &mut found).unwrap();
        assert_eq!(
            found,
            ["a/m.json", "a/b/m.json", "a/b/c/m.json"].map(|end| top.path().join(end)).into()
        );
    }
}
