//! The commands: from parsed options to output, one file or folder each.

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

/// A command that can run on any backend.
pub trait OnBackend {
    /// Runs it on `device`, whose name for the user is `device_name`.
    ///
    /// # Errors
    /// Whatever ends the command early.
    fn run<B: LeNetBackend>(&self, device: &B::Device, device_name: &str) -> Result<(), Error>;
}

fn data_options(args: &DataArgs, limit: Option<NonZeroUsize>, stratified: bool) -> Options {
    Options { dir: args.dir.clone(), any_dataset: args.any_dataset, limit, stratified }
}

/// Where a page will be written: refuses, before anything is computed, what could not be or would be lost.
fn new_file(path: &Path, force: bool) -> Result<Target, Error> {
    if (path.exists() || path.is_symlink()) && !force {
        return Err(Error::exists(path));
    }
    let target = Target::user_path(path)?;
    target.probe()?;
    Ok(target)
}

/// Tells the user what is odd about the data, if anything is.
fn note_provenance(provenance: &Provenance) {
    if let Some(text) = provenance.note() {
        ui::note(&format!("note: {text}"));
    }
}

/// The images of a part of the data set.
fn load(
    part: Part,
    args: &DataArgs,
    stratified: bool,
) -> Result<(ImageDataset, Provenance), DataError> {
    let (images, provenance) = load_part(part, &data_options(args, args.limit, stratified))?;
    note_provenance(&provenance);
    Ok((images, provenance))
}

/// The images of one split; reads only the files that it needs.
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

/// Refuses an accuracy below what `--min-accuracy` wants.
fn gate(accuracy: f64, wanted: Option<f64>) -> Result<(), Error> {
    match wanted {
        Some(threshold) if accuracy < threshold => {
            Err(Error::BelowMinAccuracy { accuracy, threshold })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::gate;

    #[test]
    fn a_gate_that_is_met_exactly_is_met() {
        assert!(gate(0.75, Some(0.75)).is_ok() && gate(0.0, None).is_ok());
        assert!(gate(0.7499, Some(0.75)).is_err());
    }
}
