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
use std::path::{Path, PathBuf};

use crate::backend::LeNetBackend;
use crate::cli::args::{DataArgs, Split};
use crate::cli::error::Error;
use crate::data::source::path_of;
use crate::data::{
    DataError, DataFile, DatasetIdentity, ImageDataset, Options, Part, Provenance, class_names,
    load_part,
};
use crate::io::{Origin, Target, exists};
use crate::train::RunFiles;

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

/// Rejects an output that is one of `inputs`, or a file of the run of one of them.
fn reject_inputs<'a>(
    output: &Path,
    inputs: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<(), Error> {
    // A file that does not exist yet is identified by its directory and its name.
    let resolved = |path: &Path| match path.canonicalize() {
        Ok(path) => Some(path),
        Err(_) => {
            Some(Path::new(".").join(path).parent()?.canonicalize().ok()?.join(path.file_name()?))
        }
    };
    let written = resolved(output);
    let is_written = |path: &Path| written.is_some() && resolved(path) == written;
    for input in inputs {
        let model = input.with_extension("mpk");
        let others =
            ["mpk", "json", "state", "snapshots"].map(|name| RunFiles::beside(&model, name));
        if is_written(input) || others.iter().any(|path| is_written(path)) {
            let (output, input) = (output.display(), input.display());
            return Err(Error::Usage(format!(
                "the output {output} would overwrite an input, {input} or a file of its run"
            )));
        }
    }
    Ok(())
}

/// Returns the files of a data set that was loaded.
fn data_files(provenance: &Provenance) -> Vec<PathBuf> {
    let files = DataFile::ALL.iter().filter_map(|file| path_of(&provenance.dir, *file));
    files.chain([provenance.dir.join(class_names::FILE)]).collect()
}

/// Rejects an output in one of the directories `inputs`.
fn reject_inside<'a>(
    output: &Path,
    inputs: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<(), Error> {
    let Ok(written) = output.canonicalize() else { return Ok(()) };
    let is_around =
        |input: &&PathBuf| input.canonicalize().is_ok_and(|dir| written.starts_with(dir));
    match inputs.into_iter().find(is_around) {
        None => Ok(()),
        Some(dir) => Err(Error::Usage(format!(
            "the output {} would overwrite an input, a file in {}",
            output.display(),
            dir.display()
        ))),
    }
}

/// Prepares to write a file: before anything is computed, rejects a path that cannot be written or may not be replaced.
fn new_file(path: &Path, origin: Origin, force: bool) -> Result<Target, Error> {
    if exists(path) && !force {
        return Err(Error::exists(path));
    }
    let target = Target::new(path, origin)?;
    target.probe()?;
    Ok(target)
}

/// Loads the images of one split. The data set must be the default one or the one that the model was trained on, unless
/// `--any-dataset` is given. Adds a note if only this option allows the data set.
fn load(
    part: Part,
    options: &Options,
    trained_on: Option<&DatasetIdentity>,
    notes: &mut Notes,
) -> Result<(ImageDataset, Provenance), DataError> {
    let (images, provenance) = load_part(part, &Options { any_dataset: true, ..options.clone() })?;
    let is_recorded = trained_on.is_some_and(|dataset| dataset.has_files_of(&provenance));
    match provenance.difference() {
        Some(difference) if !options.any_dataset && !is_recorded => {
            return Err(DataError::OtherDataset { dir: provenance.dir, difference });
        }
        _ if options.any_dataset => notes.provenance(&provenance),
        _ => {}
    }
    Ok((images, provenance))
}

/// Loads the images of one split from only the files that have them.
fn load_split(
    args: &DataArgs,
    split: Split,
    held_out: HeldOut,
    trained_on: Option<&DatasetIdentity>,
    notes: &mut Notes,
) -> Result<(ImageDataset, Provenance), Error> {
    let part = match split {
        Split::Test => Part::Test,
        Split::Train | Split::Validation => Part::Train,
    };
    let limit = held_out.limit.and_then(NonZeroUsize::new);
    let options = data_options(args, limit, held_out.stratified);
    let (images, provenance) = load(part, &options, trained_on, notes)?;
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
