//! Advice on data sets that could not be found or read.

use std::io::ErrorKind;
use std::path::Path;

use super::MEMORY;
use super::files::reading;
use super::models::any;
use crate::cli::args::{quoted, quoted_path};
use crate::data::error::IdxError;
use crate::data::{Contents, DataError};
use crate::io::limits::is_exhausted;

pub(super) fn data(error: &DataError) -> Option<String> {
    let hint = match error {
        DataError::Nowhere { .. } => {
            "download it with `lenet data fetch`, or give the directory that contains it with `--data DIR`"
        }
        DataError::Directory { dir, source } if source.kind() == ErrorKind::NotADirectory => {
            return Some(instead_of_file(dir));
        }
        DataError::Directory { .. } => {
            "`--data` or LENET_DATA_DIR must name the directory that contains the four IDX files, with or without .gz"
        }
        DataError::Incomplete { dir, contents, .. } => return Some(instead(dir, contents)),
        DataError::File { path, source } => return idx(path, source),
        DataError::Counts { path, .. } => return Some(replace(path)),
        DataError::Classes { .. } => {
            "write one class name per line, in the order of the labels; or remove the file and use --any-dataset"
        }
        DataError::OtherDataset { .. } => {
            "give the directory of Fashion-MNIST with `--data DIR`, or accept this data set with `--any-dataset`"
        }
    };
    Some(hint.to_owned())
}

/// Returns advice for a directory that has `contents` instead of the data set.
fn instead(dir: &Path, contents: &Contents) -> String {
    let pictures = quoted_path(dir);
    let dir = quoted(dir.as_os_str());
    match contents {
        Contents::Empty => format!("download Fashion-MNIST: lenet data fetch --data={dir}"),
        Contents::Subdirectory(found) => format!("use --data={}", quoted(found.as_os_str())),
        Contents::OtherNames(_) => {
            "rename the files to train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and \
             t10k-labels-idx1-ubyte, with .gz if they are compressed, and give their directory with --data"
                .to_owned()
        }
        Contents::Archive(path) => unpack(path),
        Contents::OtherFormat { name, format: "a picture" } if name.contains('/') => {
            format!("make a data set of the pictures: lenet data import {pictures} imported")
        }
        Contents::OtherFormat { .. } => {
            format!("only IDX files are read; download those of Fashion-MNIST: lenet data fetch --data={dir}")
        }
        Contents::Other => format!(
            "give the directory of the four IDX files with --data, or download Fashion-MNIST: lenet data fetch --data={dir}"
        ),
    }
}

/// Returns advice for a file that was given instead of a directory.
fn instead_of_file(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match &*extension {
        "zip" | "tar" | "tgz" | "7z" => unpack(path),
        _ => format!("give the directory instead: --data={}", quoted(parent(path).as_os_str())),
    }
}

/// Returns the command that unpacks an archive in its directory.
fn unpack(path: &Path) -> String {
    let [file, dir] = [path, parent(path)].map(quoted_path);
    let name = path.to_string_lossy().to_lowercase();
    match &name {
        name if name.ends_with(".zip") => format!("unpack it: unzip {file} -d {dir}"),
        name if name.ends_with(".7z") || name.ends_with(".rar") => {
            format!("unpack it to {dir}, and give that directory with --data")
        }
        _ => format!("unpack it: tar -xf {file} -C {dir}"),
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."))
}

fn idx(path: &Path, error: &IdxError) -> Option<String> {
    let hint = match error {
        IdxError::Read(error) if error.raw_os_error().is_some() || is_exhausted(error) => {
            return reading(error);
        }
        IdxError::Memory(..) => MEMORY,
        IdxError::Other { found, .. } => {
            return any(*found, path).or(Some(replace(path)));
        }
        IdxError::Unsupported(_) => {
            "use a data set with ten classes (labels 0 to 9) of 28x28 pixels, one byte per label and per pixel"
        }
        _ => return Some(replace(path)),
    };
    Some(hint.to_owned())
}

/// Returns advice for an unusable data file.
fn replace(path: &Path) -> String {
    let dir = quoted(parent(path).as_os_str());
    format!(
        "replace the file, or remove it and download a valid one: lenet data fetch --data={dir}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_have_command() {
        for (path, hint) in [
            ("d/a.zip", "unpack it: unzip d/a.zip -d d"),
            ("my data/a.zip", "unpack it: unzip 'my data/a.zip' -d 'my data'"),
            ("a.tar.gz", "unpack it: tar -xf a.tar.gz -C ."),
            ("a.7z", "unpack it to ., and give that directory with --data"),
        ] {
            assert_eq!(unpack(Path::new(path)), hint);
        }
        assert_eq!(
            instead_of_file(Path::new("d/x-ubyte.gz")),
            "give the directory instead: --data=d"
        );
    }
}
