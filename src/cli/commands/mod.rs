//! The commands, one file or directory each.

pub mod compare;
pub mod convert;
pub mod data;
pub mod doctor;
pub mod eval;
pub mod pages;
pub mod predict;
pub mod report;
pub mod runs;
pub mod shapes;
pub mod train;

mod held_out;
mod model;
mod notes;

use std::num::NonZeroUsize;
use std::path::Path;

use crate::backend::LeNetBackend;
use crate::cli::args::{DataArgs, Split};
use crate::cli::error::Error;
use crate::data::{DataError, ImageDataset, Options, Part, Provenance, load_part};
use crate::io::{Origin, Target};

use held_out::HeldOut;
use model::Model;
use notes::Notes;

/// A command that runs on any backend.
pub trait OnBackend {
    /// Runs the command on `device`, whose name in the output is `device_name`.
    ///
    /// # Errors
    /// Returns any error of the command.
    fn run<B: LeNetBackend>(&self, device: &B::Device, device_name: &str) -> Result<(), Error>;
}

fn data_options(args: &DataArgs, limit: Option<NonZeroUsize>, stratified: bool) -> Options {
    Options { dir: args.dir.clone(), any_dataset: args.any_dataset, limit, stratified }
}

/// Prepares to write a file: before anything is computed, rejects a path that cannot be written or may not be replaced.
fn new_file(path: &Path, origin: Origin, force: bool) -> Result<Target, Error> {
    if (path.exists() || path.is_symlink()) && !force {
        return Err(Error::exists(path));
    }
    let target = Target::new(path, origin)?;
    target.probe()?;
    Ok(target)
}

/// Loads the images of one part of the data set. Adds a note if the data set is not the default one.
fn load(
    part: Part,
    options: &Options,
    notes: &mut Notes,
) -> Result<(ImageDataset, Provenance), DataError> {
    let (images, provenance) = load_part(part, options)?;
    notes.provenance(&provenance);
    Ok((images, provenance))
}

/// Loads the images of one split from only the files that have them. `record` is that of the model to run, if any.
fn load_split(
    args: &DataArgs,
    split: Split,
    held_out: HeldOut,
    notes: &mut Notes,
) -> Result<(ImageDataset, Provenance), Error> {
    let part = match split {
        Split::Test => Part::Test,
        Split::Train | Split::Validation => Part::Train,
    };
    let limit = held_out.limit.and_then(NonZeroUsize::new);
    let options = data_options(args, limit, held_out.stratified);
    let (images, provenance) = load(part, &options, notes)?;
    let images = match split {
        Split::Test => images,
        Split::Train => images.split(held_out.fraction)?.0,
        Split::Validation => images.split(held_out.fraction)?.1,
    };
    Ok((images, provenance))
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
