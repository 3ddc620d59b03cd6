//! `lenet train`.

mod run;
mod seeds;

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::path::Path;

use crate::backend::LeNetBackend;
use crate::cli::args::{self, RecipeName, Seeds, TrainArgs};
use crate::cli::error::Error;
use crate::cli::ui::{self, JsonReporter, RunReporter, TensorBoard, TextReporter, bars_wanted};
use crate::io::FileError;
use crate::signal;
use crate::train::{Quiet, Recipe, RunFiles, RunRecord, Settings};

use super::{OnBackend, gate};
use run::{Splits, TrainingRun};

impl OnBackend for TrainArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, device_name: &str) -> Result<(), Error> {
        signal::listen().map_err(Error::Signals)?;
        if let Some(Seeds(seeds)) = &self.seeds {
            return seeds::train::<B>(self, seeds, device, device_name);
        }
        let mut output = RunFiles::reserve(self.output.as_deref(), self.resume, self.force)?;
        let mut reporter: Box<dyn RunReporter> = match (self.json, self.quiet) {
            (true, _) => Box::new(JsonReporter::default()),
            (false, true) => Box::new(Quiet),
            (false, false) => Box::new(TextReporter::new(bars_wanted(self.progress))),
        };
        let earlier = if self.resume { output.read_checkpoint()? } else { None };
        let record = earlier.as_ref().map(|state| &state.record);
        let tensorboard = self.tensorboard.as_ref();
        let mut tensorboard =
            tensorboard.map(|dir| TensorBoard::new(dir, record, self.force)).transpose()?;
        if self.resume && earlier.is_none() {
            let path = output.checkpoint_path();
            reporter.note(&format!("note: there is no {}, beginning at the start", path.display()));
        }
        let like = like(self)?;
        let settings = settings(self, record.or(like.as_ref()))?;
        let (splits, record) = Splits::load(self, settings, device_name)?;
        note_differences(like.as_ref(), &record);
        let name = output.model_path().to_owned();
        let has_other_name = self.output.is_none() && name != Path::new("model.mpk");
        if has_other_name {
            let name = name.display();
            reporter.note(&format!("note: model.mpk is taken, this model goes to {name}"));
        }
        let mut run = TrainingRun { splits: &splits, device, record, output: Some(output) };
        let result = run.train::<B>(earlier, reporter.as_mut(), tensorboard.as_mut());
        let reported = reporter.finish();
        let shown = tensorboard.map_or(Ok(()), TensorBoard::finish);
        let (_, test) = result.map_err(|error| {
            error.with_advice(|| {
                let resume = OsStr::new("--resume");
                let typed = match has_other_name {
                    true => args::rerun_command(None, &["-o".as_ref(), name.as_os_str(), resume]),
                    false => args::rerun_command(None, &[resume]),
                };
                format!("everything is saved; go on with: {typed}")
            })
        })?;
        shown.and(reported)?;
        gate(test.accuracy, self.min_accuracy)
    }
}

/// The settings that `args` ask for; what they leave open is as in the record of an `earlier` run, or the default.
fn settings(args: &TrainArgs, earlier: Option<&RunRecord>) -> Result<Settings, Error> {
    let earlier = earlier.map(|record| &record.settings);
    let mut recipe = match (args.recipe, earlier) {
        (None, Some(earlier)) => earlier.recipe.clone(),
        (None | Some(RecipeName::Classic), _) => Recipe::classic(),
        (Some(RecipeName::Tuned), _) => Recipe::tuned(),
    };
    recipe.learning_rate = args.lr.unwrap_or(recipe.learning_rate);
    recipe.momentum = args.momentum.unwrap_or(recipe.momentum);
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

/// The record of the run that is to be repeated.
fn like(args: &TrainArgs) -> Result<Option<RunRecord>, Error> {
    let read = |path: &Path| {
        let unusable = FileError::of("cannot use the settings of", path);
        RunRecord::read(path).map_err(unusable)
    };
    Ok(args.like.as_deref().map(read).transpose()?)
}

/// Says why a training as `like` tells of leaves another model as `record`, whatever its settings.
fn note_differences(like: Option<&RunRecord>, record: &RunRecord) {
    let Some(like) = like else { return };
    let RunRecord { lenet, device, .. } = like;
    let reasons = [
        (like.test.is_none(), "it was not finished".to_owned()),
        (*lenet != record.lenet, format!("it was of lenet {lenet}")),
        (*device != record.device, format!("it ran on {device}")),
        (like.data != record.data, "it had another data set".to_owned()),
    ];
    for (_, reason) in reasons.iter().filter(|(differs, _)| *differs) {
        ui::note(&format!(
            "note: the training to be repeated left another model than this one will: {reason}"
        ));
    }
}
