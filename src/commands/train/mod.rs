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
use crate::train::{Output, Quiet, Recipe, Reporter, RunRecord, Settings, TensorBoard, stop};
use crate::ui::{JsonReporter, TextReporter, bars_wanted};

use super::{OnBackend, gate};
use inputs::Inputs;
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
    stop::listen().map_err(Error::Signals)?;
    if let Some(Seeds(seeds)) = &args.seeds {
        return seeds::train::<B>(args, seeds, device, device_name);
    }
    let output = Output::claim(args.output.as_deref(), args.resume, args.force)?;
    let mut reporter: Box<dyn Reporter> = match (args.json, args.quiet) {
        (true, _) => Box::new(JsonReporter::default()),
        (false, true) => Box::new(Quiet),
        (false, false) => Box::new(TextReporter::new(bars_wanted(args.progress))),
    };
    let name = output.model_path();
    if args.output.is_none() && name != Path::new("model.mpk") {
        let name = name.display();
        reporter.note(&format!("note: model.mpk is taken, this model goes to {name}"));
    }
    let earlier = if args.resume { output.read_state()? } else { None };
    if let Some(dir) = &args.tensorboard {
        let history = earlier.as_ref().map(|saved| &saved.state.history[..]);
        let both = TensorBoard::new(reporter, dir, history, args.force)?;
        reporter = Box::new(both);
    }
    if args.resume && earlier.is_none() {
        let path = output.state_path();
        reporter.note(&format!("note: there is no {}, beginning at the start", path.display()));
    }
    let like = like(args)?;
    let settings = settings(args, earlier.as_ref().map(|saved| &saved.settings), like.as_ref())?;
    let inputs = Inputs::load(args, &settings, device, device_name)?;
    inputs.compare(like.as_ref());
    let run = Run { inputs: &inputs, settings, output: Some(output) };
    let result = run.train::<B>(earlier, reporter.as_mut());
    let told = reporter.finish();
    let (_, _, test) = result?;
    told?;
    gate(test.accuracy(), args.min_accuracy)
}

/// The settings that `args` ask for; what they leave open is as it was `earlier`, in the run that is to be repeated,
/// or the default.
fn settings(
    args: &TrainArgs,
    earlier: Option<&Settings>,
    like: Option<&RunRecord>,
) -> Result<Settings, Error> {
    let earlier = earlier.or(like.map(|record| &record.settings));
    let mut recipe = match (args.recipe, earlier) {
        (None, Some(earlier)) => earlier.recipe.clone(),
        (None | Some(RecipeName::Classic), _) => Recipe::classic(),
        (Some(RecipeName::Tuned), _) => Recipe::tuned(),
    };
    recipe.learning_rate = args.lr.unwrap_or(recipe.learning_rate);
    recipe.momentum = args.momentum.unwrap_or(recipe.momentum);
    let settings = Settings {
        epochs: args.epochs.or(earlier.map(|s| s.epochs)).unwrap_or(5),
        batch_size: args
            .batch_size
            .or(earlier.map(|s| s.batch_size))
            .unwrap_or(recipe.batch_size()),
        validation_split: args
            .validation_split
            .or(earlier.map(|s| s.validation_split))
            .unwrap_or(0.1),
        stratified: args.stratified || earlier.is_some_and(|s| s.stratified),
        seed: args.seed.or(earlier.map(|s| s.seed)).unwrap_or(42),
        recipe,
        limit: args.data.limit.map(NonZeroUsize::get).or(earlier.and_then(|s| s.limit)),
        keep: args.keep.or(earlier.map(|s| s.keep)).unwrap_or_default(),
        patience: args.patience.or(earlier.and_then(|s| s.patience)),
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
