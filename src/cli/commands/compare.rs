//! `lenet compare`: compares groups of training runs, with tests of statistical significance.

use std::collections::BTreeSet;
use std::path::PathBuf;

use burn::data::dataset::Dataset;

use crate::backend::LeNetBackend;
use crate::cli::args::CompareArgs;
use crate::cli::compare::{self, Comparison, Predictions, Run};
use crate::cli::error::Error;
use crate::cli::ui::Out;
use crate::cli::ui::format::plural;
use crate::data::{ImageDataset, Part};
use crate::eval::{self, Evaluation, outputs};
use crate::format;
use crate::io::limits::is_exhausted;
use crate::io::{FileError, Origin};
use crate::model::argmax;
use crate::train::sha256;

use super::{Notes, OnBackend, data_files, data_options, load, new_file, reject_inputs};

impl OnBackend for CompareArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        let page = self.output.as_deref().map(|path| {
            reject_inputs(path, &self.runs)?;
            new_file(path, Origin::User, self.force)
        });
        let page = page.transpose()?;
        let mut notes = Notes::default();
        let mut runs = read(&self.runs, &mut notes)?;
        let dataset = match self.records_only {
            true => None,
            false => predict::<B>(self, &mut runs, device, &mut notes)?,
        };
        let comparison = Comparison::new(runs, dataset);
        note_repeated_seeds(&comparison, &mut notes);
        let mut document = compare::document(&comparison);
        notes.add_to(&mut document);
        let mut out = Out::default();
        match self.json {
            true => out.json(&document),
            false => compare::text(&comparison, &mut out),
        }
        if let (Some(output), Some(page)) = (&self.output, page) {
            page.write(compare::page(&comparison).as_bytes(), self.force)?;
            if !self.json {
                out.lines(["", &format!("saved {}", output.display())]);
            }
        }
        out.finish()
    }
}

/// Reads the runs. A run that is listed twice is counted once, with a note.
fn read(paths: &[PathBuf], notes: &mut Notes) -> Result<Vec<Run>, Error> {
    let (mut runs, mut sources) = (Vec::new(), BTreeSet::new());
    for path in paths {
        let run = Run::read(path).map_err(FileError::of("cannot compare", path))?;
        match sources.insert(run.source.clone()) {
            true => runs.push(run),
            false => notes.note(format!(
                "{} is a run that is already in the list; it counts only once",
                path.display()
            )),
        }
    }
    Ok(runs)
}

/// Adds a warning for each group with several runs of one seed, because copies of a run are not independent.
fn note_repeated_seeds(comparison: &Comparison, notes: &mut Notes) {
    for group in &comparison.groups {
        let seeds: Vec<u64> =
            group.runs.iter().filter_map(|run| comparison.runs[*run].seed).collect();
        let distinct = seeds.iter().collect::<BTreeSet<_>>().len();
        if distinct < seeds.len() {
            let (runs, name, seeds) = (seeds.len(), &group.name, plural(distinct, "seed"));
            notes.warning(format!(
                "the {runs} runs of {name} have only {seeds}; repeated seeds are not independent"
            ));
        }
    }
}

/// Runs every available model on the test images and returns these. Prints a note for each model that was trained on
/// another data set. Without a data set, prints a note and returns no images.
fn predict<B: LeNetBackend>(
    args: &CompareArgs,
    runs: &mut [Run],
    device: &B::Device,
    notes: &mut Notes,
) -> Result<Option<ImageDataset>, Error> {
    let is_available = |run: &&mut Run| run.model.as_ref().is_some_and(|model| model.is_file());
    let mut available = runs.iter_mut().filter(is_available).peekable();
    if available.peek().is_none() {
        return Ok(None);
    }
    let options = data_options(&args.data, args.data.limit, false);
    let trained_on = available.peek().and_then(|run| run.trained_on.clone());
    let (dataset, provenance) = match load(Part::Test, &options, trained_on.as_ref(), notes) {
        Ok(loaded) => loaded,
        Err(error) if is_exhausted(&error) => return Err(error.into()),
        Err(error) => {
            notes.note(format!("comparing records only: {error}"));
            return Ok(None);
        }
    };
    if let Some(page) = &args.output {
        reject_inputs(page, &data_files(&provenance))?;
    }
    for run in available.filter(|_| !dataset.is_empty()) {
        let Some(path) = &run.model else { continue };
        let bytes = format::read_bytes(path)?;
        if run.model_sha256.as_ref().is_some_and(|recorded| *recorded != sha256(&bytes)) {
            notes.warning(format!(
                "skipping {}: it does not match the SHA-256 in its run record",
                path.display()
            ));
            continue;
        }
        notes.other_data(path, run.trained_on.as_ref(), &provenance);
        let file = format::decode(path, &bytes)?;
        notes.of_reader(path, &file);
        let outputs = outputs::<B>(&file.weights, &dataset, eval::BATCH_SIZE, device)?;
        let evaluation = Evaluation::new(&outputs, dataset.labels(), dataset.info());
        // Without a digest, nothing confirms that the record belongs to the model.
        notes.weakness(path, &evaluation, run.model_sha256.is_some());
        run.predictions = Some(Predictions {
            predicted: outputs.iter().map(|row| argmax(row) as u8).collect(),
            evaluation,
        });
    }
    Ok(Some(dataset))
}
