//! Reads and prepares the pictures of all classes.

use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use sha2::{Digest, Sha256};

use super::scan::ClassDir;
use crate::cli::picture::{self, Invert, MAX_BYTES, MAX_FILE_BYTES, PictureError, Prepared};
use crate::data::Image;
use crate::io::FileError;
use crate::io::limits::is_exhausted;

/// Number of pictures to decode at a time.
const AT_ONCE: usize = 4;

/// Memory in bytes that each of these pictures can take, so that together they need as much as the largest picture. This is
/// enough for a JPEG file of twelve million pixels.
const SHARE: u64 = MAX_BYTES / AT_ONCE as u64;

/// A picture that was read and prepared.
#[derive(Debug)]
pub struct Picture {
    /// The file.
    pub path: PathBuf,
    /// The label of its class.
    pub label: usize,
    /// Whether the grey values were inverted.
    pub inverted: bool,
    /// Why hardly anything can be seen, if so.
    pub doubt: Option<String>,
    /// SHA-256 of the file.
    pub digest: [u8; 32],
}

/// A file that could not be read as a picture.
#[derive(Debug)]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// The label of its class.
    pub label: usize,
    /// The reason, which names the file.
    pub cause: PictureError,
}

/// The pictures and other files in some directories, in the order of the classes and of the names.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The 28x28 images of `pictures`.
    pub(super) images: Vec<Image>,
    pub(super) pictures: Vec<Picture>,
    pub(super) refused: Vec<Refused>,
}

impl Found {
    pub(super) fn append(&mut self, mut other: Self) {
        self.images.append(&mut other.images);
        self.pictures.append(&mut other.pictures);
        self.refused.append(&mut other.refused);
    }
}

/// Reads the pictures of `classes`.
///
/// # Errors
/// Returns an error if there is not enough memory, or if too many files are open.
pub(super) fn read(classes: &[ClassDir], invert: Invert) -> Result<Found, PictureError> {
    let files = classes
        .iter()
        .flat_map(|class| class.entries.iter().map(|path| (path.as_path(), class.label)));
    let files: Vec<_> = files.collect();
    let mut found = Found::default();
    for files in files.chunks(AT_ONCE) {
        let results: Vec<_> =
            files.par_iter().map(|(path, label)| read_one(path, *label, invert, SHARE)).collect();
        for ((path, label), result) in files.iter().zip(results) {
            let result = match result {
                // More memory would not change these errors.
                Err(error @ (PictureError::Corrupt { .. } | PictureError::NotAnImage(..))) => {
                    Err(error)
                }
                // Read a picture alone if it needs more than its share.
                Err(_) => read_one(path, *label, invert, MAX_BYTES),
                read => read,
            };
            match result {
                Ok((image, picture)) => {
                    found.images.push(image);
                    found.pictures.push(picture);
                }
                Err(error) if is_exhausted(&error) => return Err(error),
                Err(cause) => {
                    found.refused.push(Refused { path: path.to_path_buf(), label: *label, cause });
                }
            }
        }
    }
    Ok(found)
}

/// Reads and prepares a picture that needs at most `max_bytes` of memory.
fn read_one(
    path: &Path,
    label: usize,
    invert: Invert,
    max_bytes: u64,
) -> Result<(Image, Picture), PictureError> {
    let bytes = crate::io::read(path, MAX_FILE_BYTES.min(max_bytes))
        .map_err(FileError::of("cannot read", path))?;
    let picture = picture::decode_within(path, &bytes, max_bytes)?;
    let doubt = picture::doubt(&picture);
    let Prepared { image, inverted } = picture::prepare(picture, invert);
    let digest = Sha256::digest(&bytes).into();
    Ok((image, Picture { path: path.to_owned(), label, inverted, doubt, digest }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::picture::PictureError::TooLarge;

    #[test]
    fn large_pictures_are_read_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large.gif");
        // A GIF file of 34 bytes, with a canvas of 4,000 x 4,000 pixels, which need 80 MB.
        let mut gif = include_bytes!("../../../tests/fuzz/seeds/picture/dot.gif").to_vec();
        gif[6..10].copy_from_slice(&[0xa0, 0x0f, 0xa0, 0x0f]);
        std::fs::write(&path, gif).unwrap();
        let error = read_one(&path, 0, Invert::Auto, SHARE).unwrap_err();
        assert!(matches!(error, TooLarge(_)), "{error}");
        let class = ClassDir {
            name: "a".to_owned(),
            path: dir.path().to_owned(),
            label: 0,
            entries: vec![path; 3],
        };
        let found = read(&[class], Invert::Auto).unwrap();
        assert_eq!((found.pictures.len(), found.images.len()), (3, 3));
    }
}
