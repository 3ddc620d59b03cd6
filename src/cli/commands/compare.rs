//! `lenet compare`: compares groups of training runs, with tests of statistical significance.

use std::collections::BTreeSet;
use std::path::PathBuf;

use burn::data::dataset::Dataset;

use crate::backend::LeNetBackend;
use crate::cli::args::CompareArgs;
use crate::cli::compare::{self, Comparison, Predictions, Run};
use crate::cli::error::Error;
use crate::cli::ui::format::plural;
use crate::cli::ui::{self, Out};
use crate::data::{Image, Part};
use crate::eval::{self, Evaluation, outputs};
use crate::format;
use crate::io::FileError;
use crate::model::argmax;
use crate::train::sha256;

use super::{OnBackend, load, new_file, note_other_data};

impl OnBackend for CompareArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        let page = self.output.as_deref().map(|path| new_file(path, self.force)).transpose()?;
        let mut runs = read(&self.runs)?;
        if let Some(key) = &self.sort {
            compare::sort(&mut runs, key);
        }
        let images = match self.records_only {
            true => Vec::new(),
            false => predict::<B>(self, &mut runs, device)?,
        };
        let comparison = Comparison::new(runs);
        note_repeated_seeds(&comparison);
        let mut out = Out::default();
        match (self.json, self.csv) {
            (true, _) => out.json(&compare::document(&comparison)),
            (false, true) => out.lines(compare::csv(&comparison).lines()),
            (false, false) => out.lines(compare::text(&comparison)),
        }
        if let (Some(output), Some(page)) = (&self.output, page) {
            page.write(compare::page(&comparison, &images).as_bytes(), self.force)?;
            if !self.json && !self.csv {
                out.lines(["", &format!("saved {}", output.display())]);
            }
        }
        out.finish()
    }
}

/// Reads the runs. A run that is listed twice is counted once, with a note.
fn read(paths: &[PathBuf]) -> Result<Vec<Run>, Error> {
    let (mut runs, mut sources) = (Vec::new(), BTreeSet::new());
    for path in paths {
        let run = Run::read(path).map_err(FileError::of("cannot compare", path))?;
        match sources.insert(run.source.clone()) {
            true => runs.push(run),
            false => ui::note(&format!(
                "note: {} is a run that is already listed; it counts once",
                path.display()
            )),
        }
    }
    Ok(runs)
}

/// Prints a note for each group with several runs of one seed: copies of a run are not independent.
fn note_repeated_seeds(comparison: &Comparison) {
    for group in &comparison.groups {
        let seeds: Vec<u64> =
            group.runs.iter().filter_map(|run| comparison.runs[*run].seed).collect();
        let distinct = seeds.iter().collect::<BTreeSet<_>>().len();
        if distinct < seeds.len() {
            let (runs, name, seeds) = (seeds.len(), &group.name, plural(distinct, "seed"));
            ui::note(&format!(
                "warning: the {runs} runs of {name} have only {seeds}; repeated seeds are not independent"
            ));
        }
    }
}

/// Runs every available model on the test images and returns the images. Prints a note for each model that was trained on
/// another data set. Without a data set, prints a note and returns no images.
fn predict<B: LeNetBackend>(
    args: &CompareArgs,
    runs: &mut [Run],
    device: &B::Device,
) -> Result<Vec<Image>, Error> {
    let is_available = |run: &&mut Run| run.model.as_ref().is_some_and(|model| model.is_file());
    let mut available = runs.iter_mut().filter(is_available).peekable();
    if available.peek().is_none() {
        return Ok(Vec::new());
    }
    let (dataset, provenance) = match load(Part::Test, &args.data, false) {
        Ok(loaded) => loaded,
        Err(error) => {
            ui::note(&format!("note: comparing records only: {error}"));
            return Ok(Vec::new());
        }
    };
    for run in available.filter(|_| !dataset.is_empty()) {
        let Some(path) = &run.model else { continue };
        let bytes = format::read_bytes(path)?;
        if run.model_sha256.as_ref().is_some_and(|recorded| *recorded != sha256(&bytes)) {
            ui::note(&format!(
                "warning: skipping {}: it does not match the SHA-256 in its run record",
                path.display()
            ));
            continue;
        }
        note_other_data(path, run.trained_on.as_ref(), &provenance);
        let weights = format::decode(path, &bytes)?.weights;
        let outputs = outputs::<B>(&weights, &dataset, eval::BATCH_SIZE, device)?;
        let pairs = outputs.iter().zip(dataset.labels());
        run.predictions = Some(Predictions {
            correct: pairs.map(|(row, label)| argmax(row) == usize::from(*label)).collect(),
            evaluation: Evaluation::new(&outputs, dataset.labels(), dataset.info()),
        });
    }
    Ok(dataset.images().to_vec())
}
