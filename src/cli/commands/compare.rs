//! `lenet compare`.

use std::path::PathBuf;

use burn::data::dataset::Dataset;

use crate::backend::LeNetBackend;
use crate::cli::args::CompareArgs;
use crate::cli::compare::{self, Comparison, Predictions, Run};
use crate::cli::error::Error;
use crate::cli::ui::{self, Out};
use crate::data::{Image, Part};
use crate::eval::{self, Evaluation, outputs};
use crate::format;
use crate::io::FileError;
use crate::model::argmax;
use crate::train::sha256;

use super::{OnBackend, load, new_file};

impl OnBackend for CompareArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        let page = self.output.as_deref().map(|path| new_file(path, self.force)).transpose()?;
        let read = |path: &PathBuf| Run::read(path).map_err(FileError::of("cannot compare", path));
        let mut runs = self.runs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let images = match self.records_only {
            true => Vec::new(),
            false => ask_models::<B>(self, &mut runs, device)?,
        };
        let comparison = Comparison::new(runs);
        let mut out = Out::default();
        match self.json {
            true => out.json(&compare::document(&comparison)),
            false => out.lines(compare::text(&comparison).lines()),
        }
        if let (Some(output), Some(page)) = (&self.output, page) {
            page.write(compare::page(&comparison, &images).as_bytes(), self.force)?;
            if !self.json {
                out.lines(["", &format!("saved {}", output.display())]);
            }
        }
        out.finish()
    }
}

/// Asks every model that is there about the test images, and returns these. Without a data set nobody is asked.
fn ask_models<B: LeNetBackend>(
    args: &CompareArgs,
    runs: &mut [Run],
    device: &B::Device,
) -> Result<Vec<Image>, Error> {
    let is_there = |run: &&mut Run| run.model.as_ref().is_some_and(|model| model.is_file());
    let mut there = runs.iter_mut().filter(is_there).peekable();
    if there.peek().is_none() {
        return Ok(Vec::new());
    }
    let dataset = match load(Part::Test, &args.data, false) {
        Ok((dataset, _)) => dataset,
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
        let weights = format::decode(path, &bytes)?.weights;
        let outputs = outputs::<B>(&weights, &dataset, eval::BATCH_SIZE, device)?;
        let pairs = outputs.iter().zip(dataset.labels());
        run.answers = Some(Predictions {
            right: pairs.map(|(row, label)| argmax(row) == usize::from(*label)).collect(),
            evaluation: Evaluation::new(&outputs, dataset.labels()),
        });
    }
    Ok(dataset.images().to_vec())
}
