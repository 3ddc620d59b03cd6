//! `lenet report`: evaluates a model on the test images and writes the HTML report.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use burn::data::dataset::Dataset;

use crate::backend::LeNetBackend;
use crate::cli::args::ReportArgs;
use crate::cli::error::Error;
use crate::cli::report::{GENERATOR, ReplayEpoch, Report, TestResults, page};
use crate::cli::ui::Out;
use crate::data::{DatasetIdentity, ImageDataset, Part};
use crate::eval::{self, evaluate, outputs};
use crate::format;
use crate::io::Target;
use crate::model::{Weights, layers};
use crate::train::{RunFiles, RunRecord, Snapshots};

use super::{OnBackend, load, new_file, note_other_data, run_record, trained_on};

/// Maximum size of a file that may be a report. A report has about 1 MB.
const MAX_PAGE_BYTES: u64 = 64 << 20;

/// Maximum number of epochs in the replay, each of which adds 60 kB to the page.
const MAX_REPLAY: usize = 41;

impl OnBackend for ReportArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, _: &str) -> Result<(), Error> {
        if self.models.len() > 2 {
            let found = self.models.len();
            return Err(Error::Usage(format!(
                "a report is about one or two models, found {found}"
            )));
        }
        let models: Result<Vec<_>, Error> =
            self.models.iter().map(|path| Model::read(path)).collect();
        let models = models?;
        let default = default_path(&self.models);
        let path = self.output.as_deref().unwrap_or(&default);
        let canonical = |path: &Path| path.canonicalize().ok();
        if path.exists() && self.models.iter().any(|model| canonical(path) == canonical(model)) {
            return Err(Error::Usage("the report would overwrite the model".to_owned()));
        }
        let replace = self.force || is_report(path);
        let target = match &self.output {
            Some(path) => new_file(path, replace)?,
            None => default_file(path, replace)?,
        };
        let (dataset, provenance) = load(Part::Test, &self.data, false)?;
        for model in &models {
            note_other_data(model.path, model.trained_on.as_ref(), &provenance);
        }
        if dataset.is_empty() {
            return Err(Error::Usage("there are no test images".to_owned()));
        }
        let results: Result<Vec<_>, Error> = models
            .iter()
            .map(|model| {
                let outputs = outputs::<B>(&model.weights, &dataset, eval::BATCH_SIZE, device)?;
                Ok(TestResults::new(&outputs, dataset.labels(), dataset.info()))
            })
            .collect();
        let results = results?;
        let layers = layers(1);
        let reports: Vec<_> = models
            .iter()
            .zip(&results)
            .map(|(model, results)| Report {
                model: &model.name,
                weights: &model.weights,
                layers: &layers,
                record: &model.record,
                images: dataset.images(),
                trained_on: model.trained_on.as_ref(),
                results,
                replay: &[],
            })
            .collect();
        let replay = models[0].replay::<B>(&dataset, device)?;
        let report = Report { replay: &replay, ..reports[0] };
        target.write(page(&report, reports.get(1)).as_bytes(), replace)?;
        let mut out = Out::default();
        out.line(&format!("saved {}", path.display()));
        out.finish()?;
        if self.open { open(path) } else { Ok(()) }
    }
}

/// A model with its run record.
struct Model<'a> {
    path: &'a Path,
    name: String,
    weights: Weights,
    record: io::Result<RunRecord>,
    trained_on: Option<DatasetIdentity>,
}

impl<'a> Model<'a> {
    fn read(path: &'a Path) -> Result<Self, Error> {
        let bytes = format::read_bytes(path)?;
        let file = format::decode(path, &bytes)?;
        let record = run_record(path, &bytes);
        let trained_on = trained_on(record.as_ref().ok(), &file);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { path, name, weights: file.weights, record, trained_on })
    }

    /// Evaluates the snapshots of the run, if there are any: at most [`MAX_REPLAY`], evenly spaced.
    fn replay<B: LeNetBackend>(
        &self,
        dataset: &ImageDataset,
        device: &B::Device,
    ) -> Result<Vec<ReplayEpoch>, Error> {
        let Ok(record) = &self.record else { return Ok(Vec::new()) };
        let snapshots = Snapshots::beside(self.path, record);
        let count = snapshots.epochs().len();
        let step = count.saturating_sub(1).div_ceil(MAX_REPLAY - 1).max(1);
        let is_shown = |index: &usize| (count - 1 - index).is_multiple_of(step);
        let shown = (0..count).filter(is_shown).map(|index| &snapshots.epochs()[index]);
        let evaluated = shown.map(|snapshot| {
            let evaluation = evaluate::<B>(&snapshot.weights(), dataset, eval::BATCH_SIZE, device)?;
            Ok(ReplayEpoch { snapshot: snapshot.clone(), confusion: evaluation.confusion })
        });
        evaluated.collect()
    }
}

/// Returns the path of the report next to the first model: `a.html` for `a.mpk`, and `a-b.html` for `a.mpk` and `b.mpk`.
fn default_path(models: &[PathBuf]) -> PathBuf {
    let first = RunFiles::beside(&models[0], "html");
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

/// Returns whether the file is a page that this program wrote.
fn is_report(path: &Path) -> bool {
    let bytes = crate::io::read(path, MAX_PAGE_BYTES).unwrap_or_default();
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]);
    start.contains(&format!(r#"<meta name="generator" content="{GENERATOR}">"#))
}

/// Prepares to write the report to a path that the user did not choose. A symlink there is not followed.
fn default_file(path: &Path, replace: bool) -> Result<Target, Error> {
    if (path.exists() || path.is_symlink()) && !replace {
        return Err(Error::exists(path));
    }
    let target = Target::internal(path)?;
    target.probe()?;
    Ok(target)
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
