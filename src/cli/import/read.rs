//! Reads and prepares the pictures of all classes.

use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use sha2::{Digest, Sha256};

use super::scan::ClassDir;
use crate::cli::picture::{self, Invert, MAX_FILE_BYTES, PictureError, Prepared};
use crate::data::Image;
use crate::io::FileError;
use crate::io::limits::is_exhausted;

/// Number of pictures to decode at a time, each of which can take [`MAX_BYTES`](picture::MAX_BYTES) of memory.
const AT_ONCE: usize = 4;

/// A picture that was read and prepared.
#[derive(Debug)]
pub struct Picture {
    /// The file.
    pub path: PathBuf,
    /// The label of its class.
    pub label: usize,
    /// The 28x28 image.
    pub image: Image,
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

/// Reads the pictures of `classes`. Returns them and the files that could not be read, both in the order of the classes and of
/// the names.
///
/// # Errors
/// Returns an error if there is not enough memory, or if too many files are open.
pub(super) fn read(
    classes: &[ClassDir],
    invert: Invert,
) -> Result<(Vec<Picture>, Vec<Refused>), PictureError> {
    let files = classes
        .iter()
        .flat_map(|class| class.entries.iter().map(|path| (path.as_path(), class.label)));
    let files: Vec<_> = files.collect();
    let (mut pictures, mut refused) = (Vec::new(), Vec::new());
    for files in files.chunks(AT_ONCE) {
        let results: Vec<_> =
            files.par_iter().map(|(path, label)| read_one(path, *label, invert)).collect();
        for ((path, label), result) in files.iter().zip(results) {
            match result {
                Ok(picture) => pictures.push(picture),
                Err(error) if is_exhausted(&error) => return Err(error),
                Err(cause) => {
                    refused.push(Refused { path: path.to_path_buf(), label: *label, cause });
                }
            }
        }
    }
    Ok((pictures, refused))
}

fn read_one(path: &Path, label: usize, invert: Invert) -> Result<Picture, PictureError> {
    let bytes =
        crate::io::read(path, MAX_FILE_BYTES).map_err(FileError::of("cannot read", path))?;
    let picture = picture::decode(path, &bytes)?;
    let doubt = picture::doubt(&picture);
    let Prepared { image, inverted } = picture::prepare(picture, invert);
    let digest = Sha256::digest(&bytes).into();
    Ok(Picture { path: path.to_owned(), label, image, inverted, doubt, digest })
}
