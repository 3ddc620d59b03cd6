//! The commands, one file or directory each.

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

use std::io;
use std::num::NonZeroUsize;
use std::path::Path;

use crate::backend::LeNetBackend;
use crate::cli::args::{DataArgs, Split, ValidationArgs};
use crate::cli::error::Error;
use crate::cli::ui;
use crate::data::{
    DataError, DatasetIdentity, ImageDataset, Options, Part, Provenance, UNKNOWN, load_part,
};
use crate::format::{self, ModelFile};
use crate::io::Target;
use crate::train::{RunFiles, RunRecord, sha256};

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
fn new_file(path: &Path, force: bool) -> Result<Target, Error> {
    if (path.exists() || path.is_symlink()) && !force {
        return Err(Error::exists(path));
    }
    let target = Target::user_path(path)?;
    target.probe()?;
    Ok(target)
}

/// Prints a note if the data set is not the default one.
fn note_provenance(data: &Provenance) {
    if let Some(difference) = data.difference() {
        let dir = data.dir.display();
        ui::note(&format!("note: {dir}: {difference}; used because of --any-dataset"));
    }
}

/// Prints a note if `model` was trained on a data set other than `data`.
fn note_other_data(model: &Path, trained_on: Option<&DatasetIdentity>, data: &Provenance) {
    let Some(trained_on) = trained_on.filter(|dataset| dataset.differs_from(data)) else {
        return;
    };
    let (model, dir, found) = (model.display(), data.dir.display(), data.info.name);
    ui::note(&match trained_on.names.name.as_deref().unwrap_or(UNKNOWN.name) {
        name if name == found => {
            format!("note: {model} was not trained on the data set in {dir}")
        }
        name => format!("note: {model} was trained on {name}, but {dir} is {found}"),
    });
}

/// Reads the run record of the model file `model` with content `bytes`. Prints a warning if the record exists but cannot
/// be used.
fn run_record(model: &Path, bytes: &[u8]) -> io::Result<RunRecord> {
    let record = RunRecord::beside(model, &sha256(bytes));
    if let Err(problem) = &record
        && problem.kind() != io::ErrorKind::NotFound
    {
        let path = RunFiles::beside(model, "json");
        ui::note(&format!("warning: ignoring {}: {problem}", path.display()));
    }
    record
}

/// Returns the data set that a model was trained on, from its run record or else from the metadata in its file.
fn trained_on(record: Option<&RunRecord>, file: &ModelFile) -> Option<DatasetIdentity> {
    let recorded = record.and_then(RunRecord::trained_on);
    recorded.or_else(|| DatasetIdentity::from_metadata(&file.metadata))
}

/// Decodes a model file and prints a note for everything that was assumed about it.
fn decode_model(path: &Path, bytes: &[u8]) -> Result<ModelFile, Error> {
    let file = format::decode(path, bytes)?;
    for note in &file.notes {
        ui::note(&format!("note: {}: {note}", path.display()));
    }
    Ok(file)
}

/// Reads a model and determines the data set that it was trained on.
fn read_model(path: &Path) -> Result<(ModelFile, Option<DatasetIdentity>), Error> {
    let path = &format::locate(path)?;
    let bytes = format::read_bytes(path)?;
    let file = decode_model(path, &bytes)?;
    let trained_on = trained_on(run_record(path, &bytes).ok().as_ref(), &file);
    Ok((file, trained_on))
}

/// Loads the images of one part of the data set.
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
) -> Result<(ImageDataset, Provenance), Error> {
    let part = match split {
        Split::Test => Part::Test,
        Split::Train | Split::Validation => Part::Train,
    };
    let (images, provenance) = load(part, args, validation.stratified)?;
    let images = match split {
        Split::Test => images,
        Split::Train => images.split(validation.validation_split)?.0,
        Split::Validation => images.split(validation.validation_split)?.1,
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
