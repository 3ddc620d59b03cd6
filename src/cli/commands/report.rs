//! `lenet report`: evaluates a model on the test images and writes the HTML report.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use burn::data::dataset::Dataset;

use crate::backend::LeNetBackend;
use crate::cli::args::ReportArgs;
use crate::cli::error::Error;
use crate::cli::report::{GENERATOR, ReplayEpoch, Report, TestResults, page};
use crate::cli::ui::Out;
use crate::data::{ImageDataset, Part};
use crate::eval::{self, evaluate, outputs};
use crate::io::Origin;
use crate::train::{RunFiles, Snapshots};

use super::{Model, Notes, OnBackend, data_files, data_options, load, new_file, reject_inputs};

/// Maximum size of a file that may be a report. A report has about 1 MB.
const MAX_PAGE_BYTES: u64 = 64 << 20;

/// Maximum number of epochs in the replay, each of which adds 60 kB to the page.
const MAX_REPLAY: usize = 41;

impl OnBackend for ReportArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        if self.models.len() > 2 {
            let found = self.models.len();
            return Err(Error::Usage(format!("expected one or two models, found {found}")));
        }
        let mut notes = Notes::default();
        let models: Result<Vec<_>, Error> =
            self.models.iter().map(|path| Model::read(path, &mut notes)).collect();
        let models = models?;
        let default = default_path(&self.models);
        let (path, origin) = match &self.output {
            Some(output) => (output.as_path(), Origin::User),
            None => (default.as_path(), Origin::Program),
        };
        reject_inputs(path, &self.models)?;
        let replace = self.force || is_report(path);
        let target = new_file(path, origin, replace)?;
        let options = data_options(&self.data, self.data.limit, false);
        let (dataset, provenance) =
            load(Part::Test, &options, models[0].trained_on.as_ref(), &mut notes)?;
        reject_inputs(path, &data_files(&provenance))?;
        for (path, model) in self.models.iter().zip(&models) {
            notes.other_data(path, model.trained_on.as_ref(), &provenance);
        }
        if dataset.is_empty() {
            return Err(Error::Usage("there are no test images".to_owned()));
        }
        let mut results = Vec::new();
        for (path, model) in self.models.iter().zip(&models) {
            let outputs = outputs::<B>(&model.file.weights, &dataset, eval::BATCH_SIZE, device)?;
            let found = TestResults::new(&outputs, dataset.labels(), dataset.info());
            notes.weakness(path, &found.evaluation, model.is_described());
            results.push(found);
        }
        let names: Vec<_> = self
            .models
            .iter()
            .map(|path| path.file_name().unwrap_or_default().to_string_lossy())
            .collect();
        let replay = replay::<B>(&self.models[0], &models[0], &dataset, device)?;
        let reports: Vec<_> = (0..models.len())
            .map(|index| Report {
                model: &names[index],
                weights: &models[index].file.weights,
                record: &models[index].record,
                dataset: &dataset,
                trained_on: models[index].trained_on.as_ref(),
                results: &results[index],
                is_described: models[index].is_described(),
                replay: if index == 0 { &replay } else { &[] },
            })
            .collect();
        let page = page(&reports[0], reports.get(1));
        // Another program may have written a file to this path in the meantime.
        target.write(page.as_bytes(), self.force || is_report(path))?;
        let mut out = Out::default();
        out.line(&format!("saved {}", path.display()));
        out.finish()?;
        if self.open { open(path) } else { Ok(()) }
    }
}

/// Evaluates the snapshots of the run of `model`, if there are any: at most [`MAX_REPLAY`], evenly spaced.
fn replay<B: LeNetBackend>(
    path: &Path,
    model: &Model,
    dataset: &ImageDataset,
    device: &B::Device,
) -> Result<Vec<ReplayEpoch>, Error> {
    let Ok(record) = &model.record else { return Ok(Vec::new()) };
    let snapshots = Snapshots::beside(path, record);
    let count = snapshots.epochs().len();
    let step = count.saturating_sub(1).div_ceil(MAX_REPLAY - 1).max(1);
    let is_shown = |index: &usize| (count - 1 - index).is_multiple_of(step);
    let shown = (0..count).filter(is_shown).map(|index| &snapshots.epochs()[index]);
    let evaluated = shown.map(|snapshot| {
        let weights = snapshot.weights();
        let evaluation = evaluate::<B>(&weights, dataset, eval::BATCH_SIZE, device)?;
        Ok(ReplayEpoch { snapshot: snapshot.clone(), confusion: evaluation.confusion })
    });
    evaluated.collect()
}

/// Returns the path of the report next to the first model: `a.html` for `a.mpk`, and `a-b.html` for `a.mpk` and `b.mpk`.
fn default_path(models: &[PathBuf]) -> PathBuf {
    // Without the slash at the end of a directory, the page gets its name.
    let model: PathBuf = models[0].components().collect();
    let first = RunFiles::beside(&model, "html");
    match models.get(1).and_then(|second| second.file_stem()) {
        Some(second) => {
            let mut name = first.file_stem().unwrap_or_default().to_owned();
            name.push("-");
            name.push(second);
            name.push(".html");
            first.with_file_name(name)
        }
        None => first,
    }
}

/// Returns whether the file is a report that this program wrote.
fn is_report(path: &Path) -> bool {
    let bytes = crate::io::read(path, MAX_PAGE_BYTES).unwrap_or_default();
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]);
    start.contains(&format!(r#"<meta name="generator" content="{GENERATOR}">"#))
}

/// Opens the page in the user's browser, without waiting for it.
fn open(path: &Path) -> Result<(), Error> {
    let program = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let mut command = Command::new(program);
    command.arg(path.canonicalize().unwrap_or_else(|_| path.to_owned()));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.spawn() {
        Ok(_) => Ok(()),
        Err(cause) => {
            Err(Error::Open { path: path.to_owned(), cause: format!("{program}: {cause}") })
        }
    }
}
