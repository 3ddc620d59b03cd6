//! `lenet train`: trains the network with one or more seeds, and saves the model, the run record and the checkpoint.

mod overrides;
mod place;
mod run;
mod seeds;

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use crate::backend::{LeNetBackend, cpu::are_bit_identical};
use crate::cli::args::{self, RecipeName, Seeds, TrainArgs};
use crate::cli::error::Error;
use crate::cli::ui::{self, JsonReporter, RunReporter, TensorBoard, TextReporter, bars_wanted};
use crate::io::FileError;
use crate::signal;
use crate::train::{Quiet, Recipe, RunFiles, RunRecord, Settings};

use super::{OnBackend, check_min_accuracy};
use run::{Splits, TrainingRun};

const WITHOUT_LOCKS: &str =
    "note: the file system does not support locks; do not start a second run with the same output";

impl OnBackend for TrainArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, device_name: &str) -> Result<(), Error> {
        signal::listen().map_err(Error::Signals)?;
        let deadline = self.max_time.and_then(|time| Instant::now().checked_add(time));
        if let Some(Seeds(seeds)) = &self.seeds {
            return seeds::train::<B>(self, seeds, deadline, device, device_name);
        }
        let like = read_like(self)?;
        let seed = self.seed.or_else(|| Some(like.as_ref()?.settings.seed));
        let seed = seed.unwrap_or_else(|| Settings::new(Recipe::classic()).seed);
        let output = self.output.as_deref().map(|path| overrides::model_path(path, seed));
        let output = output.transpose()?;
        let model = output.as_ref().map(|(path, origin)| (path.as_path(), *origin));
        let mut files = RunFiles::reserve(model, self.resume, self.force)?;
        let mut reporter: Box<dyn RunReporter> = match (self.json, self.quiet) {
            (true, _) => Box::new(JsonReporter::default()),
            (false, true) => Box::new(Quiet),
            (false, false) => Box::new(TextReporter::new(bars_wanted(self.progress))),
        };
        let earlier = if self.resume { files.read_checkpoint()? } else { None };
        let record = earlier.as_ref().map(|checkpoint| &checkpoint.record);
        let settings = settings(self, record.or(like.as_ref()))?;
        if self.resume && earlier.is_none() {
            let path = files.checkpoint_path();
            reporter.note(&format!("note: {} does not exist, starting a new run", path.display()));
        }
        let (splits, initial) = Splits::load(self, settings, device_name)?;
        let dir = self.tensorboard.as_deref().map(|dir| overrides::directory(dir, seed));
        let mut tensorboard =
            dir.map(|dir| TensorBoard::new(&dir, record, self.force)).transpose()?;
        if !files.is_locked() || tensorboard.as_ref().is_some_and(|board| !board.is_locked()) {
            reporter.note(WITHOUT_LOCKS);
        }
        note_differences(like.as_ref(), &initial);
        let name = files.model_path().to_owned();
        let has_other_name = self.output.is_none() && name != Path::new("model.mpk");
        if has_other_name {
            let name = name.display();
            reporter.note(&format!("note: model.mpk already exists, writing to {name}"));
        }
        let mut run = TrainingRun {
            splits: &splits,
            device,
            record: initial,
            files: Some(files),
            snapshots: self.snapshots,
            deadline,
        };
        let result = run.train::<B>(earlier, reporter.as_mut(), tensorboard.as_mut());
        if let Err(Error::Library(stop)) = &result
            && stop.is_early_stop()
        {
            reporter.stopped(&stop.to_string());
        }
        let reported = reporter.finish();
        // A resumed run still has to replace the curves of other runs.
        let has_others = tensorboard.as_ref().is_some_and(TensorBoard::has_others);
        let shown = tensorboard.map_or(Ok(()), TensorBoard::finish);
        let (_, test) = result.map_err(|error| {
            error.with_advice(|| {
                let mut options: Vec<&OsStr> = vec!["--resume".as_ref()];
                if has_other_name {
                    options.splice(0..0, ["-o".as_ref(), name.as_os_str()]);
                }
                if has_others {
                    options.push("--force".as_ref());
                }
                let typed = args::rerun_command(None, &options);
                format!("everything is saved; resume with: {typed}")
            })
        })?;
        shown.and(reported)?;
        check_min_accuracy(test.accuracy, self.min_accuracy)
    }
}

/// Returns the settings in `args`. A setting that `args` lacks comes from the record of an `earlier` run, or is the
/// default if there is no such record.
fn settings(args: &TrainArgs, earlier: Option<&RunRecord>) -> Result<Settings, Error> {
    let earlier = earlier.map(|record| &record.settings);
    let mut recipe = match (args.recipe, earlier) {
        (None, Some(earlier)) => earlier.recipe.clone(),
        (None | Some(RecipeName::Classic), _) => Recipe::classic(),
        (Some(RecipeName::Tuned), _) => Recipe::tuned(),
    };
    recipe.learning_rate = args.lr.unwrap_or(recipe.learning_rate);
    recipe.momentum = args.momentum.unwrap_or(recipe.momentum);
    let recipe = overrides::change(recipe, &args.set)?;
    let base = earlier.cloned().unwrap_or_else(|| Settings::new(recipe.clone()));
    let settings = Settings {
        epochs: args.epochs.unwrap_or(base.epochs),
        batch_size: args.batch_size.unwrap_or(base.batch_size),
        validation_split: args.validation_split.unwrap_or(base.validation_split),
        stratified: args.stratified || base.stratified,
        seed: args.seed.unwrap_or(base.seed),
        recipe,
        limit: args.data.limit.map(NonZeroUsize::get).or(base.limit),
        keep: args.keep.unwrap_or(base.keep),
        patience: args.patience.or(base.patience),
        backend: args::name(&args.compute.backend),
    };
    settings.check().map_err(Error::Usage)?;
    Ok(settings)
}

/// Reads the run record of `--like`, if any.
fn read_like(args: &TrainArgs) -> Result<Option<RunRecord>, Error> {
    let read = |path: &Path| {
        RunRecord::read(path).map_err(FileError::of("cannot use the settings of", path))
    };
    Ok(args.like.as_deref().map(read).transpose()?)
}

/// Prints the reasons, apart from settings, why this run will not reproduce the model of `like`.
fn note_differences(like: Option<&RunRecord>, record: &RunRecord) {
    let Some(like) = like else { return };
    let RunRecord { lenet, device, .. } = like;
    let reasons = [
        (like.test.is_none(), "the original run did not finish".to_owned()),
        (*lenet != record.lenet, format!("the original run used lenet {lenet}")),
        (!are_bit_identical(device, &record.device), format!("the original run used {device}")),
        (like.data != record.data, "the original run used another data set".to_owned()),
    ];
    for (_, reason) in reasons.iter().filter(|(differs, _)| *differs) {
        ui::note(&format!("note: this run will not reproduce the original model: {reason}"));
    }
}
