//! `lenet train`.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use burn::backend::Autodiff;
use burn::tensor::backend::AutodiffBackend;

use crate::cli::{RecipeName, Seeds, TrainArgs};
use burn::data::dataset::Dataset;

use crate::data::{FashionMnist, ImageDataset, Provenance};
use crate::error::Error;
use crate::eval::{self, Evaluation, evaluate};
use crate::model::LeNet;
use crate::ops::LeNetBackend;
use crate::train::{
    Job, Output, Quiet, Recipe, Reporter, RunRecord, Saved, Settings, Start, State, TensorBoard,
    TestRecord, fit, stop,
};
use crate::ui::{JsonReporter, TextReporter, bars_wanted};

use super::{OnBackend, data_options, gate, note_provenance, seeds};

/// Within an epoch the state is saved so often: what a kill can cost. Saving takes 6 ms.
const SAVE_EVERY: Duration = Duration::from_secs(10);

impl OnBackend for TrainArgs {
    fn run<B: LeNetBackend>(&self, device: &B::Device, device_name: &str) -> Result<(), Error> {
        train::<Autodiff<B>>(self, device, device_name)
    }
}

fn train<B>(args: &TrainArgs, device: &B::Device, device_name: &str) -> Result<(), Error>
where
    B: AutodiffBackend + LeNetBackend,
    B::InnerBackend: LeNetBackend,
{
    stop::listen().map_err(|error| Error::Usage(format!("cannot listen for signals: {error}")))?;
    if let Some(Seeds(seeds)) = &args.seeds {
        return seeds::train::<B>(args, seeds, device, device_name);
    }
    let output = Output::claim(args.output.as_deref(), args.resume, args.force)?;
    let mut reporter: Box<dyn Reporter> = match (args.json, args.quiet) {
        (true, _) => Box::new(JsonReporter::default()),
        (false, true) => Box::new(Quiet),
        (false, false) => Box::new(TextReporter::new(bars_wanted(args.progress))),
    };
    if let Some(dir) = &args.tensorboard {
        let both = TensorBoard::new(reporter, dir, args.resume, args.force)?;
        reporter = Box::new(both);
    }
    let earlier = if args.resume {
        output.read_state()?
    } else {
        None
    };
    if args.resume && earlier.is_none() {
        let path = output.state_path();
        reporter.note(&format!(
            "note: there is no {}, beginning at the start",
            path.display()
        ));
    }
    let settings = settings(args, earlier.as_ref());
    let inputs = Inputs::load(args, &settings, device, device_name)?;
    let run = Run {
        inputs: &inputs,
        settings,
        output: Some(output),
    };
    let result = run.train::<B>(earlier, reporter.as_mut());
    let told = reporter.finish();
    let (_, test) = result?;
    told?;
    gate(test.accuracy(), args.min_accuracy)
}

/// The settings that `args` ask for; what they leave open is as it was `earlier`, or the default.
pub(super) fn settings(args: &TrainArgs, earlier: Option<&Saved>) -> Settings {
    let earlier = earlier.map(|saved| &saved.settings);
    let mut recipe = match (args.recipe, earlier) {
        (None, Some(earlier)) => earlier.recipe.clone(),
        (None | Some(RecipeName::Classic), _) => Recipe::classic(),
        (Some(RecipeName::Tuned), _) => Recipe::tuned(),
    };
    recipe.learning_rate = args.lr.unwrap_or(recipe.learning_rate);
    recipe.momentum = args.momentum.unwrap_or(recipe.momentum);
    Settings {
        epochs: args.epochs.or(earlier.map(|s| s.epochs)).unwrap_or(5),
        batch_size: args
            .batch_size
            .or(earlier.map(|s| s.batch_size))
            .unwrap_or(32),
        validation_split: args
            .validation_split
            .or(earlier.map(|s| s.validation_split))
            .unwrap_or(0.1),
        seed: args.seed.or(earlier.map(|s| s.seed)).unwrap_or(42),
        recipe,
        limit: args
            .data
            .limit
            .map(NonZeroUsize::get)
            .or(earlier.and_then(|s| s.limit)),
        keep: args.keep.or(earlier.map(|s| s.keep)).unwrap_or_default(),
        patience: args.patience.or(earlier.and_then(|s| s.patience)),
        backend: args.compute.backend.name().to_owned(),
    }
}

/// What the command was given and the images that it read.
pub(super) struct Inputs<'a, D> {
    pub(super) args: &'a TrainArgs,
    device: &'a D,
    device_name: &'a str,
    provenance: Provenance,
    train: ImageDataset,
    validation: ImageDataset,
    test: ImageDataset,
}

impl<'a, D> Inputs<'a, D> {
    pub(super) fn load(
        args: &'a TrainArgs,
        settings: &Settings,
        device: &'a D,
        device_name: &'a str,
    ) -> Result<Self, Error> {
        let limit = settings.limit.and_then(NonZeroUsize::new);
        let FashionMnist {
            train,
            test,
            provenance,
        } = FashionMnist::load(&data_options(&args.data, limit))?;
        note_provenance(&provenance);
        let (train, validation) = ImageDataset::new(train).split(settings.validation_split)?;
        Ok(Self {
            args,
            device,
            device_name,
            provenance,
            train,
            validation,
            test: ImageDataset::new(test),
        })
    }
}

/// One training of the command, all that it needs at hand.
pub(super) struct Run<'a, D> {
    pub(super) inputs: &'a Inputs<'a, D>,
    pub(super) settings: Settings,
    /// Where its files go, if it leaves any.
    pub(super) output: Option<Output>,
}

impl<D> Run<'_, D> {
    /// Trains, tests and saves; the end state and what its model is worth on the test images.
    pub(super) fn train<B>(
        &self,
        earlier: Option<Saved>,
        reporter: &mut dyn Reporter,
    ) -> Result<(State, Evaluation), Error>
    where
        B: AutodiffBackend<Device = D> + LeNetBackend,
        B::InnerBackend: LeNetBackend,
    {
        let mut state = match earlier {
            Some(saved) => self.check(saved).map_err(|difference| {
                let path = self
                    .output
                    .as_ref()
                    .map(Output::state_path)
                    .unwrap_or_default();
                Error::Mismatch { path, difference }
            })?,
            None => State::initial(&self.settings),
        };
        reporter.start(&self.start(state.history.len()));
        if state.is_over(&self.settings) {
            let more = match self.settings.recipe.depends_on_length() {
                true => "",
                false => "; more with --epochs",
            };
            let done = state.history.len();
            reporter.note(&format!("note: all {done} epochs are done{more}"));
        }
        let job = Job::<B> {
            settings: &self.settings,
            train: &self.inputs.train,
            validation: &self.inputs.validation,
            device: self.inputs.device,
            save_every: SAVE_EVERY,
        };
        let trained = fit(&job, &mut state, reporter, &mut |state| {
            self.save(state, None)
        });
        trained.map_err(|error| self.with_advice(error))?;

        let model = LeNet::<B::InnerBackend>::from_weights(
            &state.model(&self.settings),
            self.inputs.device,
        );
        let test = evaluate(
            &model,
            &self.inputs.test,
            eval::BATCH_SIZE,
            self.inputs.device,
        )
        .map_err(|error| self.with_advice(error))?;
        let record = TestRecord {
            samples: test.samples(),
            loss: test.loss(),
            accuracy: test.accuracy(),
            correct: test.correct(),
        };
        self.save(&state, Some(record))?;
        reporter.test(&test);
        if let Some(output) = &self.output {
            reporter.saved(output.model_path());
        }
        Ok((state, test))
    }

    /// The state in `saved`, if it is that of this training; or else what differs.
    fn check(&self, saved: Saved) -> Result<State, String> {
        if let Some(difference) = saved.settings.difference(&self.settings) {
            return Err(difference);
        }
        let now = self.saved(State::initial(&self.settings));
        if saved.data != now.data {
            return Err("it was begun with another data set".to_owned());
        }
        if saved.program != now.program {
            return Err(format!(
                "lenet {} wrote it, this is {}",
                saved.program, now.program
            ));
        }
        if saved.device != now.device {
            return Err(format!(
                "it was begun on {}, not {}",
                saved.device, now.device
            ));
        }
        saved.check_progress(self.inputs.train.len())?;
        Ok(saved.state)
    }

    fn saved(&self, state: State) -> Saved {
        Saved {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            device: self.inputs.device_name.to_owned(),
            settings: self.settings.clone(),
            data: self.digests(),
            state,
        }
    }

    fn save(&self, state: &State, test: Option<TestRecord>) -> Result<(), Error> {
        let done = state.history.len();
        let kept_epoch = match (&state.best, self.settings.keep) {
            (Some(best), crate::train::Keep::Best) => Some(best.epoch),
            _ => (done > 0).then_some(done),
        };
        let record = RunRecord {
            schema: 1,
            lenet: env!("CARGO_PKG_VERSION").to_owned(),
            burn: crate::BURN_VERSION.to_owned(),
            device: self.inputs.device_name.to_owned(),
            threads: rayon::current_num_threads(),
            settings: self.settings.clone(),
            data: self.digests(),
            train_samples: self.inputs.train.len(),
            validation_samples: self.inputs.validation.len(),
            epochs: state.history.clone(),
            kept_epoch,
            test,
        };
        let Some(output) = &self.output else {
            return Ok(());
        };
        output.write(
            &self.saved(state.clone()),
            &state.model(&self.settings),
            &record,
        )
    }

    /// SHA-256 of each data file, by its name.
    fn digests(&self) -> BTreeMap<String, String> {
        let digests = self.inputs.provenance.digests.iter();
        digests
            .map(|(file, digest)| (file.name().to_owned(), digest.to_string()))
            .collect()
    }

    /// The facts at its start, with `epochs_done` behind it.
    pub(super) fn start(&self, epochs_done: usize) -> Start {
        let Settings {
            seed,
            recipe,
            backend,
            epochs,
            batch_size,
            ..
        } = &self.settings;
        Start {
            schema: 1,
            train_samples: self.inputs.train.len(),
            validation_samples: self.inputs.validation.len(),
            seed: *seed,
            recipe: recipe.name.clone(),
            backend: backend.clone(),
            device: self.inputs.device_name.to_owned(),
            threads: rayon::current_num_threads(),
            epochs: *epochs,
            epochs_done,
            batch_size: *batch_size,
            learning_rate: recipe.learning_rate,
            momentum: recipe.momentum,
            nesterov: recipe.nesterov,
            schedule: recipe.schedule,
            scaling: recipe.scaling,
            gain: recipe.gain,
            coordinates: recipe.coordinates,
            weight_decay: recipe.weight_decay,
            augmentation: recipe.augmentation,
            averaging: recipe.averaging,
        }
    }

    /// Says how to go on after a signal.
    fn with_advice(&self, error: Error) -> Error {
        match error {
            Error::Stopped { signal, .. } => {
                let path = self.output.as_ref().map(Output::model_path);
                let output = match (&self.inputs.args.output, path) {
                    (None, Some(path)) if path.as_os_str() != "model.mpk" => {
                        format!(" -o {}", path.display())
                    }
                    (Some(_), Some(path)) => format!(" -o {}", path.display()),
                    _ => String::new(),
                };
                let advice =
                    format!("everything is saved; go on with: lenet train --resume{output}");
                Error::Stopped { signal, advice }
            }
            error => error,
        }
    }
}
