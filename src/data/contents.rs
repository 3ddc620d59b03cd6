//! Describes the content of a directory without the data set, for a helpful error message.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use super::catalog::DataFile;
use super::source::complete_dir;

/// Maximum number of directory entries to inspect.
const MAX_ENTRIES: usize = 1000;

/// Content of a directory without the data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// The directory is empty.
    Empty,
    /// This subdirectory has the data set.
    Subdirectory(PathBuf),
    /// IDX files with other names, such as this one.
    OtherNames(String),
    /// An archive, which may contain the data set.
    Archive(PathBuf),
    /// Data in another format.
    OtherFormat {
        /// Name of such a file.
        name: String,
        /// Name of the format, with an article.
        format: &'static str,
    },
    /// Some files of the data set, or nothing that is recognised.
    Other,
}

/// Formats of data sets by file extension. Hugging Face, Kaggle, Keras and older versions of torchvision use some of them.
const FORMATS: [(&[&str], &str); 10] = [
    (&["part", "partial", "crdownload", "download", "tmp"], "an unfinished download"),
    (&["csv", "tsv"], "a CSV file"),
    (&["npz", "npy"], "a NumPy file"),
    (&["parquet"], "a Parquet file"),
    (&["arrow"], "an Arrow file"),
    (&["tfrecord"], "a TFRecord file"),
    (&["pt", "pth"], "a PyTorch file"),
    (&["pkl", "pickle"], "a pickle"),
    (&["h5", "hdf5", "mat"], "an HDF5 file"),
    (&["png", "jpg", "jpeg", "gif", "webp", "bmp"], "a picture"),
];

const ARCHIVES: [&str; 9] = ["zip", "tar", "tgz", "7z", "rar", "bz2", "tbz2", "xz", "txz"];

impl Contents {
    /// Inspects `dir`, which lacks some of `files`.
    pub fn of(dir: &Path, files: &[DataFile]) -> Self {
        let entries = entries(dir);
        if entries.is_empty() {
            return Self::Empty;
        }
        let (folders, plain): (Vec<_>, Vec<_>) =
            entries.iter().partition(|entry| entry.path().is_dir());
        if let Some(found) = folders.iter().find_map(|folder| complete_dir(&folder.path(), files)) {
            return Self::Subdirectory(found);
        }
        let name = |entry: &&DirEntry| entry.file_name().to_string_lossy().into_owned();
        let names: Vec<_> = plain.iter().map(name).collect();
        let has_known_name = |name: &String| {
            DataFile::ALL.iter().flat_map(|file| file.names()).any(|known| {
                name.strip_prefix(&*known).is_some_and(|rest| ["", ".gz"].contains(&rest))
            })
        };
        let is_idx = |name: &&String| {
            ["idx1", "idx3", "ubyte"].iter().any(|part| name.contains(part))
                && !has_known_name(name)
                && format_of(name).is_none()
        };
        if let Some(name) = names.iter().find(is_idx) {
            return Self::OtherNames(name.clone());
        }
        if names.iter().any(has_known_name) {
            return Self::Other;
        }
        let is_archive = |name: &&String| {
            ARCHIVES.contains(&&*extension(name)) || name.to_lowercase().ends_with(".tar.gz")
        };
        if let Some(name) = names.iter().find(is_archive) {
            return Self::Archive(dir.join(name));
        }
        // Pictures are often stored in one directory per class, and other formats in one per split.
        let below = folders.iter().take(20).flat_map(|folder| {
            let inside = self::entries(&folder.path()).into_iter().take(20);
            inside.map(|entry| format!("{}/{}", name(folder), name(&&entry))).collect::<Vec<_>>()
        });
        let mut all = names.iter().cloned().chain(below);
        all.find_map(|name| Some(Self::OtherFormat { format: format_of(&name)?, name }))
            .unwrap_or(Self::Other)
    }
}

/// Returns the sorted entries of a directory without hidden ones.
fn entries(dir: &Path) -> Vec<DirEntry> {
    let found = fs::read_dir(dir).into_iter().flatten().take(MAX_ENTRIES).flatten();
    let is_hidden = |entry: &DirEntry| entry.file_name().as_encoded_bytes().starts_with(b".");
    let mut entries: Vec<_> = found.filter(|entry| !is_hidden(entry)).collect();
    entries.sort_by_key(DirEntry::file_name);
    entries
}

fn extension(name: &str) -> String {
    let extension = Path::new(name).extension().unwrap_or_default();
    extension.to_string_lossy().to_lowercase()
}

fn format_of(name: &str) -> Option<&'static str> {
    // TensorFlow appends the number of the shard: `fashion_mnist-train.tfrecord-00000-of-00001`.
    let extension = extension(name);
    let extension = extension.split('-').next().unwrap_or_default();
    let known = FORMATS.iter().find(|(extensions, _)| extensions.contains(&extension));
    known.map(|(_, format)| *format)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the contents of a directory with these empty files, whose paths are shown relative to it.
    fn contents(paths: &[&str]) -> String {
        let dir = tempfile::tempdir().unwrap();
        for path in paths {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = match Contents::of(dir.path(), &DataFile::ALL) {
            Contents::Subdirectory(path) | Contents::Archive(path) => path.display().to_string(),
            Contents::OtherNames(name) => format!("names {name}"),
            Contents::OtherFormat { name, format } => format!("{format}: {name}"),
            other => format!("{other:?}"),
        };
        found.replace(&format!("{}/", dir.path().display()), "./")
    }

    #[test]
    fn common_contents_are_recognised() {
        let files = DataFile::ALL.map(DataFile::name);
        let below = |folder: &str| files.map(|name| format!("{folder}/{name}"));
        let in_folder = |folder: &str| {
            let paths = below(folder);
            contents(&paths.each_ref().map(String::as_str))
        };
        assert_eq!(in_folder("data"), "./data");
        assert_eq!(in_folder("data/FashionMNIST/raw"), "./data/FashionMNIST/raw");
        for (paths, expected) in [
            (&[][..], "Empty"),
            (&[".DS_Store"], "Empty"),
            (&["fashion-mnist_train.csv", "a.txt"], "a CSV file: fashion-mnist_train.csv"),
            (&["mnist.npz"], "a NumPy file: mnist.npz"),
            (&["train-00000-of-00001.parquet"], "a Parquet file: train-00000-of-00001.parquet"),
            (&["f/x.tfrecord-00000-of-00001"], "a TFRecord file: f/x.tfrecord-00000-of-00001"),
            (&["processed/training.pt"], "a PyTorch file: processed/training.pt"),
            (&["Bag/1.PNG", "Coat/2.png"], "a picture: Bag/1.PNG"),
            (&["archive.zip", "x.csv"], "./archive.zip"),
            (&["fashion.tar.gz"], "./fashion.tar.gz"),
            (
                &["emnist-letters-train-images-idx3-ubyte.gz"],
                "names emnist-letters-train-images-idx3-ubyte.gz",
            ),
            (&["train-images-idx3-ubyte (1).gz"], "names train-images-idx3-ubyte (1).gz"),
            (
                &["train-images-idx3-ubyte.gz.part"],
                "an unfinished download: train-images-idx3-ubyte.gz.part",
            ),
            (&["train-images-idx3-ubyte", "x.csv"], "Other"),
            (&["notes.txt"], "Other"),
        ] {
            assert_eq!(contents(paths), expected, "{paths:?}");
        }
    }
}
