//! `lenet compare`.

mod document;
mod text;

use std::path::PathBuf;

use burn::data::dataset::Dataset;

use crate::backend::LeNetBackend;
use crate::cli::args::CompareArgs;
use crate::cli::compare::{Comparison, Predictions, Run};
use crate::cli::report::compare_page;
use crate::cli::ui::{self, Out};
use crate::data::{Image, Part};
use crate::error::Error;
use crate::eval::{self, Evaluation, outputs};
use crate::format;
use crate::model::argmax;
use crate::train::sha256;

use super::{OnBackend, load, new_file, note_other_data};

impl OnBackend for CompareArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        let page = self.output.as_deref().map(|path| new_file(path, self.force)).transpose()?;
        let read = |path: &PathBuf| {
            Run::read(path).map_err(|error| Error::file("cannot compare", path, error))
        };
        let mut runs = self.runs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let images = match self.records_only {
            true => Vec::new(),
            false => run_models::<B>(self, &mut runs, device)?,
        };
        let comparison = Comparison::new(runs);
        let mut out = Out::default();
        match self.json {
            true => out.json(&document::document(&comparison)),
            false => out.lines(text::text(&comparison).lines()),
        }
        if let (Some(output), Some(page)) = (&self.output, page) {
            page.write(compare_page(&comparison, &images).as_bytes(), self.force)?;
            if !self.json {
                out.lines(["", &format!("saved {}", output.display())]);
            }
        }
        out.finish()
    }
}

/// Runs every existing model on the test images, and returns the images. Prints a note for each model that was trained on
/// another data set. Does nothing if there is no data set.
fn run_models<B: LeNetBackend>(
    args: &CompareArgs,
    runs: &mut [Run],
    device: &B::Device,
) -> Result<Vec<Image>, Error> {
    let is_there = |run: &&mut Run| run.model.as_ref().is_some_and(|model| model.is_file());
    let mut there = runs.iter_mut().filter(is_there).peekable();
    if there.peek().is_none() {
        return Ok(Vec::new());
    }
    let (dataset, provenance) = match load(Part::Test, &args.data, false) {
        Ok(loaded) => loaded,
        Err(error) => {
            ui::note(&format!("note: the models are not asked: {error}"));
            return Ok(Vec::new());
        }
    };
    for run in there.filter(|_| !dataset.is_empty()) {
        let Some(path) = &run.model else { continue };
        let bytes = format::read_bytes(path)?;
        if run.model_sha256.as_ref().is_some_and(|its| *its != sha256(&bytes)) {
            ui::note(&format!(
                "warning: {} is not the model of its record (SHA-256), and is not asked",
                path.display()
            ));
            continue;
        }
        note_other_data(path, run.trained_on.as_ref(), &provenance);
        let weights = format::decode(path, &bytes)?.weights;
        let outputs = outputs::<B>(&weights, &dataset, eval::BATCH_SIZE, device)?;
        let pairs = outputs.iter().zip(dataset.labels());
        run.answers = Some(Predictions {
            right: pairs.map(|(row, label)| argmax(row) == usize::from(*label)).collect(),
            evaluation: Evaluation::new(&outputs, dataset.labels(), dataset.info()),
        });
    }
    Ok(dataset.images().to_vec())
}
