//! The commands: from parsed options to output, one file or directory each.

pub mod compare;
pub mod convert;
pub mod data;
pub mod doctor;
pub mod eval;
pub mod pages;
pub mod predict;
pub mod report;
pub mod shapes;
pub mod train;

use std::num::NonZeroUsize;
use std::path::Path;

use crate::backend::LeNetBackend;
use crate::cli::args::{DataArgs, Split, ValidationArgs};
use crate::cli::error::Error;
use crate::cli::ui;
use crate::data::{DataError, ImageDataset, Options, Part, Provenance, load_part};
use crate::io::Target;

/// A command that runs on any backend.
pub trait OnBackend {
    /// Runs the command on `device`, which users know as `device_name`.
    ///
    /// # Errors
    /// Returns any failure of the command.
    fn run<B: LeNetBackend>(&self, device: &B::Device, device_name: &str) -> Result<(), Error>;
}

fn data_options(args: &DataArgs, limit: Option<NonZeroUsize>, stratified: bool) -> Options {
    Options { dir: args.dir.clone(), any_dataset: args.any_dataset, limit, stratified }
}

/// Prepares to write a file. Rejects a path that cannot be written or may not be replaced before anything is computed.
fn new_file(path: &Path, force: bool) -> Result<Target, Error> {
    if (path.exists() || path.is_symlink()) && !force {
        return Err(Error::exists(path));
    }
    let target = Target::user_path(path)?;
    target.probe()?;
    Ok(target)
}

/// Prints a note if the data set is not Fashion-MNIST.
fn note_provenance(provenance: &Provenance) {
    if let Some(text) = provenance.note() {
        ui::note(&format!("note: {text}"));
    }
}

/// Loads the images of a part of the data set.
fn load(
    part: Part,
    args: &DataArgs,
    stratified: bool,
) -> Result<(ImageDataset, Provenance), DataError> {
    let (images, provenance) = load_part(part, &data_options(args, args.limit, stratified))?;
    note_provenance(&provenance);
    Ok((images, provenance))
}

/// Loads the images of one split from only the files that have them.
fn load_split(
    args: &DataArgs,
    split: Split,
    validation: &ValidationArgs,
) -> Result<ImageDataset, Error> {
    let part = match split {
        Split::Test => Part::Test,
        Split::Train | Split::Validation => Part::Train,
    };
    let (images, _) = load(part, args, validation.stratified)?;
    Ok(match split {
        Split::Test => images,
        Split::Train => images.split(validation.validation_split)?.0,
        Split::Validation => images.split(validation.validation_split)?.1,
    })
}

/// Rejects an accuracy below the threshold of `--min-accuracy`, if any.
fn check_min_accuracy(accuracy: f64, threshold: Option<f64>) -> Result<(), Error> {
    match threshold {
        Some(threshold) if accuracy < threshold => {
            Err(Error::BelowMinAccuracy { accuracy, threshold })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check_min_accuracy;

    #[test]
    fn equal_accuracy_meets_threshold() {
        assert!(check_min_accuracy(0.75, Some(0.75)).is_ok());
        assert!(check_min_accuracy(0.0, None).is_ok());
        assert!(check_min_accuracy(0.7499, Some(0.75)).is_err());
    }
}
