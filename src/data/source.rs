//! Finds the directory of the data set.
//!
//! A directory that the user names, directly or by `$LENET_DATA_DIR`, is the only one searched. Otherwise these are tried
//! in turn: `./data`, the user's cache, and `/usr/share/datasets/fashion-mnist` (Debian's package
//! `dataset-fashion-mnist`).
//!
//! In each of them, the files may also be in a subdirectory that another program created, see [`complete_dir`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::catalog::DataFile;
use super::contents::Contents;
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
    let Some(dir) = named.map(Path::to_path_buf).or_else(named_by_environment) else {
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
    complete_dir(&dir, files).ok_or_else(|| {
        // Report the most complete of the searched directories.
        let below = LAYOUTS.iter().chain(&OTHER_LAYOUTS).map(|layout| dir.join(layout));
        let dirs = [dir.clone()].into_iter().chain(below);
        let dir = dirs.min_by_key(|dir| missing(dir, files).len()).unwrap_or(dir);
        let (missing, contents) = (missing(&dir, files), Contents::of(&dir, files));
        DataError::Incomplete { dir, missing, contents }
    })
}

/// Returns the directory in `$LENET_DATA_DIR`. An empty variable counts as unset.
pub fn named_by_environment() -> Option<PathBuf> {
    std::env::var_os(DIR_VARIABLE).filter(|dir| !dir.is_empty()).map(PathBuf::from)
}

/// Returns the first of `places` that has all of `files`.
fn first_complete(places: Vec<PathBuf>, files: &[DataFile]) -> Result<PathBuf, DataError> {
    let complete = places.iter().find_map(|dir| complete_dir(dir, files));
    complete.ok_or(DataError::Nowhere { places })
}

/// Returns the names of the `files` that are missing in `dir`.
fn missing(dir: &Path, files: &[DataFile]) -> Vec<&'static str> {
    let missing = files.iter().filter(|file| path_of(dir, **file).is_none());
    missing.map(|file| file.name()).collect()
}

/// Subdirectories in which other programs store Fashion-MNIST: torchvision (in the directory that its user names or in that of
/// any of its data sets), Keras, and the repository of the authors.
const LAYOUTS: [&str; 4] = ["FashionMNIST/raw", "raw", "fashion-mnist", "data/fashion"];

/// Subdirectories in which torchvision stores other data sets of the same form.
const OTHER_LAYOUTS: [&str; 2] = ["MNIST/raw", "KMNIST/raw"];

/// Returns the directory with all of `files`: `dir` itself, or a subdirectory in which another program stores them. If there
/// are several data sets, one of them is used only if it is Fashion-MNIST.
pub fn complete_dir(dir: &Path, files: &[DataFile]) -> Option<PathBuf> {
    let is_complete = |dir: &PathBuf| missing(dir, files).is_empty();
    let below = |layouts: &[&str]| -> Vec<PathBuf> {
        layouts.iter().map(|layout| dir.join(layout)).filter(is_complete).collect()
    };
    if is_complete(&dir.to_path_buf()) {
        return Some(dir.to_owned());
    }
    if let Some(found) = below(&LAYOUTS).into_iter().next() {
        return Some(found);
    }
    match &below(&OTHER_LAYOUTS)[..] {
        [only] => Some(only.clone()),
        _ => None,
    }
}

/// Returns the path of `file` in `dir`. If the file exists with and without `.gz`, the path ends with `.gz`. Dangling
/// symlinks do not count as files.
///
/// The file may also be in a directory of the same name, as in the MNIST archive on Kaggle.
pub fn path_of(dir: &Path, file: DataFile) -> Option<PathBuf> {
    let names = file.names();
    let dirs = [dir.to_owned(), dir.join(&names[0]), dir.join(&names[1])];
    let paths = dirs.iter().flat_map(|dir| {
        names.iter().flat_map(|name| [dir.join(format!("{name}.gz")), dir.join(name)])
    });
    let found: Vec<_> = paths.filter(|path| path.exists()).collect();
    // If there is only a directory, opening it explains the problem.
    found.iter().find(|path| !path.is_dir()).or(found.first()).cloned()
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
    fn other_names_are_found() {
        for (name, found) in [
            ("t10k-labels.idx1-ubyte", true),
            ("t10k-labels.idx1-ubyte.gz", true),
            ("t10k-labels-idx1-ubyte/t10k-labels-idx1-ubyte", true),
            ("t10k-labels-idx1-ubyte/t10k-labels.idx1-ubyte", true),
            ("t10k-labels.idx1-ubyte/t10k-labels.idx1-ubyte", true),
            ("t10k.labels.idx1.ubyte", false),
            ("raw/t10k-labels-idx1-ubyte", false),
        ] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
            touch(dir.path(), &[name]);
            let path = path_of(dir.path(), DataFile::TestLabels);
            assert_eq!(path.filter(|path| path.is_file()), found.then(|| dir.path().join(name)));
        }
    }

    #[test]
    fn other_layouts_are_found() {
        // Each case: the subdirectories with a data set, the named directory, and the directory that is found.
        for (complete, named, found) in [
            (&["FashionMNIST/raw"][..], "", Some("FashionMNIST/raw")),
            (&["FashionMNIST/raw"], "FashionMNIST", Some("FashionMNIST/raw")),
            (&["FashionMNIST/raw", "MNIST/raw"], "", Some("FashionMNIST/raw")),
            (&["FashionMNIST/raw", "MNIST/raw"], "MNIST", Some("MNIST/raw")),
            (&["MNIST/raw"], "", Some("MNIST/raw")),
            (&["MNIST/raw", "KMNIST/raw"], "", None),
            (&["QMNIST/raw"], "", None),
            (&["fashion-mnist", "mnist"], "", Some("fashion-mnist")),
            (&["data/fashion", "data/mnist"], "", Some("data/fashion")),
            (&["", "FashionMNIST/raw"], "", Some("")),
        ] {
            let root = tempfile::tempdir().unwrap();
            for dir in complete {
                let dir = root.path().join(dir);
                std::fs::create_dir_all(&dir).unwrap();
                touch(&dir, &TEST_FILES.map(DataFile::name));
            }
            let dir = complete_dir(&root.path().join(named), &TEST_FILES);
            assert_eq!(dir, found.map(|dir| root.path().join(dir)), "{complete:?} {named}");
        }
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
    fn error_names_incomplete_subdirectory() {
        let root = tempfile::tempdir().unwrap();
        let raw = root.path().join("FashionMNIST/raw");
        std::fs::create_dir_all(&raw).unwrap();
        touch(&raw, &["t10k-images-idx3-ubyte"]);
        let text = find(Some(root.path()), &TEST_FILES).unwrap_err().to_string();
        assert_eq!(text, format!("{}: missing t10k-labels-idx1-ubyte", raw.display()));
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
