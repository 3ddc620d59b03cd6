//! Finds the directory of the data set.
//!
//! A directory that the user names, directly or by `$LENET_DATA_DIR`, is the only one searched. Otherwise these are tried
//! in turn: `./data`, the user's cache, and `/usr/share/datasets/fashion-mnist` (Debian's package
//! `dataset-fashion-mnist`).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::catalog::DataFile;
use super::error::DataError;

/// Environment variable that names the directory if the caller does not.
pub const DIR_VARIABLE: &str = "LENET_DATA_DIR";

/// Returns the cache directory of this program: `$XDG_CACHE_HOME/lenet`, else `~/.cache/lenet`. Returns `None` if
/// neither is known.
pub fn cache_dir() -> Option<PathBuf> {
    cache_dir_in(|name| std::env::var_os(name), std::env::home_dir())
}

fn cache_dir_in(
    variable: impl Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    // The XDG base directory specification requires relative paths to be ignored.
    variable("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
        .or_else(|| Some(home.filter(|dir| dir.is_absolute())?.join(".cache")))
        .map(|dir| dir.join("lenet"))
}

/// Returns a directory that has all of `files`: `named`, else `$LENET_DATA_DIR`, else the first default directory.
///
/// # Errors
/// Returns an error if the named directory lacks a file, or if no default directory has all files.
pub fn find(named: Option<&Path>, files: &[DataFile]) -> Result<PathBuf, DataError> {
    let Some(dir) = named_dir(named, std::env::var_os(DIR_VARIABLE)) else {
        let usual = [
            Some(PathBuf::from("data")),
            cache_dir(),
            cfg!(unix).then(|| PathBuf::from("/usr/share/datasets/fashion-mnist")),
        ];
        return first_complete(usual.into_iter().flatten().collect(), files);
    };
    if let Err(source) = std::fs::read_dir(&dir) {
        return Err(DataError::Directory { dir, source });
    }
    let missing = missing(&dir, files);
    if missing.is_empty() { Ok(dir) } else { Err(DataError::Incomplete { dir, missing }) }
}

/// Returns the directory that the user named. The option takes precedence, and an empty variable is ignored.
fn named_dir(option: Option<&Path>, variable: Option<OsString>) -> Option<PathBuf> {
    let variable = variable.filter(|dir| !dir.is_empty());
    option.map(Path::to_path_buf).or_else(|| variable.map(PathBuf::from))
}

/// Returns the first of `places` that has all of `files`.
fn first_complete(places: Vec<PathBuf>, files: &[DataFile]) -> Result<PathBuf, DataError> {
    let complete = places.iter().find(|dir| missing(dir, files).is_empty());
    complete.cloned().ok_or(DataError::Nowhere { places })
}

/// Returns the names of the `files` that are missing in `dir`.
fn missing(dir: &Path, files: &[DataFile]) -> Vec<&'static str> {
    let missing = files.iter().filter(|file| path_of(dir, **file).is_none());
    missing.map(|file| file.name()).collect()
}

/// Returns the path of `file` in `dir`. If the file exists with and without `.gz`, the path ends with `.gz`. Dangling
/// symlinks do not count as files.
pub fn path_of(dir: &Path, file: DataFile) -> Option<PathBuf> {
    [format!("{}.gz", file.name()), file.name().to_owned()]
        .into_iter()
        .map(|name| dir.join(name))
        .find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(dir: &Path, names: &[&str]) {
        for name in names {
            std::fs::write(dir.join(name), "").unwrap();
        }
    }

    const TEST_FILES: [DataFile; 2] = [DataFile::TestImages, DataFile::TestLabels];

    #[test]
    fn gz_takes_precedence() {
        let dir = tempfile::tempdir().unwrap();
        let path = |file| path_of(dir.path(), file);
        assert_eq!(path(DataFile::TestLabels), None);
        touch(dir.path(), &["t10k-labels-idx1-ubyte"]);
        assert_eq!(path(DataFile::TestLabels), Some(dir.path().join("t10k-labels-idx1-ubyte")));
        touch(dir.path(), &["t10k-labels-idx1-ubyte.gz"]);
        assert_eq!(path(DataFile::TestLabels), Some(dir.path().join("t10k-labels-idx1-ubyte.gz")));
    }

    #[test]
    fn option_takes_precedence_over_variable() {
        let (option, variable) = (Some(Path::new("option")), Some("variable".into()));
        assert_eq!(named_dir(option, variable.clone()), Some("option".into()));
        assert_eq!(named_dir(None, variable), Some("variable".into()));
        assert_eq!(named_dir(None, Some("".into())), None);
    }

    #[test]
    fn named_directory_is_not_skipped() {
        let dir = tempfile::tempdir().unwrap();
        touch(dir.path(), &["t10k-images-idx3-ubyte.gz"]);
        let refused = |dir: &Path| find(Some(dir), &TEST_FILES).unwrap_err();
        let text = refused(dir.path()).to_string();
        assert!(text.ends_with("missing t10k-labels-idx1-ubyte"), "{text}");
        for name in ["absent", "t10k-images-idx3-ubyte.gz"] {
            let error = refused(&dir.path().join(name));
            assert!(matches!(error, DataError::Directory { .. }), "{error}");
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn incomplete_default_directories_are_skipped() {
        let [first, second] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let places = vec![first.path().to_owned(), second.path().to_owned()];
        touch(first.path(), &["t10k-images-idx3-ubyte.gz"]);

        let error = first_complete(places.clone(), &TEST_FILES).unwrap_err();
        let text = error.to_string();
        assert!(places.iter().all(|dir| text.contains(dir.to_str().unwrap())), "{text}");

        touch(second.path(), &["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]);
        assert_eq!(first_complete(places, &TEST_FILES).unwrap(), second.path());
    }

    #[test]
    fn cache_follows_xdg_specification() {
        // On Windows a path without a drive is relative.
        let root = if cfg!(windows) { "C:" } else { "" };
        let at = |path: &str| Some(PathBuf::from(format!("{root}{path}")));
        let cache = |value: Option<&str>, home| cache_dir_in(|_| value.map(OsString::from), home);
        let in_home = at("/home/user/.cache/lenet");
        assert_eq!(cache(None, at("/home/user")), in_home);
        let absolute = format!("{root}/cache");
        assert_eq!(cache(Some(&absolute), at("/home/user")), at("/cache/lenet"));
        for ignored in ["", "relative"] {
            assert_eq!(cache(Some(ignored), at("/home/user")), in_home);
        }
        assert_eq!(cache(None, None), None);
    }
}
