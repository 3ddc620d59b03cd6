//! `lenet train`.

mod inputs;
mod run;
mod seeds;

use std::num::NonZeroUsize;
use std::path::Path;

use crate::cli::{RecipeName, Seeds, TrainArgs};
use crate::error::Error;
use crate::io::FileError;
use crate::ops::LeNetBackend;
use crate::signal;
use crate::train::{Output, Quiet, Recipe, Reporter, RunRecord, Settings, TensorBoard};
use crate::ui::{JsonReporter, TextReporter, bars_wanted};

use super::{OnBackend, gate};
use inputs::{Inputs, compare};
use run::Run;

impl OnBackend for TrainArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, device_name: &str) -> Result<(), Error> {
        train::<B>(self, device, device_name)
    }
}

fn train<B: LeNetBackend>(
    args: &TrainArgs,
    device: &B::Device,
    device_name: &str,
) -> Result<(), Error> {
    signal::listen().map_err(Error::Signals)?;
    if let Some(Seeds(seeds)) = &args.seeds {
        return seeds::train::<B>(args, seeds, device, device_name);
    }
    let output = Output::claim(args.output.as_deref(), args.resume, args.force)?;
    let mut reporter: Box<dyn Reporter> = match (args.json, args.quiet) {
        (true, _) => Box::new(JsonReporter::default()),
        (false, true) => Box::new(Quiet),
        (false, false) => Box::new(TextReporter::new(bars_wanted(args.progress))),
    };
    let earlier = if args.resume { output.read_state()? } else { None };
    let record = earlier.as_ref().map(|saved| &saved.record);
    let tensorboard = args.tensorboard.as_ref();
    let mut tensorboard =
        tensorboard.map(|dir| TensorBoard::new(dir, record, args.force)).transpose()?;
    if args.resume && earlier.is_none() {
        let path = output.state_path();
        reporter.note(&format!("note: there is no {}, beginning at the start", path.display()));
    }
    let like = like(args)?;
    let settings = settings(args, record.or(like.as_ref()))?;
    let (inputs, record) = Inputs::load(args, settings, device, device_name)?;
    compare(like.as_ref(), &record);
    let name = output.model_path();
    if args.output.is_none() && name != Path::new("model.mpk") {
        let name = name.display();
        reporter.note(&format!("note: model.mpk is taken, this model goes to {name}"));
    }
    let run = Run { inputs: &inputs, record, output: Some(output) };
    let result = run.train::<B>(earlier, reporter.as_mut(), tensorboard.as_mut());
    let reported = reporter.finish();
    let shown = tensorboard.map_or(Ok(()), TensorBoard::finish);
    let (_, test) = result?;
    shown.and(reported)?;
    gate(test.accuracy, args.min_accuracy)
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
        backend: args.compute.backend.name().to_owned(),
    };
    settings.check().map_err(Error::Usage)?;
    Ok(settings)
}

/// The record of the run that is to be repeated.
fn like(args: &TrainArgs) -> Result<Option<RunRecord>, Error> {
    let read = |path: &Path| {
        let unusable = FileError::of("cannot take the settings of", path);
        RunRecord::read(path).map_err(unusable)
    };
    Ok(args.like.as_deref().map(read).transpose()?)
}
